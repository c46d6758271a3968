// What is done to Redis, beside charging (`reserve.ts`) and revoking (`list-scripts.ts`), in Lua: refunds, sessions. One
// script is one atomic step and one round trip, and starts with the fence (see `fence.ts`).
import { GRACE } from '../budgets.ts';
import { REVOKE } from './list-scripts.ts';
import { ROW } from './sliding.ts';

/**
 * The first KEYS are the epochs of the partitions that are touched. ARGV[1] is `check:how many`; `check` is 1 when
 * the script is sent as text: then this server is asked whether it is still the process whose state was initialised,
 * and one that evicts nothing. `now`, `swept`: Unix seconds of the server.
 */
export const FENCE: string = `
local check, epochs = string.match(ARGV[1], '^(%d):(%d+)$')
local began = 0
epochs = tonumber(epochs)
local info, run, evicted = '', '', 0
if check == '1' then
  info = redis.call('INFO', 'memory')
  if string.match(info, '[\\r\\n]maxmemory:(%d+)') ~= '0' and not string.find(info, 'maxmemory_policy:noeviction', 1, true) then
    return {'evicts'}
  end
  run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  evicted = tonumber(string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)'))
end
for p = 1, epochs do
  local e = redis.call('HMGET', KEYS[p], 'epoch', 'run', 'began', 'evicted')
  if e[1] ~= EPOCH then return {'lost'} end
  if check == '1' then
    if e[2] == '*' then
      if p == 1 then info = redis.call('INFO', 'persistence') .. redis.call('INFO', 'replication') end
      if not string.find(info, 'aof_enabled:1', 1, true) or not string.find(info, 'role:master', 1, true)
        or not string.find(info, 'connected_slaves:0', 1, true) then return {'untrusted'} end
    end
    -- Another process; or this one, which has evicted since: what it lost nobody knows.
    if (e[2] ~= '*' and run ~= e[2]) or (run == e[2] and evicted > tonumber(e[4] or '0')) then
      for q = 1, epochs do redis.call('HSET', KEYS[q], 'epoch', 'lost') end
      return {'lost'}
    end
  end
  began = math.max(began, tonumber(e[3] or '0'))
end
local now = tonumber(redis.call('TIME')[1])
local swept = math.max(now - ${GRACE}, 0)
local function ms(t) return string.format('%.0f', (t + ${GRACE}) * 1000) end
local function whole(n) return string.format('%.0f', n) end
`;

/** KEYS: epoch, marker, counters. ARGV: check, then for each counter amount, start. Applied once, however often it is sent. */
export const REFUND: string = `${ROW}
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', 30) then return {'ok'} end
for i = 3, #KEYS do
  local back, start = tonumber(ARGV[2 * i - 4]), tonumber(ARGV[2 * i - 3])
  local value = redis.call('GET', KEYS[i])
  if value and back > 0 then
    local row = readRow(value)
    local steps = row[4]
    local had = row[1] == start and row[2] or 0
    for j = 1, steps and #steps or 0, 2 do
      if steps[j] == start then
        had = steps[j + 1]
        steps[j + 1] = math.max(0, had - back)
      end
    end
    row[2] = math.max(0, row[2] - math.min(had, back))
    redis.call('SET', KEYS[i], writeRow(row), 'KEEPTTL')
  end
end
return {'ok'}
`;

/** KEYS: epoch, counters. Returns 'ok' and the rows. */
export const ROWS: string = `
local answer = {'ok'}
for i = 2, #KEYS do answer[i] = redis.call('GET', KEYS[i]) or '' end
return answer
`;

/**
 * KEYS: epoch, those of the list, session, index by opening, index by end. ARGV: check, what, session, time, expiry, reason,
 * entry, channel.
 */
export const SESSION: string = `${REVOKE}
local function read()
  local s = redis.call('HMGET', KEYS[6], 'session', 'closed', 'reason')
  return {'ok', s[1] or '', s[2] or '', s[3] or ''}
end
if ARGV[2] == 'open' then
  if redis.call('EXISTS', KEYS[6]) == 1 then return {'taken'} end
  redis.call('HSET', KEYS[6], 'session', ARGV[3])
  redis.call('PEXPIREAT', KEYS[6], ms(tonumber(ARGV[5])))
  redis.call('ZADD', KEYS[7], ARGV[4], KEYS[6])
  redis.call('ZADD', KEYS[8], ARGV[5], KEYS[6])
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', swept, 'LIMIT', 0, 10)) do
    redis.call('ZREM', KEYS[7], old)
    redis.call('ZREM', KEYS[8], old)
  end
elseif ARGV[2] == 'close' and redis.call('EXISTS', KEYS[6]) == 1 and redis.call('HEXISTS', KEYS[6], 'closed') == 0 then
  redis.call('HSET', KEYS[6], 'closed', ARGV[4], 'reason', ARGV[6])
  revoke(ARGV[7], ARGV[5], ARGV[8])
end
return read()
`;

/**
 * KEYS: epoch, index by end. ARGV: check, the end after which sessions count, end and key of the one before or '',
 * sessions to look at. By index, so that what is over is not looked at. Returns 'ok', end and key of the last that was
 * looked at, '' when there is none after it, and three fields of each that is not closed.
 */
export const SESSIONS_OPEN: string = `
local most = tonumber(ARGV[5])
local from = redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[2])
if ARGV[3] ~= '' then
  local rank = redis.call('ZRANK', KEYS[2], ARGV[4])
  -- One that left the index meanwhile had ended, and so has all that ended with it.
  from = rank and rank + 1 or redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[3])
end
local found = redis.call('ZRANGE', KEYS[2], from, from + most - 1, 'WITHSCORES')
local answer = {'ok', '', ''}
if #found == 2 * most then answer[2], answer[3] = found[#found], found[#found - 1] end
for i = 1, #found, 2 do
  local s = redis.call('HMGET', found[i], 'session', 'closed', 'reason')
  if s[1] and not s[2] then for j = 1, 3 do answer[#answer + 1] = s[j] or '' end end
end
return answer
`;

/**
 * KEYS: epoch, index by opening, index by end. Returns 'ok' and the newest 1000 sessions, three fields each. Of
 * ended ones only the index is left; it is dropped on the way, so that they hide none that is open.
 */
export const SESSIONS: string = `
local answer, from = {'ok'}, 0
for _ = 1, 50 do
  local keys = redis.call('ZREVRANGE', KEYS[2], from, from + 999)
  local gone = {}
  for _, key in ipairs(keys) do
    local s = redis.call('HMGET', key, 'session', 'closed', 'reason')
    if not s[1] then gone[#gone + 1] = key
    elseif #answer < 3000 then for i = 1, 3 do answer[#answer + 1] = s[i] or '' end end
  end
  if #gone > 0 then
    redis.call('ZREM', KEYS[2], unpack(gone))
    redis.call('ZREM', KEYS[3], unpack(gone))
  end
  from = from + #keys - #gone
  if #keys < 1000 or #answer >= 3000 then break end
end
return answer
`;
