-- Keeps the lease. ARGV: sid, fence, ttl ms
local ms = now()
if redis.call('HGET', ST, 'status') ~= 'open' or redis.call('HGET', ST, 'fence') ~= ARGV[2] then return { 'FENCED' } end
local lease = str(ms + tonumber(ARGV[3]))
redis.call('HSET', ST, 'lease', lease)
redis.call('ZADD', DUE, lease, ARGV[1])
return { 'OK', redis.call('HGET', ST, 'stop') or '', redis.call('HGET', ST, 'n'), str(ms) }
