-- A limiter shared by all processes: one place each so many ms. Answers how long to wait; 0 has taken the place. KEYS[1]: the limiter; ARGV: every ms
local t = redis.call('TIME')
local ms = t[1] * 1000 + math.floor(t[2] / 1000)
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
if free > ms then return free - ms end
local every = tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', ms + every), 'PX', every + 1000)
return 0
