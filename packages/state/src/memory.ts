// The memory back end: one process, gone when it ends. For tests, for the browser, and for services whose
// budgets need not outlive them. Its windows have a fresh epoch each time, so tickets don't survive it either.
import { AmbitError, randomBytes, toHex, type Charges, type Ledger, type LedgerAnswer } from '@ambit/core';
import { applyCharges, applyRefund, effective } from './apply.ts';
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
import { MemoryRows } from './memory/rows.ts';
import type { Replay } from './replay.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationInput,
  type Revocations,
} from './revocations.ts';
import { judge, newSession, type Sessions } from './sessions.ts';
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
