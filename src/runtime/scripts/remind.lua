-- An open session stands in the list of those that somebody must look at, whatever became of the list. ARGV: sid
if redis.call('HGET', ST, 'status') ~= 'open' then return 0 end
return redis.call('ZADD', DUE, 'NX', str(now()), ARGV[1])
