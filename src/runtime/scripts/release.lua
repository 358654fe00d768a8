-- Takes a key away, if it still says this. KEYS[1]: the key; ARGV: what it should say
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
