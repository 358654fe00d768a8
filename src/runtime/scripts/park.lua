-- Lets go of the session. ARGV: sid, fence, seen, wake at (ms) or ''
local ms = now()
if redis.call('HGET', ST, 'status') ~= 'open' or redis.call('HGET', ST, 'fence') ~= ARGV[2] then return { 'FENCED' } end
local n = tip()
-- Something came in after the last look: a click may never fall between the look and the sleep.
if n > tonumber(ARGV[3]) then return { 'UNSEEN' } end
redis.call('HSET', ST, 'owner', '', 'lease', '0')
-- Nothing to wait for by time: far away, but still in the list, so that an open session is never out of sight.
redis.call('ZADD', DUE, ARGV[4] == '' and str(ms + 86400000) or ARGV[4], ARGV[1])
return { 'OK' }
