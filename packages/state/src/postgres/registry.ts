// Revocations and sessions. Every verifier holds the list, or asks a long one by name (`heard.ts`): a connection of its
// own listens for what is added and asks for it by number; the same question is asked every second whether or not
// anything was heard, and a connection that does not answer is replaced, so a deaf one is noticed.
import { AmbitError } from '@ambit/core';
import { GRACE, checkNow } from '../budgets.ts';
import { orFaultLater } from '../faults.ts';
import { HeardList, heardRevocations, type Part } from '../heard.ts';
import { Remembered } from '../remembered.ts';
import type { Named } from '../named.ts';
import {
  checkRevocation,
  revocationOf,
  type Revocation,
  type RevocationName,
  type RevocationRow,
  type Revocations,
} from '../revocations.ts';
import { newSession, pageOf, placeOf, type Session, type Sessions } from '../sessions.ts';
import { faultOf, type Connection, type Row } from './connection.ts';
import type { Lanes } from './lanes.ts';
import { wordError } from './primary.ts';
import { PAGE, channelOf } from './registry-sql.ts';

type Entry = [number, ...RevocationRow];

const toEntry = ([seq, ...row]: Entry): Revocation => revocationOf(seq, row);

const toSessions = (list: unknown): Session[] => (list as unknown[]).map((each) => toSession(each)!);

const toSession = (found: unknown): Session | null =>
  found === null || found === undefined ? null : Object.freeze({ ...(found as Session) });

export class Registry {
  readonly list: HeardList;
  readonly #lanes: Lanes;
  readonly #poll: number;
  readonly #failed: (error: unknown) => void;
  readonly #open: Remembered;
  #timer: NodeJS.Timeout | null = null;
  #listener: Connection | null = null;
  #connecting: Promise<void> | null = null;
  #stopped = false;

  /** `failed` is told of looks that could not be taken. */
  constructor(
    lanes: Lanes,
    options: { readonly poll?: number; readonly staleAfter?: number },
    failed: (error: unknown) => void,
  ) {
    this.#lanes = lanes;
    this.#failed = failed;
    this.#poll = options.poll ?? 1000;
    this.list = new HeardList(
      (cursor, first) => this.#since(cursor, first),
      options.staleAfter ?? 5000,
      (names) => this.#named(names),
    );
    this.#open = new Remembered(this.list);
  }

  /** Listens, then loads the list: in this order nothing falls between. Rejects with Lost or Unreachable. */
  async start(): Promise<void> {
    await this.#connect();
    this.#timer = setInterval(() => void this.#look(), this.#poll).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer ?? undefined);
    await this.#listener?.close();
  }

  /** Looks at the list, on a connection that is made again when it is gone. */
  async #look(): Promise<void> {
    try {
      if (this.#listener === null) await this.#connect();
      else await this.list.sync();
    } catch (error) {
      // Unconfirmed for too long, the list denies.
      this.#failed(error);
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
      if (!this.#stopped) setTimeout(() => void this.#look(), 10).unref();
    };
    connection.onNotify = () => this.list.hear();
    try {
      await this.list.sync();
    } catch (error) {
      // A list that can't be believed now denies, and is asked for again.
      this.#failed(error);
    }
  }

  /** Reads the list on the listening connection; null when it can't be believed. */
  async #since(cursor: number, first: boolean): Promise<Part | null> {
    const { primary } = this.#lanes;
    const text = `select * from ${primary.schema}.entries_since($1, $2, $3)`;
    const values = [this.#lanes.epoch, cursor, first];
    const [row] = (await this.#listener?.query({ name: 'since', text, values }, primary.timeout)) ?? [];
    if (row?.['code'] === 'epoch') await this.#lanes.adopt();
    if (row === undefined) return null;
    const wrong = wordError(row['code']);
    if (wrong !== null) throw wrong;
    const entries = (row['entries'] as Entry[]).map(toEntry);
    const ended = Number(row['now']) - GRACE;
    const last = Number(row['last']);
    return { last, entries, more: entries.length >= PAGE, ended, named: last, long: row['long'] === true };
  }

  async #named(names: readonly RevocationName[]): Promise<Named> {
    const column = (of: (name: RevocationName) => string): string[] => names.map(of);
    const row = await this.#call('entries_named', [
      column(([kind]) => kind),
      column(([, issuer = '']) => issuer),
      column(([, , value]) => value),
    ]);
    return { upto: Number(row['last']), entries: (row['entries'] as Entry[]).map(toEntry) };
  }

  /** Runs a function of the schema; the epoch is its first parameter. */
  #call(name: string, values: readonly unknown[]): Promise<Row> {
    const places = [null, ...values].map((_, i) => `$${i + 1}`).join(', ');
    const text = `select * from ${this.#lanes.primary.schema}.${name}(${places})`;
    return this.#lanes.ask({ name, text, values: [this.#lanes.epoch, ...values] });
  }

  revocations(): Revocations {
    const add = async (entry: Omit<Revocation, 'seq'>): Promise<number> => {
      const { kind, issuer, value, reason, time, expires } = entry;
      const values = [kind, issuer ?? null, value, reason, time, expires ?? null];
      return Number((await this.#call('revoke_entry', values))['seq']);
    };
    const since = async (cursor: number): Promise<readonly Revocation[]> =>
      ((await this.#call('entries_since', [cursor, false]))['entries'] as Entry[]).map(toEntry);
    return heardRevocations(this.list, { add, since }, faultOf, this.#failed);
  }

  sessions(): Sessions {
    const step = async (what: string, issuer: string, id: string, more: Partial<Session> = {}, now = 0) => {
      const { operator = null, user = null, expires = null, reason = null } = more;
      return this.#call('session_step', [what, issuer, id, operator, user, now, expires, reason]);
    };
    const asked = (...args: Parameters<typeof step>): Promise<Row> =>
      orFaultLater(() => step(...args), faultOf);
    const get = async (issuer: string, id: string): Promise<Session | null> =>
      toSession((await step('get', issuer, id))['session']);
    return {
      open: async (input, now) => {
        const s = newSession(input, now);
        const row = await asked('open', s.issuer, s.id, s, now);
        if (row['code'] === 'taken')
          throw new AmbitError('input_invalid', 'A session with this id was opened before.');
        return s;
      },
      check: (...question) => this.#open.check(question, get, faultOf),
      close: async (issuer, id, reason, now) => {
        checkNow(now);
        checkRevocation({ kind: 'session', issuer, value: id, reason });
        this.#open.forget(issuer, id);
        const closed = toSession((await asked('close', issuer, id, { reason }, now))['session']);
        if (closed === null) throw new AmbitError('session_not_found');
        await this.#look();
        return closed;
      },
      get: async (issuer, id) => toSession((await asked('get', issuer, id))['session']),
      list: async () => {
        const row = await orFaultLater(() => this.#call('sessions_newest', []), faultOf);
        return toSessions(row['list']);
      },
      page: async (cursor, now) => {
        const place = placeOf(cursor, now);
        const row = await orFaultLater(() => this.#call('sessions_open', [...place, now]), faultOf);
        return pageOf(toSessions(row['list']));
      },
    };
  }
}
