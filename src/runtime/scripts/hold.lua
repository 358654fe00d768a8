-- One at a time: takes what nobody holds, or keeps what one holds. KEYS[1]: what is held; ARGV: who, ttl ms
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
