-- Takes the session's lease, if nobody holds it. ARGV: sid, owner (fresh for each turn), ttl ms
local ms = now()
if redis.call('HGET', ST, 'status') ~= 'open' then return { 'CLOSED' } end
if tonumber(redis.call('HGET', ST, 'lease') or '0') > ms and redis.call('HGET', ST, 'owner') ~= '' then return { 'BUSY' } end
local fence = redis.call('HINCRBY', ST, 'fence', 1)
local lease = str(ms + tonumber(ARGV[3]))
-- The last owner neither committed nor let go: it was cut off in the very step that comes next.
if (redis.call('HGET', ST, 'owner') or '') ~= '' then redis.call('HINCRBY', ST, 'interrupted', 1) end
redis.call('HSET', ST, 'owner', ARGV[2], 'lease', lease)
-- Should this owner die, somebody looks when its lease is over.
redis.call('ZADD', DUE, lease, ARGV[1])
return { 'OK', str(fence), str(ms), redis.call('HGET', ST, 'interrupted') or '0', redis.call('HGET', ST, 'n') }
