// The memory back end: one process, gone when it ends. For tests, for the browser, and for services whose
// budgets need not outlive them. Its windows have a fresh epoch each time, so tickets don't survive it either.
import {
  AmbitError,
  randomBytes,
  toHex,
  type Charges,
  type Ledger,
  type LedgerAnswer,
  type SequenceWindow,
  type SequenceClaim,
} from '@ambit/core';
import { applyCharges, applyRefund, effective, type CounterRow, type Rows } from './apply.ts';
import { advance, checkHorizon, sweptTo, type Horizon } from './clock.ts';
import {
  GRACE,
  ROWS_PER_TOKEN,
  checkCharges,
  checkNow,
  refunds,
  systemSeconds,
  type Budgets,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { sequenceWindow, type Replay } from './replay.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationInput,
  type Revocations,
} from './revocations.ts';
import { judge, newSession, type Session, type Sessions } from './sessions.ts';
import { Tally, type StoreStats } from './stats.ts';
import type { SyncStore } from './store.ts';

/** Options of the memory back end. */
export interface MemoryOptions {
  /** The most rows of all kinds; above it new ones are refused with `store_full`. Default 1,000,000. */
  readonly rows?: number;
  /** The most rows one token's holders may append (attack S12). */
  readonly rowsPerToken?: number;
  /** This process's own clock, Unix seconds, by which rows are dropped. Default: the system's. */
  readonly nowSeconds?: () => number;
}

/** Seconds of one expiry bucket: rows are dropped a bucket at a time. */
const BUCKET = 16;

interface Row {
  readonly kind: 'counter' | 'claim' | 'window' | 'session';
  readonly id: string;
  readonly root: string | null;
}

class MemoryRows implements Rows {
  sweptTo = 0;
  now = 0;
  readonly began = 0;
  #horizon: Horizon = { time: 0, leap: 0 };
  size = 0;
  readonly rowsPerToken: number;
  readonly counters = new Map<string, CounterRow>();
  readonly claims = new Set<string>();
  readonly windows = new Map<string, SequenceWindow>();
  readonly sessions = new Map<string, Session>();
  readonly #roots = new Map<string, number>();
  readonly #buckets = new Map<number, Row[]>();

  constructor(rowsPerToken: number) {
    this.rowsPerToken = rowsPerToken;
  }

  /** Notes a new row and when it may be dropped. */
  added(row: Row, expires: number): void {
    const bucket = Math.floor(expires / BUCKET);
    const rows = this.#buckets.get(bucket);
    if (rows === undefined) this.#buckets.set(bucket, [row]);
    else rows.push(row);
    this.size++;
    if (row.root !== null) this.#roots.set(row.root, this.rowsOf(row.root) + 1);
  }

  counter(id: string): CounterRow | undefined {
    return this.counters.get(id);
  }

  putCounter(id: string, row: CounterRow, root: string | null): void {
    if (!this.counters.has(id)) this.added({ kind: 'counter', id, root }, row.expires);
    this.counters.set(id, row);
  }

  takeNonce(id: string, expires: number): boolean {
    return this.claim(id, expires, null);
  }

  dropNonce(id: string, expires: number): void {
    this.unclaim(id, expires);
  }

  claim(id: string, expires: number, root: string | null): boolean {
    if (this.claims.has(id)) return false;
    this.claims.add(id);
    this.added({ kind: 'claim', id, root }, expires);
    return true;
  }

  /** Takes back a claim of this very step. */
  unclaim(id: string, expires: number): void {
    const row = this.#buckets.get(Math.floor(expires / BUCKET))?.pop();
    if (row?.id !== id) throw new Error('unclaim: only the latest claim can be taken back');
    this.claims.delete(id);
    this.#gone(row);
  }

  advance({ session, sequence, expires }: SequenceClaim): boolean {
    const known = this.windows.get(session);
    const window = known ?? sequenceWindow();
    if (window.claim(sequence) !== 'ok') return false;
    if (known === undefined) {
      this.windows.set(session, window);
      this.added({ kind: 'window', id: session, root: null }, expires);
    }
    return true;
  }

  rowsOf(root: string): number {
    return this.#roots.get(root) ?? 0;
  }

  /** Drops what expired, by the time a call gave and by this process's own; looks at most once a bucket's length. */
  sweep(given: number, own: number): void {
    this.now = own;
    this.#horizon = advance(this.#horizon, Math.min(given, own));
    checkHorizon(this.#horizon, own);
    const to = sweptTo(this.#horizon);
    if (to < this.sweptTo + BUCKET) return;
    this.sweptTo = to;
    for (const [bucket, rows] of this.#buckets) {
      if ((bucket + 1) * BUCKET > to) continue;
      this.#buckets.delete(bucket);
      for (const row of rows) this.#drop(row, to);
    }
  }

  #drop(row: Row, to: number): void {
    // A counter whose end was put off (a new window, a longer token) moves to its new bucket.
    const counter = row.kind === 'counter' ? this.counters.get(row.id) : undefined;
    this.#gone(row);
    if (counter !== undefined && counter.expires > to) return this.added(row, counter.expires);
    if (row.kind === 'counter') this.counters.delete(row.id);
    else if (row.kind === 'claim') this.claims.delete(row.id);
    else if (row.kind === 'window') this.windows.delete(row.id);
    else this.sessions.delete(row.id);
  }

  #gone(row: Row): void {
    this.size--;
    if (row.root === null) return;
    const n = this.rowsOf(row.root) - 1;
    if (n > 0) this.#roots.set(row.root, n);
    else this.#roots.delete(row.root);
  }
}

