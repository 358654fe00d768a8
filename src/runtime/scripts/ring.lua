-- Who must be looked at now. Each is put off by the visibility time, so that a lost bell is rung again. ARGV: limit, visibility ms
local ms = now()
local due = redis.call('ZRANGEBYSCORE', DUE, '-inf', str(ms), 'LIMIT', 0, tonumber(ARGV[1]))
for _, sid in ipairs(due) do redis.call('ZADD', DUE, str(ms + tonumber(ARGV[2])), sid) end
return due
