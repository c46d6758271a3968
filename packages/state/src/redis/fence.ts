// The fence between a verifier and state that may have been lost. Redis answers from memory: a flush, a restart
// without persistence or a failover to a replica that lagged behind all give counters that were never spent.
//
// State is laid out in 64 partitions (hash tags {A} to {_}, by the first character of the charges' place) and
// {rev} for revocations and sessions; an operator initializes each with the same random epoch and the run id of
// the server process that serves it. A script carries its partition and epoch in its text, so its SHA-1 is
// theirs alone, and EVALSHA finds it only on a server process to which a verifier has sent it as text before.
// The text, and only the text, is sent with the order to compare run ids first. So
//   flush:     the epoch is gone -> `lost`;
//   restart, failover: the script is unknown (NOSCRIPT) -> sent as text -> another run id -> the partition is
//              marked as lost, for every verifier;
// and in the common case the fence costs one HMGET inside the script and no round trip. What is lost stays
// denied (`store_corrupt`) until an operator decides (`resetRedis`). Scripts are not replicated (Redis 7).
import { toHex, utf8 } from '@ambit/core';
import type { FaultCode } from '../budgets.ts';
import { FENCE } from './scripts.ts';

/** What is used of an ioredis client (`Redis` or `Cluster`, version 5 or 6). */
export interface RedisClient {
  /** True on a Cluster, where a script may touch one slot. */
  readonly isCluster?: boolean;
  eval(script: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
  evalsha(sha: string, keys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** The client could not be asked, or did not answer in time. */
export class Unreachable extends Error {}
/** State may have been lost; an operator has to decide. */
export class Lost extends Error {}

/** What a verifier answers when a script could not be run. */
export function fenceFaultOf(error: unknown): FaultCode {
  if (error instanceof Lost) return 'store_corrupt';
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.startsWith('OOM') ? 'store_full' : 'store_unavailable';
}

const PARTITIONS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The partition of revocations and sessions. */
export const REGISTRY = 'rev';
export const ALL_PARTITIONS: readonly string[] = [...PARTITIONS, REGISTRY];

/** Runs fenced scripts. */
export class Fence {
  readonly prefix: string;
  readonly #client: RedisClient;
  readonly #timeout: number;
  readonly #texts = new Map<string, Promise<{ text: string; sha: string }>>();
  /** The epoch in the scripts; null until it was read. */
  #epoch: string | null = null;
  /** What is wrong with the server as a whole; nothing is run until a look finds it in order. */
  #wrong: Lost | null = null;
  /** Whether a partition was lost in this epoch: nothing is spent from its slices any more. */
  #over = false;
  /** When the server was last known to be in order, on the monotonic clock. */
  #confirmed = -Infinity;

  constructor(client: RedisClient, prefix: string, timeout: number) {
    this.#client = client;
    this.prefix = prefix;
    this.#timeout = timeout;
  }

  /** The epoch this process works under. */
  get epoch(): string | null {
    return this.#epoch;
  }

  /** The epoch, unless something is wrong or the server could not be asked for `staleAfter` milliseconds. */
  era(staleAfter: number): string | null {
    return this.#wrong === null && !this.#over && performance.now() - this.#confirmed <= staleAfter
      ? this.#epoch
      : null;
  }

  /** A look has found the server in order. */
  inOrder(): void {
    this.#wrong = null;
    this.#confirmed = performance.now();
  }

  /** Runs a script with all checks, known to the server or not; nothing that was found wrong stops it. */
  look(body: string, partitions: readonly string[]): Promise<readonly unknown[]> {
    return this.#run('look', body, partitions, [], [], partitions, '1');
  }

  /** Whether a script has to stay in one partition. */
  get oneSlot(): boolean {
    return this.#client.isCluster === true;
  }

  /** A key of a partition; the braces make Redis Cluster keep a partition in one slot. */
  key(partition: string, name: string): string {
    return `${this.prefix}{${partition}}${name}`;
  }

  /** Keys and bytes of the server that holds the registry (of a Cluster, that one shard), and entries of its list. */
  async figures(): Promise<{ keys: number; bytes: number; entries: number }> {
    const script = `local entries = redis.call('ZCARD', KEYS[1])
return {redis.call('DBSIZE'), tonumber(string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)')), entries}`;
    const answer = await this.#timed(this.#client.eval(script, 1, this.key(REGISTRY, 'list')));
    const [keys, bytes, entries] = answer as [number, number, number];
    return { keys, bytes, entries };
  }

  /** Reads the epoch again; throws Lost if it is missing. */
  async adopt(): Promise<string> {
    const key = this.key(REGISTRY, 'epoch');
    const found = await this.#timed(this.#client.eval("return redis.call('HGET', KEYS[1], 'epoch')", 1, key));
    if (typeof found !== 'string' || !/^[0-9a-f]{32}$/.test(found))
      throw new Lost('no epoch', { cause: 'lost' });
    if (found !== this.#epoch) {
      this.#texts.clear();
      this.#over = false;
      this.#wrong = null;
    }
    return (this.#epoch = found);
  }

  /**
   * Runs `body` behind the fence in one round trip; the first KEYS and ARGV are the fence's own. `covers`: the
   * partitions that a script of this text may touch on this server, all of which are checked when it is sent as
   * text. The script's answer. Throws Unreachable or Lost.
   */
  async run(
    name: string,
    body: string,
    partitions: readonly string[],
    keys: readonly string[],
    args: readonly (string | number)[],
    covers: readonly string[] = partitions,
  ): Promise<readonly unknown[]> {
    if (this.#wrong !== null) throw this.#wrong;
    return this.#run(name, body, partitions, keys, args, covers, '0');
  }

  async #run(
    name: string,
    body: string,
    partitions: readonly string[],
    keys: readonly string[],
    args: readonly (string | number)[],
    covers: readonly string[],
    check: '0' | '1',
  ): Promise<readonly unknown[]> {
    const epoch = this.#epoch ?? (await this.adopt());
    const { text, sha } = await this.#script(name, body, covers.length === 1 ? covers[0]! : 'all', epoch);
    let answer: unknown;
    try {
      const all = [...this.#epochs(partitions), ...keys];
      answer = await this.#timed(
        this.#client.evalsha(sha, all.length, ...all, `${check}:${partitions.length}`, ...args),
      );
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw unreachable(error);
      const all = [...this.#epochs(covers), ...keys];
      answer = await this.#timed(this.#client.eval(text, all.length, ...all, `1:${covers.length}`, ...args));
    }
    if (!Array.isArray(answer)) throw new Unreachable('an answer that is no list');
    if (answer[0] === 'evicts') throw this.#stop('maxmemory-policy is not noeviction', 'evicts');
    if (answer[0] === 'untrusted')
      throw this.#stop('trusted after a restart, but it has no append-only file, or a replica', 'untrusted');
    if (answer[0] !== 'lost') return answer as readonly unknown[];
    // If an operator has reset the state meanwhile, the next call works under the new epoch.
    this.#over = true;
    await this.adopt().catch(() => undefined);
    throw new Lost('the epoch is another', { cause: 'lost' });
  }

  /** From now on nothing is run, until a look finds the server in order. */
  #stop(why: string, cause: string): Lost {
    return (this.#wrong = new Lost(why, { cause }));
  }

  #epochs(partitions: readonly string[]): string[] {
    return partitions.map((each) => this.key(each, 'epoch'));
  }

  #script(
    name: string,
    body: string,
    partition: string,
    epoch: string,
  ): Promise<{ text: string; sha: string }> {
    const id = partition + name;
    let script = this.#texts.get(id);
    if (script === undefined) {
      const text = `-- ${name} ${this.prefix}{${partition}}\nlocal EPOCH = '${epoch}'\n${FENCE}${body}`;
      // SHA-1 is the name Redis gives a script; nothing rests on it.
      script = crypto.subtle
        .digest('SHA-1', utf8(text))
        .then((sha) => ({ text, sha: toHex(new Uint8Array(sha)) }));
      this.#texts.set(id, script);
    }
    return script;
  }

  async #timed(answer: Promise<unknown>): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        answer,
        new Promise<never>((_, reject) => {
          timer = setTimeout(
            () => reject(new Unreachable('no answer in time', { cause: 'no_answer' })),
            this.#timeout,
          );
        }),
      ]);
    } catch (error) {
      if (error instanceof Error && error.message.includes('NOSCRIPT')) throw error;
      throw unreachable(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unreachable(error: unknown): Error {
  if (error instanceof Unreachable || error instanceof Lost) return error;
  return new Unreachable('the command failed', { cause: error });
}
