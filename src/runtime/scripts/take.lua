-- A limiter shared by all processes: one place each so many ms, and, after a quiet time, so many at once. Answers how long to wait; 0 has taken the place.
-- KEYS[1]: the limiter, when the place after the last one taken is due; ARGV: every ms, how many at once
local t = redis.call('TIME')
local ms = t[1] * 1000 + math.floor(t[2] / 1000)
local every = tonumber(ARGV[1])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), ms)
local early = due - ms - every * (tonumber(ARGV[2]) - 1)
if early > 0 then return early end
redis.call('SET', KEYS[1], string.format('%.0f', due + every), 'PX', due - ms + every + 1000)
return 0
