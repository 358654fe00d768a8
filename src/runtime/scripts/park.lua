-- Lets go of the session. ARGV: sid, fence, seen, wake at (ms) or '', head of what was seen
local ms = now()
if redis.call('HGET', ST, 'status') ~= 'open' or redis.call('HGET', ST, 'fence') ~= ARGV[2] then return { 'FENCED' } end
local n, head = tip()
-- Something came in after the last look: a click may never fall between the look and the sleep.
if n > tonumber(ARGV[3]) then return { 'UNSEEN' } end
-- What was seen is gone with a master, and what it said of the time to wake with it: somebody looks when the lease is over.
if head ~= ARGV[5] then return { 'FENCED' } end
redis.call('HSET', ST, 'owner', '', 'lease', '0')
-- Nothing to wait for by time: far away, but still in the list, so that an open session is never out of sight.
redis.call('ZADD', DUE, ARGV[4] == '' and str(ms + 86400000) or ARGV[4], ARGV[1])
return { 'OK' }
