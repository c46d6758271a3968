// The row of a sliding window (`../sliding.ts`) in Lua: the value of a counter, `start used expires`, goes on with start
// and amount of each step that counts. `now` is the server's.
import { GRACE } from '../budgets.ts';

/** A row of a counter's value; the fourth member is there for sliding windows alone. */
export const ROW: string = `
local function readRow(value)
  local s, u, x, rest = string.match(value, '^(%d+) (%d+) (%d+)(.*)$')
  local row = {tonumber(s), tonumber(u), tonumber(x)}
  if rest ~= '' then
    row[4] = {}
    for n in string.gmatch(rest, '%d+') do row[4][#row[4] + 1] = tonumber(n) end
  end
  return row
end
local function writeRow(r)
  local text = whole(r[1]) .. ' ' .. whole(r[2]) .. ' ' .. whole(r[3])
  if not r[4] then return text end
  local words = {text}
  for i = 1, #r[4] do words[i + 1] = whole(r[4][i]) end
  return table.concat(words, ' ')
end
`;

/** `c` is a counter's charge: amount, limit and start are its members 2 to 4, step and span the last two. */
export const SLIDING: string = `
local function slid(row, c)
  local start, steps, used = c[4], {}, 0
  if start + c[7] > now - ${GRACE} then start = now - now % c[7] end
  if row and row[1] > start then start = row[1] end
  for i = 1, row and #row[4] or 0, 2 do
    if row[4][i] + c[8] > start then
      steps[#steps + 1] = row[4][i]
      steps[#steps + 1] = row[4][i + 1]
      used = used + row[4][i + 1]
    end
  end
  return start, used, steps
end
local function roomAt(c, used, steps)
  for i = 1, #steps, 2 do
    used = used - steps[i + 1]
    if c[2] <= c[3] - used then return steps[i] + c[8] end
  end
  return c[4] + c[8]
end
local function charged(steps, start, amount)
  if #steps > 0 and steps[#steps - 1] == start then steps[#steps] = steps[#steps] + amount
  else
    steps[#steps + 1] = start
    steps[#steps + 1] = amount
  end
  return steps
end
`;
