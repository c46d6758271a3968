// What an operator does to a Redis deployment: initialize it once, and decide after state may have been lost.
import { AmbitError, randomBytes, toHex } from '@ambit/core';
import { ALL_PARTITIONS, type RedisClient } from './fence.ts';

/** Options of `initializeRedis` and `resetRedis`. */
export interface OperateOptions {
  /** First part of every key; default `ambit:`. */
  readonly prefix?: string;
  /**
   * `denied` (default): a server process that was restarted or failed over to is not trusted with budgets until
   * `resetRedis`. `trusted`: for a single server with `appendfsync always` and no replicas, whose restart loses
   * nothing that was answered; a flush is noticed all the same. A reset keeps what was chosen before.
   */
  readonly restarts?: 'denied' | 'trusted';
  /**
   * For a reset: milliseconds to wait, denying everything, between the old life and the new, so that nobody spends
   * from a slice of the old one. Default 6000; more than the `staleAfter` of every verifier.
   */
  readonly quiet?: number;
}

/**
 * Milliseconds in which every verifier has either heard that the state is being reset or stopped spending from its
 * slices: a little more than the age at which a list denies (`staleAfter`).
 */
const QUIET = 6000;

const LOSE = `redis.call('HSET', KEYS[1], 'epoch', 'lost') return 1`;
const TRUSTABLE = `
redis.call('EXISTS', KEYS[1])
local info = redis.call('INFO', 'persistence') .. redis.call('INFO', 'replication')
if string.find(info, 'aof_enabled:1', 1, true) and string.find(info, 'connected_slaves:0', 1, true) then return 1 end
return 0
`;
const EXISTS = `return redis.call('EXISTS', KEYS[1])`;
const SET = `
local run = ARGV[2]
if run == '' and ARGV[3] == 'reset' and redis.call('HGET', KEYS[1], 'run') == '*' then run = '*' end
if run ~= '*' then run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
local evicted = string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
local time = redis.call('TIME')
local began = '0'
if ARGV[3] == 'reset' then began = time[1] end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', run, 'began', began, 'evicted', evicted)
local ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if ms > last then redis.call('SET', KEYS[2], string.format('%.0f', ms)) end
return 1
`;

async function setAll(client: RedisClient, options: OperateOptions, why: 'new' | 'reset'): Promise<string> {
  const prefix = options.prefix ?? 'ambit:';
  const epoch = toHex(randomBytes(16));
  const first = `${prefix}{${ALL_PARTITIONS[0]}}epoch`;
  if (
    options.restarts === 'trusted' &&
    (client.isCluster === true || (await client.eval(TRUSTABLE, 1, first)) !== 1)
  )
    throw new AmbitError(
      'input_invalid',
      'Restarts can be trusted of a single server with an append-only file (appendfsync always) and no replica.',
    );
  // The registry last: verifiers read the epoch there, and must find the partitions ready.
  for (const partition of ALL_PARTITIONS) {
    const key = `${prefix}{${partition}}`;
    const run = options.restarts === 'trusted' ? '*' : options.restarts === 'denied' ? 'denied' : '';
    await client.eval(SET, 2, `${key}epoch`, `${key}number`, epoch, run, why);
  }
  return epoch;
}

/** Prepares an empty Redis (7 or later; the same for Valkey). AmbitError `file_exists` when it was done before. */
export async function initializeRedis(client: RedisClient, options: OperateOptions = {}): Promise<string> {
  const prefix = options.prefix ?? 'ambit:';
  for (const partition of ALL_PARTITIONS) {
    if ((await client.eval(EXISTS, 1, `${prefix}{${partition}}epoch`)) !== 0)
      throw new AmbitError(
        'file_exists',
        'This Redis is already initialized; reset it if its state was lost.',
      );
  }
  return setAll(client, options, 'new');
}

/**
 * Accepts the state as it is now, after a flush, restart or failover: counters continue from what survived, and
 * what did not survive counts as unspent, so revoke what must not be spent twice first. Proofs that may
 * have been used before the reset are refused; the epoch changes, and session tickets with it. Revocations that were lost
 * have to be imported again. Returns the new epoch.
 */
export async function resetRedis(client: RedisClient, options: OperateOptions = {}): Promise<string> {
  const prefix = options.prefix ?? 'ambit:';
  for (const partition of ALL_PARTITIONS) await client.eval(LOSE, 1, `${prefix}{${partition}}epoch`);
  await new Promise((resolve) => setTimeout(resolve, options.quiet ?? QUIET));
  return setAll(client, options, 'reset');
}
