-- Keeps the lease. ARGV: sid, fence, ttl ms
local ms = now()
-- What has ended, is set aside or was let go has no owner, and is not taken back: who wakes it then has been written down.
if redis.call('HGET', ST, 'owner') == '' or redis.call('HGET', ST, 'fence') ~= ARGV[2] then return { 'FENCED' } end
local lease = str(ms + tonumber(ARGV[3]))
redis.call('HSET', ST, 'lease', lease)
redis.call('ZADD', DUE, lease, ARGV[1])
return { 'OK', redis.call('HGET', ST, 'stop') or '', redis.call('HGET', ST, 'n'), str(ms) }
