-- The owner writes, all or nothing.
-- ARGV: sid, fence, op, guard ('' | 'effect' | 'quiet' | 'cancel'), seen (for quiet), approval (for effect), execution expiry ms, number of lines,
-- then for each line: type, line, hash, call, approval it asks for, what the watcher needs to know, digest of the arguments
local sid, fence, op, guard, approval = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local ms = now()
local n, head = tip()
if redis.call('HGET', ST, 'op') == op then return { 'OK', redis.call('HGET', ST, 'opn'), head, str(ms), 'again' } end
if redis.call('HGET', ST, 'status') ~= 'open' or redis.call('HGET', ST, 'fence') ~= fence then return { 'FENCED' } end
-- A stop lets nothing begin any more, but cancelling the session's own run.
if guard == 'effect' and redis.call('HEXISTS', ST, 'stop') == 1 then return { 'STOPPED' } end
if (guard == 'effect' or guard == 'cancel') and approval ~= '' then
  local state = redis.call('HGET', IDEM, 'a:' .. approval)
  if state ~= 'approved' then return { 'REFUSED', state or 'unknown' } end
  -- An effect is committed alone. What it sends must be what was asked about, byte for byte.
  if redis.call('HGET', IDEM, 'g:' .. approval) ~= ARGV[15] then return { 'REFUSED', 'changed' } end
  if ms - tonumber(redis.call('HGET', IDEM, 'd:' .. approval) or '0') > tonumber(ARGV[7]) then return { 'REFUSED', 'late' } end
end
if guard == 'quiet' and n ~= tonumber(ARGV[5]) then return { 'UNREAD' } end

local count = tonumber(ARGV[8])
local at, before = n, head
for i = 0, count - 1 do
  local base = 9 + i * 7
  if not fits(ARGV[base + 1], at + 1, before) then return { 'MOVED', str(n), head } end
  at, before = at + 1, ARGV[base + 2]
end

for i = 0, count - 1 do
  local base = 9 + i * 7
  local kind, call, asks, waits, digest = ARGV[base], ARGV[base + 3], ARGV[base + 4], ARGV[base + 5], ARGV[base + 6]
  write(n + 1 + i, kind, ARGV[base + 1], ARGV[base + 2], tonumber(fence), ms)
  if kind == 'call_parked' then
    if asks ~= '' then redis.call('HSET', IDEM, 'a:' .. asks, 'pending', 'g:' .. asks, digest) end
    if waits ~= '' then redis.call('HSET', WAITS, sid .. ' ' .. call, str(n + 1 + i) .. ' ' .. waits) end
  elseif kind == 'call_finished' then
    redis.call('HDEL', WAITS, sid .. ' ' .. call)
  elseif kind == 'withdrawn' then
    redis.call('HSET', IDEM, 'a:' .. asks, 'withdrawn')
  elseif kind == 'ended' then
    redis.call('HSET', ST, 'status', 'closed', 'owner', '', 'lease', '0')
    redis.call('ZREM', DUE, sid)
    redis.call('SREM', LIVE_TEAM, sid)
    redis.call('SREM', LIVE_USER, sid)
  end
end
if (guard == 'effect' or guard == 'cancel') and approval ~= '' then redis.call('HSET', IDEM, 'a:' .. approval, 'used') end
redis.call('HSET', ST, 'op', op, 'opn', str(n + count), 'interrupted', '0', 'crashed', '0')
redis.call('ZADD', STALE, str(ms), sid)
return { 'OK', str(n + count), before, str(ms) }
