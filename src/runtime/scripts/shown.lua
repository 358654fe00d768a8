-- The thread shows the log up to a line: it is out of the list only if that is still the end. ARGV: sid, seen, look again at (ms) or ''
local n = tip()
if n > tonumber(ARGV[2]) then return { 'UNSEEN' } end
if ARGV[3] == '' then redis.call('ZREM', STALE, ARGV[1]) else redis.call('ZADD', STALE, ARGV[3], ARGV[1]) end
return { 'OK' }
