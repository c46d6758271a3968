// Revocations and sessions. A connection of its own listens for what is added and asks for it by number; the same
// question is asked every second whether or not anything was heard, and a connection that does not answer is
// replaced, so a deaf one is noticed. A notification is only a reason to look: an entry counts when it was read
// from the list. A list that could not be confirmed for too long, or went back, denies (`revocations_stale`).
import { performance } from 'node:perf_hooks';
import { AmbitError } from '@ambit/core';
import { GRACE, checkNow } from '../budgets.ts';
import {
  RevocationView,
  checkRevocation,
  revocationOf,
  type Revocation,
  type RevocationAnswer,
  type RevocationRow,
  type Revocations,
} from '../revocations.ts';
import { judge, newSession, type Session, type SessionAnswer, type Sessions } from '../sessions.ts';
import { faultOf, type Connection, type Row } from './connection.ts';
import type { Lanes } from './lanes.ts';
import { wordError } from './primary.ts';
import { PAGE, channelOf } from './registry-sql.ts';

/** Open sessions remembered; the one asked for longest ago is dropped first. */
const REMEMBERED = 4096;

type Entry = [number, ...RevocationRow];

const toEntry = ([seq, ...row]: Entry): Revocation => revocationOf(seq, row);

const toSession = (found: unknown): Session | null =>
  found === null || found === undefined ? null : Object.freeze({ ...(found as Session) });

const guarded = (error: unknown): AmbitError =>
  error instanceof AmbitError ? error : new AmbitError(faultOf(error), undefined, { cause: error });

export class Registry {
  readonly #lanes: Lanes;
  readonly #staleAfter: number;
  readonly #poll: number;
  readonly #view = new RevocationView();
  readonly #listeners = new Set<(entry: Revocation) => void>();
  readonly #open = new Map<string, Session>();
  #timer: NodeJS.Timeout | null = null;
  #listener: Connection | null = null;
  #connecting: Promise<void> | null = null;
  #stopped = false;
  /** When the list was last known to be whole, on the monotonic clock. */
  #confirmed = -Infinity;
  #syncing: Promise<void> | null = null;
  #again = false;
  /** The number up to which the list was read without a gap. */
  #read = 0;
  /** Entries that were found by looking and not by a notification. */
  missed = 0;

  constructor(lanes: Lanes, options: { readonly poll?: number; readonly staleAfter?: number }) {
    this.#lanes = lanes;
    this.#poll = options.poll ?? 1000;
    this.#staleAfter = options.staleAfter ?? 5000;
  }

  /** Milliseconds since the list was last confirmed. */
  get age(): number {
    return performance.now() - this.#confirmed;
  }

  /** Entries held. */
  get size(): number {
    return this.#view.entries().length;
  }

  /** Listens, then loads the list: in this order nothing falls between. Rejects with Lost or Unreachable. */
  async start(): Promise<void> {
    await this.#connect();
    this.#timer = setInterval(() => void this.#look(true), this.#poll).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer ?? undefined);
    await this.#listener?.close();
  }

  /** Looks at the list, on a connection that is made again when it is gone. */
  async #look(polled: boolean): Promise<void> {
    try {
      if (this.#listener === null) await this.#connect();
      else await this.#sync(polled);
    } catch {
      // Unconfirmed for too long, the list denies.
    }
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#listen().finally(() => (this.#connecting = null));
    return this.#connecting;
  }

