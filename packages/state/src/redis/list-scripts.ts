// The list of revocations in Redis, in Lua (see `scripts.ts` for how a script runs): entries by number, when they end, and
// by name the number of the entry that ends last, so that a verifier need not hold a long list (finding S15).
//
// The index by name says itself up to which number it is complete, in the field '' that is no name. Every script that
// looks or adds brings it further: so it is made for a list that was there before it, is made again when it is deleted,
// and has what verifiers add that do not know of it yet. What is not in it yet was not asked about, and denies.

import { HELD } from '../named.ts';

/** KEYS[2] to KEYS[5] of every script here. */
export const LIST_KEYS = ['number', 'list', 'expiries', 'names'] as const;

/** Entries of one page, names that are brought into the index by one look, and ended entries that it drops. */
export const PAGE = 1000;

const INDEX = `
-- As nameKey of revocations.ts; nil when it can't be read, or is not of texts.
local function nameOf(json)
  local ok, entry = pcall(cjson.decode, json)
  if not ok or type(entry) ~= 'table' then return nil end
  local kind, issuer, value = entry.kind, entry.issuer or '', entry.value
  if type(kind) ~= 'string' or type(issuer) ~= 'string' or type(value) ~= 'string' then return nil end
  return kind .. '\\0' .. issuer .. '\\0' .. value
end
local function ends(seq) return tonumber(redis.call('ZSCORE', KEYS[4], seq) or math.huge) end
local function index(seq, json)
  local name = nameOf(json)
  if not name then return false end
  local held = redis.call('HGET', KEYS[5], name)
  -- An entry that is not on the list any more has no end either.
  if held and redis.call('ZCOUNT', KEYS[3], held, held) > 0 and ends(held) >= ends(seq) then return true end
  redis.call('HSET', KEYS[5], name, seq)
  return true
end
-- Brings the index further; the number up to which it is complete.
local function indexed(most)
  local last = tonumber(redis.call('GET', KEYS[2]) or '0')
  local upto = tonumber(redis.call('HGET', KEYS[5], '') or '0')
  if upto >= last then return upto end
  local rows = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. whole(upto), '+inf', 'LIMIT', 0, most)
  for _, row in ipairs(rows) do
    local seq, json = string.match(row, '^(%d+) (.*)$')
    -- What can't be read stays for the whole list to tell.
    if not index(seq, json) then
      last = upto
      break
    end
    upto = tonumber(seq)
  end
  if #rows < most then upto = last end
  redis.call('HSET', KEYS[5], '', whole(upto))
  return upto
end
`;

/** Drops entries that have ended, inside a script. */
const FORGET = `
local function forget(most)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', swept, 'LIMIT', 0, most)) do
    for _, row in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], old, old)) do
      local name = nameOf(string.match(row, '^%d+ (.*)$'))
      if name and redis.call('HGET', KEYS[5], name) == old then redis.call('HDEL', KEYS[5], name) end
    end
    redis.call('ZREMRANGEBYSCORE', KEYS[3], old, old)
    redis.call('ZREM', KEYS[4], old)
  end
end
`;

/** Adds an entry inside a script; published on 'channel'. */
export const REVOKE: string = `${INDEX}${FORGET}
local function revoke(json, expires, channel)
  local seq = redis.call('INCR', KEYS[2])
  forget(100)
  redis.call('ZADD', KEYS[3], seq, whole(seq) .. ' ' .. json)
  if expires ~= '' then redis.call('ZADD', KEYS[4], expires, whole(seq)) end
  indexed(100)
  -- Only a reason to look; a user of the server that may not publish leaves it to the poll.
  redis.pcall('PUBLISH', channel, whole(seq))
  return seq
end
`;

/** KEYS: epoch, those of the list. ARGV: check, entry, expiry or '', channel. */
export const ADD_REVOCATION: string = `${REVOKE}
return {'ok', revoke(ARGV[2], ARGV[3], ARGV[4])}
`;

/**
 * KEYS: epoch, those of the list. ARGV: check, cursor, 1 for who begins. Returns 'ok', the last number, the number up to
 * which the list can be asked by name, the time, whether the list is too long for who begins, and a page of entries if it
 * is not. Every look drops some that have ended: where nobody adds any, the list still gets shorter.
 */
export const SINCE: string = `${INDEX}${FORGET}
forget(${PAGE})
local last, named = tonumber(redis.call('GET', KEYS[2]) or '0'), indexed(${PAGE})
if ARGV[3] == '1' and named >= last and redis.call('ZCARD', KEYS[3]) > ${HELD} then return {'ok', last, named, now, 1} end
local answer = {'ok', last, named, now, 0}
for i, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[2], '+inf', 'LIMIT', 0, ${PAGE})) do
  answer[i + 5] = entry
end
return answer
`;

/**
 * KEYS: epoch, those of the list. ARGV: check, names. Returns 'ok', the number up to which the answer is true, and of
 * each name that is on the list the entry that ends last.
 */
export const NAMED: string = `${INDEX}
local answer = {'ok', indexed(${PAGE})}
for i = 2, #ARGV do
  local seq = redis.call('HGET', KEYS[5], ARGV[i])
  if seq then answer[#answer + 1] = redis.call('ZRANGEBYSCORE', KEYS[3], seq, seq)[1] end
end
return answer
`;
