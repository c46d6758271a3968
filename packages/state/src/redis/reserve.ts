// The rules of `../apply.ts` in Lua, for a group of calls that travel together: one script, one atomic step, one
// round trip. Rows are read once and written once a group, however many of its calls charge them. All numbers stay
// within 2^53, where doubles are exact; sums are compared as `amount > limit - used`, because `used + amount`
// might not be.
import { GRACE } from '../budgets.ts';
import { RESET_MARGIN } from '../clock.ts';
import { WINDOW } from '../replay.ts';
import { ROW, SLIDING } from './sliding.ts';

/**
 * A window of a session, by the policy of core's `SequenceWindow`. `bits` is the ring as it was read, `over` what
 * this group changes of it; nothing is written before the whole group has been decided.
 */
const WINDOWS = `
local windows, windowKeys = {}, {}
local function window(h, b)
  local w = windows[h]
  if w == nil then
    w = {highest = tonumber(val[h] or '-1'), bits = val[b], over = {}, expires = 0, b = b}
    windows[h] = w
    windowKeys[#windowKeys + 1] = h
  end
  return w
end
local function isSet(w, slot)
  if w.over[slot] ~= nil then return w.over[slot] == 1 end
  if not w.bits then return false end
  local byte = string.byte(w.bits, math.floor(slot / 8) + 1) or 0
  return math.floor(byte / 2 ^ (7 - slot % 8)) % 2 == 1
end
local function advance(w, n, expires)
  if n <= w.highest - ${WINDOW} or (group[2] == 1 and n > w.highest + ${WINDOW}) then return false end
  if n > w.highest + ${WINDOW} then w.bits, w.over, w.reset = false, {}, true end
  for i = math.max(w.highest + 1, n - ${WINDOW} + 1), n - 1 do
    local gap = i % ${WINDOW}
    if isSet(w, gap) then w.over[gap] = 0 end
  end
  local slot = n % ${WINDOW}
  if n <= w.highest and isSet(w, slot) then return false end
  w.over[slot] = 1
  if n > w.highest then w.highest = n end
  if expires > w.expires then w.expires = expires end
  w.dirty = true
  return true
end
`;

/** One call: the verdict's words. What refuses it is asked in the order of \`applyCharges\`; it then leaves nothing behind. */
const DECIDE = `
local function decide(q)
  local share, root, counters, nonce, claims = q[1], q[2], q[3], q[4], q[6]
  if nonce > 0 and began > 0 and q[11] <= began + ${RESET_MARGIN} then return 'store_unavailable,0' end
  if nonce > 0 and (q[5] <= swept or val[nonce]) then return 'replayed,0' end
  local met, short, added, newest, freshCounter = {}, nil, 0, nil, nil
  for i = 1, #claims do
    local c = claims[i]
    if c[2] <= swept or val[c[1]] then
      for j = 1, i - 1 do val[claims[j][1]] = false end
      return 'once_used,' .. i
    end
    val[c[1]] = '1'
    if c[3] == 1 then added = added + 1; newest = -i end
  end
  local function undo(verdict)
    for j = 1, #claims do val[claims[j][1]] = false end
    return verdict
  end
  for i = 1, #counters do
    local c = counters[i]
    local row = rowOf(c[1])
    local start, used, ends, steps = c[4], 0, c[5], nil
    if c[7] then
      start, used, steps = slid(row, c)
      if row then ends = math.max(row[3], ends) end
    elseif row and row[1] >= start then
      used = row[2]
      if row[1] == start then ends = math.max(row[3], ends) else ends = row[3] end
      start = row[1]
    end
    if c[5] <= swept or c[4] > now + ${GRACE} then return undo('budget_exceeded,' .. i .. ',0') end
    local left = math.max(0, c[3] - used)
    if c[2] > left then
      local resets = steps and ',' .. whole(roomAt(c, used, steps)) or ''
      return undo('budget_exceeded,' .. i .. ',' .. whole(left) .. resets)
    end
    if not row and c[6] == 1 then added = added + 1; freshCounter = i end
    met[i] = {start, used, ends, math.max(c[2], math.floor(left * share)), c[6] == 1 and not (row and row[3] == ends), steps}
  end
  newest = newest or freshCounter
  if newest ~= nil and rowsOf(root) + added > cap then return undo('budget_exceeded,' .. newest .. ',0') end
  if q[7] > 0 and (q[10] <= swept or not advance(window(q[7], q[8]), q[9], q[10])) then return undo('replayed,0') end
  if nonce > 0 then val[nonce] = '1'; keep(nonce, q[5]) end
  for i = 1, #claims do
    keep(claims[i][1], claims[i][2])
    if claims[i][3] == 1 then owned(root, claims[i][1], claims[i][2]) end
  end
  if added > 0 then counts[root] = rowsOf(root) + added end
  local words = {'ok'}
  for i = 1, #counters do
    local k, m = counters[i][1], met[i]
    rows[k] = {m[1], m[2] + m[4], m[3], m[6] and charged(m[6], m[1], m[4])}
    if not dirty[k] then dirty[k] = true; dirtyKeys[#dirtyKeys + 1] = k end
    if m[5] then owned(root, k, m[3]) end
    words[#words + 1] = whole(m[1])
    words[#words + 1] = whole(m[4])
    words[#words + 1] = whole(math.max(0, counters[i][3] - m[2] - m[4]))
  end
  return table.concat(words, ',')
end
`;

