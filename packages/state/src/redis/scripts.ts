// The rules of `apply.ts` in Lua, for rows that live in Redis. One script is one atomic step and one round trip.
// Every script starts with the fence (see `fence.ts`). All numbers stay within 2^53, where doubles are exact;
// sums are compared as `amount > limit - used`, because `used + amount` might not be.
import { WINDOW } from '../replay.ts';
import { GRACE } from '../budgets.ts';

/**
 * KEYS[1] is the partition's epoch. ARGV[1] is '1' when the script is sent as text: then this server is asked
 * whether it is still the process whose state was initialised, and one that evicts nothing. `now`, `swept`: Unix seconds of the server.
 */
export const FENCE: string = `
local e = redis.call('HMGET', KEYS[1], 'epoch', 'run', 'floor')
if e[1] ~= EPOCH then return {'lost'} end
if ARGV[1] == '1' then
  local memory = redis.call('INFO', 'memory')
  if string.match(memory, '[\\r\\n]maxmemory:(%d+)') ~= '0' and not string.find(memory, 'maxmemory_policy:noeviction', 1, true) then
    return {'evicts'}
  end
end
if ARGV[1] == '1' and e[2] ~= '*' then
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  if run ~= e[2] then
    redis.call('HSET', KEYS[1], 'epoch', 'lost')
    return {'lost'}
  end
end
local now = tonumber(redis.call('TIME')[1])
local swept = math.max(now - ${GRACE}, 0)
local floor = math.max(swept, tonumber(e[3]))
local function ms(t) return string.format('%.0f', (t + ${GRACE}) * 1000) end
local function whole(n) return string.format('%.0f', n) end
`;

/** The policy of core's `SequenceWindow`: whether a number of a session was accepted. `h`: key of the highest number, `b`: of the ring of bits. */
const ADVANCE = `
local function advance(h, b, n, expires)
  local highest = tonumber(redis.call('GET', h) or '-1')
  if n <= highest - ${WINDOW} or n > highest + ${WINDOW} then return false end
  if n > highest then
    if n - highest >= ${WINDOW} then redis.call('DEL', b)
    else for i = highest + 1, n - 1 do redis.call('SETBIT', b, i % ${WINDOW}, 0) end end
    redis.call('SET', h, whole(n), 'PXAT', ms(expires))
  elseif redis.call('GETBIT', b, n % ${WINDOW}) == 1 then return false end
  redis.call('SETBIT', b, n % ${WINDOW}, 1)
  redis.call('PEXPIREAT', b, ms(expires))
  return true
end
`;

/**
 * KEYS: epoch, root's rows, counters, [nonce], once claims, [highest, bits]. ARGV: check, share, most rows of a
 * root, counters, nonce expiry or '', once claims, sequence or '', sequence expiry, then for each counter amount,
 * limit, start, expiry, appended, then for each once claim expiry, appended.
 * Returns 'ok', start, amount, ... or a code, the index of what denied, and what is left.
 */
export const RESERVE: string = `
${ADVANCE}
local share, cap = tonumber(ARGV[2]), tonumber(ARGV[3])
local counters, claims = tonumber(ARGV[4]), tonumber(ARGV[6])
local k, a = 3, 9
local nonce, firstOnce = 3 + counters, 3 + counters
if ARGV[5] ~= '' then
  firstOnce = firstOnce + 1
  if tonumber(ARGV[5]) <= floor or redis.call('EXISTS', KEYS[nonce]) == 1 then return {'replayed', 0} end
end
local fresh, newest = {}, nil
a = 9 + 5 * counters
for i = 1, claims do
  local expires, appended = tonumber(ARGV[a]), ARGV[a + 1] == '1'
  if expires <= swept or redis.call('EXISTS', KEYS[firstOnce + i - 1]) == 1 then return {'once_used', i} end
  if appended then fresh[#fresh + 1] = {KEYS[firstOnce + i - 1], expires}; newest = -i end
  a = a + 2
end
local rows, freshCounter = {}, nil
a = 9
for i = 1, counters do
  local amount, limit, start, expires = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local used = 0
  local ends = expires
  local value = redis.call('GET', KEYS[k])
  local renewed = true
  if value then
    local s, u, x = string.match(value, '^(%d+) (%d+) (%d+)$')
    s = tonumber(s)
    if s >= start then
      used = tonumber(u)
      ends = tonumber(x)
      if s == start then ends = math.max(ends, expires) end
      start = s
      renewed = false
    end
  end
  local left = math.max(0, limit - used)
  if expires <= swept then return {'budget_exceeded', i, 0} end
  if amount > left then return {'budget_exceeded', i, left} end
  if renewed and ARGV[a + 4] == '1' then fresh[#fresh + 1] = {KEYS[k], expires}; if not value then freshCounter = i end end
  rows[i] = {start, used, ends, math.max(amount, math.floor(left * share))}
  k = k + 1
  a = a + 5
end
if newest == nil then newest = freshCounter end
if #fresh > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', swept)
  if newest ~= nil and redis.call('ZCARD', KEYS[2]) + #fresh > cap then return {'budget_exceeded', newest, 0} end
end
if ARGV[7] ~= '' then
  local last = #KEYS
  if tonumber(ARGV[8]) <= floor or not advance(KEYS[last - 1], KEYS[last], tonumber(ARGV[7]), tonumber(ARGV[8])) then
    return {'replayed', 0}
  end
end
local answer = {'ok'}
for i = 1, counters do
  local r = rows[i]
  redis.call('SET', KEYS[2 + i], whole(r[1]) .. ' ' .. whole(r[2] + r[4]) .. ' ' .. whole(r[3]), 'PXAT', ms(r[3]))
  answer[#answer + 1] = r[1]
  answer[#answer + 1] = r[4]
end
if ARGV[5] ~= '' then redis.call('SET', KEYS[nonce], '1', 'PXAT', ms(tonumber(ARGV[5]))) end
a = 9 + 5 * counters
for i = 1, claims do
  redis.call('SET', KEYS[firstOnce + i - 1], '1', 'PXAT', ms(tonumber(ARGV[a])))
  a = a + 2
end
for _, row in ipairs(fresh) do
  redis.call('ZADD', KEYS[2], row[2], row[1])
  if redis.call('PTTL', KEYS[2]) < (row[2] + ${GRACE} - now) * 1000 then redis.call('PEXPIREAT', KEYS[2], ms(row[2])) end
end
return answer
`;

