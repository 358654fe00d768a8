-- The owner writes, all or nothing. Keys that it does not need are left out from the end: what is sent and logged for each step is what a session costs.
-- ARGV: fence, op, guard ('' | 'quiet SEEN' | 'effect EXECUTION_EXPIRY_MS APPROVAL' | 'cancel …'; the approval may be missing),
-- then for each line: type, line, hash, facts ('' or call, approval it is about, digest of the arguments, what the watcher needs to know, one a line)
local fence, op = ARGV[1], ARGV[2]
local guard, bound, approval = string.match(ARGV[3], '^(%S*) ?(%S*) ?(%S*)$')
-- A guard that cannot be read guards nothing: then nothing is written.
if not guard then return redis.error_reply('ERR the guard cannot be read') end
local sid = string.match(LOG, '^{.-}:log:(.*)$')
local ms = now()
local st = redis.call('HMGET', ST, 'n', 'head', 'status', 'fence', 'op', 'interrupted', 'crashed')
local n, head = tonumber(st[1] or '0'), st[2] or ZERO
local sameOp = st[5] and string.match(st[5], '^(%S+) ') == op
if sameOp then return { 'OK', string.match(st[5], ' (%d+)$'), head, str(ms), 'again' } end
if st[3] ~= 'open' or st[4] ~= fence then return { 'FENCED' } end
-- A stop lets nothing begin any more, but cancelling the session's own run.
if guard == 'effect' and redis.call('HEXISTS', ST, 'stop') == 1 then return { 'STOPPED' } end

local count = (#ARGV - 3) / 4
local function facts(i)
  local text = ARGV[3 + i * 4]
  if text == '' then return '', '', '', '' end
  return string.match(text, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)$')
end

local gated = (guard == 'effect' or guard == 'cancel') and approval ~= ''
if gated then
  local state = redis.call('HGET', IDEM, 'a:' .. approval)
  if state ~= 'approved' then return { 'REFUSED', state or 'unknown' } end
  -- An effect is committed alone. What it sends must be what was asked about, byte for byte.
  local _, _, digest = facts(1)
  if redis.call('HGET', IDEM, 'g:' .. approval) ~= digest then return { 'REFUSED', 'changed' } end
  if ms - tonumber(redis.call('HGET', IDEM, 'd:' .. approval) or '0') > tonumber(bound) then return { 'REFUSED', 'late' } end
end
if guard == 'quiet' and n ~= tonumber(bound) then return { 'UNREAD' } end

local at, before = n, head
for i = 1, count do
  local base = i * 4
  if not fits(ARGV[base + 1], at + 1, before) then return { 'MOVED', str(n), head } end
  at, before = at + 1, ARGV[base + 2]
end

for i = 1, count do
  local base = i * 4
  local kind, call, asks, digest, waits = ARGV[base], facts(i)
  write(n + i, kind, ARGV[base + 1], tonumber(fence), ms)
  if kind == 'call_parked' then
    if asks ~= '' then redis.call('HSET', IDEM, 'a:' .. asks, 'pending', 'g:' .. asks, digest) end
    if waits ~= '' then redis.call('HSET', WAITS, sid .. ' ' .. call, str(n + i) .. ' ' .. waits) end
  elseif kind == 'call_finished' or kind == 'refused' then
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
if gated then redis.call('HSET', IDEM, 'a:' .. approval, 'used') end
redis.call('HSET', ST, 'n', str(n + count), 'head', before, 'op', op .. ' ' .. str(n + count))
-- Only where there is something to set back: each write is one more in the append-only file.
if (st[6] or '0') ~= '0' or (st[7] or '0') ~= '0' then redis.call('HSET', ST, 'interrupted', '0', 'crashed', '0') end
-- Marked already, it stays as it is.
redis.call('ZADD', STALE, 'LT', str(ms), sid)
return { 'OK', str(n + count), before, str(ms) }