const sessionKey = (issuer: string, id: string): string => `${issuer}\0${id}`;

/** A store in this process's memory. */
export function memoryStore(options: MemoryOptions = {}): SyncStore {
  const limit = options.rows ?? 1_000_000;
  const clock = options.nowSeconds ?? systemSeconds;
  const rows = new MemoryRows(options.rowsPerToken ?? ROWS_PER_TOKEN);
  const view = new RevocationView();
  const list: Revocation[] = [];
  const listeners = new Set<(entry: Revocation) => void>();
  const epoch = toHex(randomBytes(16));
  const open = new WeakSet<Reservation>();

  const reserve = (charges: Charges, now: number, share: number): Reserved | Refused => {
    checkNow(now);
    const wrong = checkCharges(charges);
    if (wrong !== null) return wrong;
    try {
      rows.sweep(now, clock());
    } catch (error) {
      if (error instanceof AmbitError) return { ok: false, code: 'store_corrupt', caveat: -1 };
      throw error;
    }
    if (rows.size + 32 > limit) return { ok: false, code: 'store_full', caveat: -1 };
    const answer = applyCharges(rows, charges, share);
    if (answer.ok) open.add(answer.reservation);
    return answer;
  };
  const giveBack = (reservation: Reservation, amounts: readonly number[]): boolean => {
    const back = refunds(reservation, amounts);
    if (back === null || !open.delete(reservation)) return false;
    applyRefund(rows, reservation, back);
    return true;
  };
  const forget = (to: number): void => {
    view.drop(to);
    list.splice(0, list.length, ...list.filter((entry) => (entry.expires ?? Infinity) > to));
  };
  const revoke = (input: RevocationInput, now: number): Revocation => {
    const checked = checkRevocation(input);
    checkNow(now);
    const entry: Revocation = Object.freeze({ ...checked, seq: view.cursor + 1, time: now });
    if (list.length % 256 === 255) forget(now - GRACE);
    list.push(entry);
    view.take([entry]);
    for (const listener of [...listeners]) listener(entry);
    return entry;
  };

  const budgets: Budgets = {
    reserve: async (charges, now, share = 0) => reserve(charges, now, share),
    settle: async (reservation, amounts) => giveBack(reservation, amounts),
    release: async (reservation) =>
      giveBack(
        reservation,
        reservation.amounts.map(() => 0),
      ),
    era: () => epoch,
    left: async (_place, counters, now) => {
      checkNow(now);
      return counters.map((c) => Math.max(0, c.limit - effective(rows.counter(c.id), c).used));
    },
  };
  const replay: Replay = {
    epoch: async () => epoch,
  };
  const revocations: Revocations = {
    add: async (input, now) => revoke(input, now),
    since: async (cursor) => {
      const entries = list.filter((entry) => entry.seq > cursor).slice(0, 1000);
      return { entries, cursor: entries.at(-1)?.seq ?? cursor };
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    isRevoked: (subject) => {
      const entry = view.find(subject);
      return entry === null ? { ok: true } : { ok: false, code: 'revoked', entry };
    },
  };
  const sessions: Sessions = {
    open: async (input, now) => {
      const session = newSession(input, now);
      const key = sessionKey(session.issuer, session.id);
      if (rows.sessions.has(key))
        throw new AmbitError('input_invalid', 'A session with this id was opened before.');
      if (rows.size >= limit) throw new AmbitError('store_full');
      rows.sessions.set(key, session);
      rows.added({ kind: 'session', id: key, root: null }, session.expires);
      return session;
    },
    check: (issuer, id, now) => judge(rows.sessions.get(sessionKey(issuer, id)) ?? null, now),
    close: async (issuer, id, reason, now) => {
      const session = rows.sessions.get(sessionKey(issuer, id));
      if (session === undefined) throw new AmbitError('session_not_found');
      if (session.closed !== null) return session;
      revoke({ kind: 'session', issuer, value: id, reason, expires: session.expires }, now);
      const closed = Object.freeze({ ...session, closed: now, reason });
      rows.sessions.set(sessionKey(issuer, id), closed);
      return closed;
    },
    get: async (issuer, id) => rows.sessions.get(sessionKey(issuer, id)) ?? null,
    list: async () => [...rows.sessions.values()].sort((a, b) => b.opened - a.opened).slice(0, 1000),
  };
  const ledger: Ledger = {
    apply: (charges, now): LedgerAnswer => {
      const answer = reserve(charges, now, 0);
      return answer.ok ? { ok: true } : answer;
    },
  };
  const tally = new Tally();
  const stats = async (): Promise<StoreStats> => ({
    backend: 'memory',
    ...tally.figures,
    revocationsAge: null,
    pushesMissed: 0,
    rows: {
      counters: rows.counters.size,
      claims: rows.claims.size,
      windows: rows.windows.size,
      sessions: rows.sessions.size,
      revocations: list.length,
    },
    bytes: null,
    logBytes: null,
  });
  return {
    budgets: tally.over(budgets),
    replay,
    revocations,
    sessions,
    ledger,
    stats,
    close: async () => undefined,
  };
}

/** Core's synchronous ledger in memory: budgets, `once` and nonces of one process. */
export const memoryLedger = (options: MemoryOptions = {}): Ledger => memoryStore(options).ledger;