  async #listen(): Promise<void> {
    const { primary } = this.#lanes;
    const { connection } = await primary.connect();
    if (this.#stopped) return connection.destroy();
    await connection.query({ text: `listen ${channelOf(primary.schema)}`, values: [] }, primary.timeout);
    this.#listener = connection;
    connection.onEnd = () => {
      this.#listener = null;
      if (!this.#stopped) setTimeout(() => void this.#look(true), 10).unref();
    };
    connection.onNotify = () => void this.#look(false);
    await this.#sync(false);
  }

  /** Fetches what is missing, one at a time; who asks while it runs is answered by a further look. */
  #sync(polled: boolean): Promise<void> {
    if (this.#syncing !== null) {
      this.#again = true;
      return this.#syncing;
    }
    this.#syncing = (async () => {
      try {
        do {
          this.#again = false;
          await this.#fetch(polled);
        } while (this.#again);
      } finally {
        this.#syncing = null;
      }
    })();
    return this.#syncing;
  }

  async #fetch(polled: boolean): Promise<void> {
    const { primary } = this.#lanes;
    const text = `select * from ${primary.schema}.entries_since($1, $2)`;
    for (;;) {
      const asked = performance.now();
      const listener = this.#listener;
      if (listener === null) return;
      const values = [this.#lanes.epoch, this.#read];
      const [row] = await listener.query({ name: 'since', text, values }, primary.timeout);
      if (row?.['code'] === 'epoch') await this.#lanes.adopt();
      if (row === undefined || wordError(row['code']) !== null) return;
      // Numbers that went back: an older copy of the list. What is known stays known, and the list is stale.
      if (Number(row['last']) < this.#read) return;
      const entries = (row['entries'] as Entry[]).map(toEntry);
      if (polled) this.missed += entries.filter((entry) => entry.seq > this.#view.cursor).length;
      this.#take(entries);
      this.#read = entries.at(-1)?.seq ?? Number(row['last']);
      if (entries.length >= PAGE) continue;
      this.#view.drop(Number(row['now']) - GRACE);
      this.#confirmed = asked;
      return;
    }
  }

  #take(entries: readonly Revocation[]): void {
    for (const entry of this.#view.take(entries)) {
      if (entry.kind === 'session') this.#open.delete(`${entry.issuer}\0${entry.value}`);
      for (const listener of [...this.#listeners]) listener(entry);
    }
  }

  /** Runs a function of the schema; the epoch is its first parameter. */
  #call(name: string, values: readonly unknown[]): Promise<Row> {
    const places = [null, ...values].map((_, i) => `$${i + 1}`).join(', ');
    const text = `select * from ${this.#lanes.primary.schema}.${name}(${places})`;
    return this.#lanes.ask({ name, text, values: [this.#lanes.epoch, ...values] });
  }

  revocations(): Revocations {
    return {
      add: async (input, now) => {
        const entry = { ...checkRevocation(input), time: now };
        checkNow(now);
        const { kind, issuer, value, reason, expires } = entry;
        try {
          const values = [kind, issuer ?? null, value, reason, now, expires ?? null];
          const row = await this.#call('revoke_entry', values);
          const added = Object.freeze({ ...entry, seq: Number(row['seq']) });
          this.#take([added]);
          return added;
        } catch (error) {
          throw guarded(error);
        }
      },
      since: async (cursor) => {
        try {
          const row = await this.#call('entries_since', [cursor]);
          const entries = (row['entries'] as Entry[]).map(toEntry);
          return { entries, cursor: entries.at(-1)?.seq ?? cursor };
        } catch (error) {
          throw guarded(error);
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
        return this.age > this.#staleAfter ? { ok: false, code: 'revocations_stale' } : { ok: true };
      },
    };
  }

  sessions(): Sessions {
    const step = async (what: string, issuer: string, id: string, more: Partial<Session> = {}, now = 0) => {
      const { operator = null, user = null, expires = null, reason = null } = more;
      return this.#call('session_step', [what, issuer, id, operator, user, now, expires, reason]);
    };
    const asked = async (...args: Parameters<typeof step>): Promise<Row> => {
      try {
        return await step(...args);
      } catch (error) {
        throw guarded(error);
      }
    };
    const judged = async (issuer: string, id: string, now: number): Promise<SessionAnswer> => {
      try {
        const answer = judge(toSession((await step('get', issuer, id))['session']), now);
        if (answer.ok) this.#remember(`${issuer}\0${id}`, answer.session);
        return answer;
      } catch (error) {
        return { ok: false, code: faultOf(error) };
      }
    };
    return {
      open: async (input, now) => {
        const s = newSession(input, now);
        const row = await asked('open', s.issuer, s.id, s, now);
        if (row['code'] === 'taken')
          throw new AmbitError('input_invalid', 'A session with this id was opened before.');
        return s;
      },
      check: (issuer, id, now) => {
        const session = this.#open.get(`${issuer}\0${id}`);
        // Remembered ones count only while a closing would have been received.
        return session !== undefined && this.age <= this.#staleAfter && session.expires > now
          ? { ok: true, session }
          : judged(issuer, id, now);
      },
      close: async (issuer, id, reason, now) => {
        checkNow(now);
        checkRevocation({ kind: 'session', issuer, value: id, reason });
        this.#open.delete(`${issuer}\0${id}`);
        const closed = toSession((await asked('close', issuer, id, { reason }, now))['session']);
        this.#open.delete(`${issuer}\0${id}`);
        if (closed === null) throw new AmbitError('session_not_found');
        await this.#look(false);
        return closed;
      },
      get: async (issuer, id) => toSession((await asked('get', issuer, id))['session']),
      list: async () => {
        try {
          const row = await this.#call('sessions_newest', []);
          return (row['list'] as unknown[]).map((each) => toSession(each)!);
        } catch (error) {
          throw guarded(error);
        }
      },
    };
  }

  #remember(key: string, session: Session): void {
    this.#open.delete(key);
    this.#open.set(key, session);
    if (this.#open.size > REMEMBERED) this.#open.delete(this.#open.keys().next().value!);
  }
}
