// The memory back end: one process, gone when it ends. For tests, for the browser, and for services whose
// budgets need not outlive them. Its windows have a fresh epoch each time, so tickets don't survive it either.
import { AmbitError, randomBytes, toHex, type Charges, type Ledger, type LedgerAnswer } from '@ambit/core';
import { applyCharges, applyRefund, leftOf } from './apply.ts';
import {
  ROWS_PER_TOKEN,
  checkCharges,
  checkNow,
  nothing,
  refunds,
  systemSeconds,
  type Budgets,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { MemoryRows } from './memory/rows.ts';
import { sessionsIn } from './memory/sessions.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationInput,
  type Revocations,
} from './revocations.ts';
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
  /** The epoch, 32 hexadecimal digits, for test vectors; default: a fresh one, since the windows begin empty. */
  readonly unsafeEpoch?: string;
}

/** A store in this process's memory. */
export function memoryStore(options: MemoryOptions = {}): SyncStore {
  const limit = options.rows ?? 1_000_000;
  const epoch = options.unsafeEpoch ?? toHex(randomBytes(16));
  const rows = new MemoryRows(options.rowsPerToken ?? ROWS_PER_TOKEN, epoch);
  const clock = options.nowSeconds ?? systemSeconds;
  const list = new MemoryRevocations(rows, clock);
  const { budgets, ledger } = budgetsIn(rows, limit, epoch, clock);
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
      revocations: list.size,
    },
    bytes: null,
    logBytes: null,
  });
  return {
    budgets: tally.over(budgets),
    replay: { epoch: async () => epoch },
    revocations: list,
    sessions: sessionsIn(rows, limit, (...entry) => list.take(...entry), clock),
    ledger,
    stats,
    close: async () => undefined,
  };
}

function budgetsIn(
  rows: MemoryRows,
  limit: number,
  epoch: string,
  clock: () => number,
): { readonly budgets: Budgets; readonly ledger: Ledger } {
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
  const budgets: Budgets = {
    reserve: async (charges, now, share = 0) => reserve(charges, now, share),
    settle: async (reservation, amounts) => giveBack(reservation, amounts),
    release: async (reservation) => giveBack(reservation, nothing(reservation)),
    era: () => epoch,
    left: async (_place, counters, now) => {
      checkNow(now);
      return counters.map((c) => leftOf(rows.counter(c.id), c));
    },
  };
  const ledger: Ledger = {
    apply: (charges, now): LedgerAnswer => {
      const answer = reserve(charges, now, 0);
      return answer.ok ? { ok: true } : answer;
    },
  };
  return { budgets, ledger };
}

/** Entries after which those that have ended are looked for; more when many are alive. */
const FORGET_EVERY = 256;

class MemoryRevocations implements Revocations {
  readonly #rows: MemoryRows;
  readonly #clock: () => number;
  readonly #view = new RevocationView();
  #list: Revocation[] = [];
  /** The length at which ended entries are looked for next: the work stays in proportion to what is added. */
  #forgetAt = FORGET_EVERY;
  readonly #listeners = new Set<(entry: Revocation) => void>();

  constructor(rows: MemoryRows, clock: () => number) {
    this.#rows = rows;
    this.#clock = clock;
  }

  get size(): number {
    return this.#list.length;
  }

  /** Adds an entry at once. */
  take(input: RevocationInput, now: number): Revocation {
    const checked = checkRevocation(input);
    checkNow(now);
    const entry: Revocation = Object.freeze({ ...checked, seq: this.#view.cursor + 1, time: now });
    if (this.#list.length >= this.#forgetAt) this.#forget(now);
    this.#list.push(entry);
    this.#view.take([entry]);
    for (const listener of [...this.#listeners]) listener(entry);
    return entry;
  }

  // By the clock that rows are dropped by, not by the caller's: an entry at a stated time forgets nothing (finding S1).
  #forget(now: number): void {
    try {
      this.#rows.sweep(now, this.#clock());
    } catch {
      // A clock that is wrong stops no revocation.
    }
    const { sweptTo } = this.#rows;
    this.#view.drop(sweptTo);
    this.#list = this.#list.filter((entry) => (entry.expires ?? Infinity) > sweptTo);
    this.#forgetAt = Math.max(FORGET_EVERY, 2 * this.#list.length);
  }

  readonly add: Revocations['add'] = async (input, now) => this.take(input, now);

  readonly since: Revocations['since'] = async (cursor) => {
    const from = after(this.#list, cursor);
    const entries = this.#list.slice(from, from + 1000);
    return { entries, cursor: entries.at(-1)?.seq ?? cursor };
  };

  readonly watch: Revocations['watch'] = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  readonly isRevoked: Revocations['isRevoked'] = (subject) => {
    const entry = this.#view.find(subject);
    return entry === null ? { ok: true } : { ok: false, code: 'revoked', entry };
  };
}

/** The index of the first entry after a number, in a list ordered by it. */
function after(list: readonly Revocation[], cursor: number): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (list[middle]!.seq > cursor) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Core's synchronous ledger in memory: budgets, `once` and nonces of one process. */
export const memoryLedger = (options: MemoryOptions = {}): Ledger => memoryStore(options).ledger;
