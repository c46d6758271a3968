// Revocations and sessions in Redis, in one partition. Every verifier holds the whole list: it is pushed by
// PUBLISH, and because a message can be missed, the last number is polled every second and what is missing
// is fetched. A list that could not be asked for longer than the bound, or whose numbers went back, denies
// (`revocations_stale`). Sessions known to be open are remembered; closing one arrives as a revocation.
import { AmbitError } from '@ambit/core';
import { checkNow } from '../budgets.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationAnswer,
  type RevocationInput,
  type Revocations,
} from '../revocations.ts';
import { judge, newSession, type Session, type SessionAnswer, type Sessions } from '../sessions.ts';
import { REGISTRY, fenceFaultOf, type Fence } from './fence.ts';
import { Subscription, type RedisSubscriber } from './subscription.ts';
import { Watch } from './watch.ts';
import { ADD_REVOCATION, SESSION, SESSIONS, SINCE } from './scripts.ts';

/** Times in milliseconds. */
export interface RegistryOptions {
  /** Between two looks at the last number. Default 1000. */
  readonly poll?: number;
  /** The age at which an unconfirmed list denies. Default 5000. */
  readonly staleAfter?: number;
}

/** Open sessions remembered. */
const REMEMBERED = 4096;

const toEntry = (text: string): Revocation => {
  const space = text.indexOf(' ');
  const input = JSON.parse(text.slice(space + 1)) as Omit<Revocation, 'seq'>;
  return Object.freeze({ ...input, seq: Number(text.slice(0, space)) });
};

export class Registry {
  readonly #fence: Fence;
  readonly #channel: string;
  readonly #subscription: Subscription;
  readonly #watch: Watch;
  readonly #staleAfter: number;
  readonly #timer: NodeJS.Timeout;
  readonly #view = new RevocationView();
  readonly #listeners = new Set<(entry: Revocation) => void>();
  readonly #open = new Map<string, Session>();
  /** When the list was last known to be whole, on the monotonic clock. */
  #confirmed = -Infinity;
  /** Entries that a look has found and no message had brought. */
  missed = 0;
  /** Messages since the last look. */
  #heard = 0;
  #syncing: Promise<void> | null = null;
  #again = false;

