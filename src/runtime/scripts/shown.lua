-- The thread shows the log up to a line: it is out of the list only if that is still the end, and if nobody has had it looked at anew since.
-- ARGV: sid, seen, look again at (ms) or '', what the list said of it before it was looked at or '' (may be missing)
local n = tip()
if n > tonumber(ARGV[2]) then return { 'UNSEEN' } end
if ARGV[4] and ARGV[4] ~= (redis.call('ZSCORE', STALE, ARGV[1]) or '') then return { 'UNSEEN' } end
if ARGV[3] == '' then redis.call('ZREM', STALE, ARGV[1]) else redis.call('ZADD', STALE, ARGV[3], ARGV[1]) end
return { 'OK' }
