-- From outside into the log: exactly once by key, never after the deadline, first decision wins.
-- ARGV: sid, key, type, line, hash, deadline ms or '', mode, approval, need, voter, next approval, limit per user, limit per team, digest of the next approval, alias of a new session
local sid, key, kind, line, hash, deadline, mode, approval = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local ms = now()

local seen = redis.call('GET', SEEN)
if seen then
  local at = string.find(seen, ' ', 1, true)
  return { 'DUP', string.sub(seen, 1, at - 1), string.sub(seen, at + 1) }
end
local known = redis.call('HGET', IDEM, 'ev:' .. key)
if known then return { 'DUP', sid, known } end
if deadline ~= '' and ms > tonumber(deadline) then return { 'LATE' } end

local status = redis.call('HGET', ST, 'status')
if mode == 'open' then
  if status then return { status == 'open' and 'OPEN' or 'CLOSED' } end
  if redis.call('SCARD', LIVE_USER) >= tonumber(ARGV[12]) then return { 'LIMIT', 'user' } end
  if redis.call('SCARD', LIVE_TEAM) >= tonumber(ARGV[13]) then return { 'LIMIT', 'team' } end
  if ARGV[15] ~= '' and (redis.call('HGET', ALIAS, ARGV[15]) or sid) ~= sid then return { 'TAKEN' } end
else
  if not status then return { 'NONE' } end
  if status ~= 'open' then return { 'CLOSED' } end
end

local decides = mode == 'approve' or mode == 'deny' or mode == 'edit' or mode == 'expire' or mode == 'withdraw'
if decides then
  local state = redis.call('HGET', IDEM, 'a:' .. approval)
  if not state then return { 'NONE' } end
  if mode == 'withdraw' then
    if redis.call('HEXISTS', IDEM, 'vote:' .. approval .. ':' .. ARGV[10]) == 0 or (state ~= 'pending' and state ~= 'approved') then return { 'DECIDED', state } end
  elseif state ~= 'pending' then
    return { 'DECIDED', state }
  end
  if mode == 'approve' then
    local voted = redis.call('HGET', IDEM, 'vote:' .. approval .. ':' .. ARGV[10])
    if voted then return { 'DUP', sid, voted } end
  end
end

local n, head = tip()
if not fits(line, n + 1, head) then return { 'MOVED', str(n), head } end

local seq = n + 1
write(seq, kind, line, 0, ms)
redis.call('HSET', ST, 'n', str(seq), 'head', hash)
redis.call('HSET', IDEM, 'ev:' .. key, str(seq))
redis.call('SET', SEEN, sid .. ' ' .. str(seq), 'EX', 3600)
redis.call('ZADD', STALE, str(ms), sid)

if mode == 'open' then
  redis.call('HSET', ST, 'status', 'open', 'fence', '0', 'lease', '0')
  redis.call('SADD', LIVE_TEAM, sid)
  redis.call('SADD', LIVE_USER, sid)
  if ARGV[15] ~= '' then redis.call('HSET', ALIAS, ARGV[15], sid) end
  if THREAD then redis.call('SET', THREAD, sid) end
elseif mode == 'approve' then
  redis.call('HSET', IDEM, 'vote:' .. approval .. ':' .. ARGV[10], str(seq))
  local votes = redis.call('HINCRBY', IDEM, 'v:' .. approval, 1)
  if votes >= tonumber(ARGV[9]) then redis.call('HSET', IDEM, 'a:' .. approval, 'approved', 'd:' .. approval, str(ms)) end
elseif mode == 'withdraw' then
  redis.call('HDEL', IDEM, 'vote:' .. approval .. ':' .. ARGV[10], 'd:' .. approval)
  redis.call('HINCRBY', IDEM, 'v:' .. approval, -1)
  redis.call('HSET', IDEM, 'a:' .. approval, 'pending')
elseif mode == 'deny' then
  redis.call('HSET', IDEM, 'a:' .. approval, 'denied')
elseif mode == 'expire' then
  redis.call('HSET', IDEM, 'a:' .. approval, 'expired')
elseif mode == 'edit' then
  redis.call('HSET', IDEM, 'a:' .. approval, 'edited', 'a:' .. ARGV[11], 'pending', 'g:' .. ARGV[11], ARGV[14])
elseif mode == 'stop' then
  redis.call('HSETNX', ST, 'stop', str(seq))
end
if mode ~= 'note' then redis.call('ZADD', DUE, str(ms), sid) end
return { 'OK', str(seq), hash, str(ms) }
