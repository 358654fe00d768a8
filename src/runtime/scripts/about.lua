-- An entry of the index gives way only to one of a later line, or of the same line that knows where the thread is: whoever stood still writes last, and knows least.
-- KEYS[1]: the index of a team; ARGV: sid, entry, its line, '1' where it knows the thread
local was = redis.call('HGET', KEYS[1], ARGV[1])
local seq = was and tonumber(string.match(was, '^{"seq":(%d+),')) or 0
local new = tonumber(ARGV[3])
if new < seq or (new == seq and ARGV[4] ~= '1') then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