/** KEYS: epoch, marker, counters. ARGV: check, then for each counter amount, start. Applied once, however often it is sent. */
export const REFUND: string = `
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', 600) then return {'ok'} end
for i = 3, #KEYS do
  local back, start = tonumber(ARGV[2 * i - 4]), tonumber(ARGV[2 * i - 3])
  local value = redis.call('GET', KEYS[i])
  if value and back > 0 then
    local s, u, x = string.match(value, '^(%d+) (%d+) (%d+)$')
    if tonumber(s) == start then
      redis.call('SET', KEYS[i], s .. ' ' .. whole(math.max(0, tonumber(u) - back)) .. ' ' .. x, 'KEEPTTL')
    end
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

/** Adds an entry inside a script: KEYS[2] last number, KEYS[3] the list, KEYS[4] expiries; published on 'channel'. */
const REVOKE = `
local function revoke(json, expires, channel)
  local seq = redis.call('INCR', KEYS[2])
  local dead = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', swept, 'LIMIT', 0, 100)
  for _, old in ipairs(dead) do
    redis.call('ZREMRANGEBYSCORE', KEYS[3], old, old)
    redis.call('ZREM', KEYS[4], old)
  end
  redis.call('ZADD', KEYS[3], seq, whole(seq) .. ' ' .. json)
  if expires ~= '' then redis.call('ZADD', KEYS[4], expires, whole(seq)) end
  redis.call('PUBLISH', channel, whole(seq) .. ' ' .. json)
  return seq
end
`;

/** KEYS: epoch, number, list, expiries. ARGV: check, entry, expiry or '', channel. */
export const ADD_REVOCATION: string = `${REVOKE}
return {'ok', revoke(ARGV[2], ARGV[3], ARGV[4])}
`;

/** KEYS: epoch, number, list. ARGV: check, cursor. Returns 'ok', the last number, and up to 1000 entries. */
export const SINCE: string = `
local answer = {'ok', tonumber(redis.call('GET', KEYS[2]) or '0')}
for i, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[2], '+inf', 'LIMIT', 0, 1000)) do
  answer[i + 2] = entry
end
return answer
`;

/** KEYS: epoch, number, list, expiries, session, index. ARGV: check, what, session, time, expiry, reason, entry, channel. */
export const SESSION: string = `${REVOKE}
local function read()
  local s = redis.call('HMGET', KEYS[5], 'session', 'closed', 'reason')
  return {'ok', s[1] or '', s[2] or '', s[3] or ''}
end
if ARGV[2] == 'open' then
  if redis.call('EXISTS', KEYS[5]) == 1 then return {'taken'} end
  redis.call('HSET', KEYS[5], 'session', ARGV[3])
  redis.call('PEXPIREAT', KEYS[5], ms(tonumber(ARGV[5])))
  redis.call('ZADD', KEYS[6], ARGV[4], KEYS[5])
elseif ARGV[2] == 'close' and redis.call('EXISTS', KEYS[5]) == 1 and redis.call('HEXISTS', KEYS[5], 'closed') == 0 then
  redis.call('HSET', KEYS[5], 'closed', ARGV[4], 'reason', ARGV[6])
  revoke(ARGV[7], ARGV[5], ARGV[8])
end
return read()
`;

/** KEYS: epoch, index. Returns 'ok' and the newest 1000 sessions, three fields each. */
export const SESSIONS: string = `
local answer = {'ok'}
for _, key in ipairs(redis.call('ZREVRANGE', KEYS[2], 0, 999)) do
  local s = redis.call('HMGET', key, 'session', 'closed', 'reason')
  if s[1] then for i = 1, 3 do answer[#answer + 1] = s[i] or '' end
  else redis.call('ZREM', KEYS[2], key) end
end
return answer
`;
