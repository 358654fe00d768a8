-- Shared by all scripts. Every script gets the same keys in the same order, so that one place names them.
local LOG, ST, STALE, WAITS, IDEM, DUE, LIVE_TEAM, LIVE_USER, SEEN, ALIAS, THREAD =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local ZERO = string.rep('0', 64)

-- Redis' own clock in ms: no process' clock decides anything.
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Lua would write 1.7e+12 for a time.
local function str(n) return string.format('%.0f', n) end

local function tip()
  return tonumber(redis.call('HGET', ST, 'n') or '0'), redis.call('HGET', ST, 'head') or ZERO
end

-- Does the line begin with its place in the chain, after its version? Compared as bytes; cjson would alter numbers.
local function fits(line, n, head)
  local version = string.match(line, '^{"v":[1-9]%d*,')
  local place = '"seq":' .. str(n) .. ',"prev":"' .. head .. '",'
  return version ~= nil and string.sub(line, #version + 1, #version + #place) == place
end

-- Whoever writes then moves the tip, too.
local function write(seq, kind, line, fence, ms)
  redis.call('XADD', LOG, str(seq) .. '-0', 't', kind, 'l', line, 'f', str(fence), 'm', str(ms))
end