/**
 * KEYS: the epochs of the partitions, the rows of roots (sorted sets), then counters, nonces, claims and windows.
 * ARGV: the fence's, how many roots, and JSON: the most rows of a root, 1 when
 * a window sees all numbers of its session (so that a step ahead is bounded), and for each call [share, root,
 * [[counter, amount, limit, start, expiry, appended, and for a sliding window step, span]], nonce or 0, its expiry, [[claim, expiry, appended]], the
 * window's highest number or 0, its bits, sequence, expiry, from when the proof may have been claimed]; keys by their place after the roots, roots after the
 * epochs. Returns 'ok' and the verdicts, divided by semicolons.
 */
export const RESERVE_GROUP: string = `${ROW}${SLIDING}
local roots, group = tonumber(ARGV[2]), cjson.decode(ARGV[3])
local base = epochs + roots
local cap = group[1]
local val = {}
if #KEYS > base then val = redis.call('MGET', unpack(KEYS, base + 1)) end
local rows, dirty, dirtyKeys, counts, kept, mine = {}, {}, {}, {}, {}, {}
local function rowOf(k)
  local row = rows[k]
  if row == nil then
    row = false
    if val[k] then row = readRow(val[k]) end
    rows[k] = row
  end
  return row
end
local function rowsOf(root)
  if counts[root] == nil then
    redis.call('ZREMRANGEBYSCORE', KEYS[epochs + root], '-inf', swept)
    counts[root] = redis.call('ZCARD', KEYS[epochs + root])
  end
  return counts[root]
end
local function keep(k, expires) kept[#kept + 1] = {k, expires} end
local function owned(root, k, expires) mine[#mine + 1] = {root, k, expires} end
${WINDOWS}${DECIDE}
local verdicts = {}
for i = 1, #group[3] do verdicts[i] = decide(group[3][i]) end
for _, k in ipairs(dirtyKeys) do
  local r = rows[k]
  redis.call('SET', KEYS[base + k], writeRow(r), 'PXAT', ms(r[3]))
end
for _, c in ipairs(kept) do redis.call('SET', KEYS[base + c[1]], '1', 'PXAT', ms(c[2])) end
for _, h in ipairs(windowKeys) do
  local w = windows[h]
  if w.dirty then
    -- Both end with the last ticket of the session, whichever was used first.
    local ends = whole(math.max(redis.call('PEXPIRETIME', KEYS[base + h]), tonumber(ms(w.expires))))
    redis.call('SET', KEYS[base + h], whole(w.highest), 'PXAT', ends)
    if w.reset then redis.call('DEL', KEYS[base + w.b]) end
    for slot, bit in pairs(w.over) do redis.call('SETBIT', KEYS[base + w.b], slot, bit) end
    redis.call('PEXPIREAT', KEYS[base + w.b], ends)
  end
end
for _, m in ipairs(mine) do
  local key = KEYS[epochs + m[1]]
  redis.call('ZADD', key, m[3], KEYS[base + m[2]])
  if redis.call('PTTL', key) < (m[3] + ${GRACE} - now) * 1000 then redis.call('PEXPIREAT', key, ms(m[3])) end
end
return {'ok', table.concat(verdicts, ';')}
`;
