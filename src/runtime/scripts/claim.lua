-- Takes the session's lease, if nobody holds it. ARGV: sid, owner (fresh for each turn), ttl ms
local ms = now()
if redis.call('HGET', ST, 'status') ~= 'open' then return { 'CLOSED' } end
local owner = redis.call('HGET', ST, 'owner') or ''
if tonumber(redis.call('HGET', ST, 'lease') or '0') > ms and owner ~= '' then
  if owner ~= ARGV[2] then return { 'BUSY' } end
  -- Sent twice, as its answer was lost: it is ours already.
  return { 'OK', redis.call('HGET', ST, 'fence'), str(ms), redis.call('HGET', ST, 'interrupted') or '0', redis.call('HGET', ST, 'n') }
end
local fence = redis.call('HINCRBY', ST, 'fence', 1)
local lease = str(ms + tonumber(ARGV[3]))
-- The last owner neither committed nor let go: it was cut off in the very step that comes next.
if owner ~= '' then redis.call('HINCRBY', ST, 'interrupted', 1) end
redis.call('HSET', ST, 'owner', ARGV[2], 'lease', lease)
-- Should this owner die, somebody looks when its lease is over.
redis.call('ZADD', DUE, lease, ARGV[1])
return { 'OK', str(fence), str(ms), redis.call('HGET', ST, 'interrupted') or '0', redis.call('HGET', ST, 'n') }
