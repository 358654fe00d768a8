-- Keeps what one holds: whoever was away for longer than it lasts does not get it back, as somebody else may have had it meanwhile. KEYS[1]: what is held; ARGV: who, ttl ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