  constructor(fence: Fence, subscriber: RedisSubscriber | null, options: RegistryOptions) {
    this.#fence = fence;
    this.#channel = `${fence.prefix}revocations`;
    this.#subscription = new Subscription(subscriber, this.#channel, () => {
      this.#heard++;
      void this.sync().catch(() => undefined);
    });
    this.#watch = new Watch(fence);
    this.#staleAfter = options.staleAfter ?? 5000;
    this.#timer = setInterval(() => void this.#poll().catch(() => undefined), options.poll ?? 1000).unref();
  }

  /** Subscribes, looks at the server, then loads the list: in this order nothing falls between. */
  async start(): Promise<void> {
    await this.#subscription.start();
    await this.#watch.look();
    await this.sync();
  }

  /** Milliseconds since the list was last confirmed. */
  get age(): number {
    return performance.now() - this.#confirmed;
  }

  /** Entries held. */
  get size(): number {
    return this.#view.size;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#subscription.stop();
  }

  async #poll(): Promise<void> {
    await this.#watch.look();
    await this.sync();
  }

  /** Takes entries in; how many were not known. */
  #take(entries: readonly Revocation[]): number {
    const fresh = this.#view.take(entries);
    for (const entry of fresh) {
      if (entry.kind === 'session') this.#open.delete(`${entry.issuer}\0${entry.value}`);
      for (const listener of [...this.#listeners]) listener(entry);
    }
    return fresh.length;
  }

  /** The number up to which the list was read without a gap. */
  #read = 0;

  /** Fetches what is missing. One at a time; asked for while one is under way, once more after it. */
  sync(): Promise<void> {
    if (this.#syncing !== null) {
      this.#again = true;
      return this.#syncing;
    }
    this.#syncing = this.#fetch().finally(() => {
      this.#syncing = null;
    });
    return this.#syncing;
  }

  async #fetch(): Promise<void> {
    for (;;) {
      this.#again = false;
      const asked = performance.now();
      const { last, entries } = await this.#since(this.#read);
      // Numbers that went back: an older copy of the list. What is known stays known, and the list is stale.
      if (last < this.#read) return;
      const unheard = this.#take(entries);
      if (this.#subscription.exists && this.#confirmed > 0) this.missed += Math.max(0, unheard - this.#heard);
      this.#heard = 0;
      this.#read = entries.at(-1)?.seq ?? last;
      if (entries.length === 1000) continue;
      this.#confirmed = asked;
      if (!this.#again) return;
    }
  }

  async #since(cursor: number): Promise<{ last: number; entries: Revocation[] }> {
    const answer = await this.#run('since', SINCE, ['number', 'list'], [cursor]);
    return { last: Number(answer[1]), entries: answer.slice(2).map((text) => toEntry(String(text))) };
  }

  #run(
    name: string,
    body: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly unknown[]> {
    return this.#fence.run(
      name,
      body,
      [REGISTRY],
      keys.map((key) => this.#fence.key(REGISTRY, key)),
      args,
    );
  }

  /** The same, for functions that reject. */
  async #ask(
    name: string,
    body: string,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly unknown[]> {
    try {
      return await this.#run(name, body, keys, args);
    } catch (error) {
      throw new AmbitError(fenceFaultOf(error), undefined, { cause: error });
    }
  }

  revocations(): Revocations {
    return {
      add: async (input, now) => {
        const entry = { ...checkRevocation(input), time: now };
        checkNow(now);
        const args = [JSON.stringify(entry), entry.expires ?? '', this.#channel];
        const [, seq] = await this.#ask('revoke', ADD_REVOCATION, ['number', 'list', 'expiries'], args);
        const added = Object.freeze({ ...entry, seq: Number(seq) });
        this.#take([added]);
        return added;
      },
      since: async (cursor) => {
        try {
          const { entries } = await this.#since(cursor);
          return { entries, cursor: entries.at(-1)?.seq ?? cursor };
        } catch (error) {
          throw new AmbitError(fenceFaultOf(error), undefined, { cause: error });
        }
      },
      watch: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
      isRevoked: (subject): RevocationAnswer => {
        // An entry that is known counts, however old the list.
        const entry = this.#view.find(subject);
        if (entry !== null) return { ok: false, code: 'revoked', entry };
        if (performance.now() - this.#confirmed > this.#staleAfter)
          return { ok: false, code: 'revocations_stale' };
        return { ok: true };
      },
    };
  }

  sessions(): Sessions {
    const key = (issuer: string, id: string): string => `s:${issuer}\0${id}`;
    const step = async (
      what: string,
      issuer: string,
      id: string,
      args: { session?: string; time?: number; expires?: number; reason?: string; entry?: string },
    ): Promise<readonly unknown[]> =>
      this.#run(
        'session',
        SESSION,
        ['number', 'list', 'expiries', key(issuer, id), 'sessions', 'sessionends'],
        [
          what,
          args.session ?? '',
          args.time ?? '',
          args.expires ?? '',
          args.reason ?? '',
          args.entry ?? '',
          this.#channel,
        ],
      );
    const asked = async (...args: Parameters<typeof step>): Promise<readonly unknown[]> => {
      try {
        return await step(...args);
      } catch (error) {
        throw new AmbitError(fenceFaultOf(error), undefined, { cause: error });
      }
    };
    const judged = async (issuer: string, id: string, now: number): Promise<SessionAnswer> => {
      try {
        const session = toSession((await step('get', issuer, id, {})).slice(1));
        const answer = judge(session, now);
        if (answer.ok) {
          // The one that was asked for longest ago goes first.
          if (this.#open.size >= REMEMBERED) this.#open.delete(this.#open.keys().next().value!);
          this.#open.set(`${issuer}\0${id}`, answer.session);
        }
        return answer;
      } catch (error) {
        return { ok: false, code: fenceFaultOf(error) };
      }
    };
    return {
      open: async (input, now) => {
        const s = newSession(input, now);
        const args = { session: JSON.stringify(s), time: now, expires: s.expires };
        const [ok] = await asked('open', s.issuer, s.id, args);
        if (ok === 'taken')
          throw new AmbitError('input_invalid', 'A session with this id was opened before.');
        return s;
      },
      check: (issuer, id, now) => {
        const session = this.#open.get(`${issuer}\0${id}`);
        // Remembered ones count only while a closing would have been received.
        const heard = performance.now() - this.#confirmed <= this.#staleAfter;
        return session !== undefined && heard && session.expires > now
          ? { ok: true, session }
          : judged(issuer, id, now);
      },
      close: async (issuer, id, reason, now) => {
        checkNow(now);
        const found = toSession((await asked('get', issuer, id, {})).slice(1));
        if (found === null) throw new AmbitError('session_not_found');
        const input = checkRevocation({ kind: 'session', issuer, value: id, reason, expires: found.expires });
        const entry = JSON.stringify({ ...input, time: now } satisfies RevocationInput & { time: number });
        const args = { time: now, expires: found.expires, reason, entry };
        this.#open.delete(`${issuer}\0${id}`);
        const closed = toSession((await asked('close', issuer, id, args)).slice(1));
        if (closed === null) throw new AmbitError('session_not_found');
        await this.sync().catch(() => undefined);
        return closed;
      },
      get: async (issuer, id) => toSession((await asked('get', issuer, id, {})).slice(1)),
      list: async () => {
        const answer = (await this.#ask('sessions', SESSIONS, ['sessions'], [])).slice(1);
        const sessions: Session[] = [];
        for (let i = 0; i < answer.length; i += 3) sessions.push(toSession(answer.slice(i, i + 3))!);
        return sessions;
      },
    };
  }
}

/** The three fields of a session's hash. */
function toSession([session, closed, reason]: readonly unknown[]): Session | null {
  if (typeof session !== 'string' || session === '') return null;
  const closedAt = closed === '' ? null : Number(closed);
  return Object.freeze({
    ...(JSON.parse(session) as Session),
    closed: closedAt,
    reason: closedAt === null ? null : String(reason),
  });
}
