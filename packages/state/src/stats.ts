// What a store has done and how it is: for `ambit state status`, a page that an operator looks at, and
// OpenTelemetry. A decision says only that the store failed; here is the cause, as the server's own code.
import { AmbitError } from '@ambit/core';
import type { Budgets, FaultCode, Refused } from './budgets.ts';

/**
 * The last fault. `cause` is a code of the server or the system (ECONNREFUSED, NOAUTH, 53300) or a word for what was
 * found (`lost`, `evicts`, `no_answer`), never a text.
 */
export interface StoreFault {
  readonly code: FaultCode;
  readonly cause: string;
  /** Unix seconds. */
  readonly time: number;
}

/** Counters of this process and figures of the store. */
export interface StoreStats {
  readonly backend: 'memory' | 'sqlite' | 'redis' | 'postgres';
  /** Reservations granted and refused by this process, refusals by code (faults are among them). */
  readonly granted: number;
  readonly refused: { readonly [code: string]: number };
  readonly fault: StoreFault | null;
  /** Faults so far by cause, of charges and of looking at the list of revocations. */
  readonly faults: { readonly [cause: string]: number };
  /** Milliseconds since the list of revocations was confirmed; null where each use asks the store itself. */
  readonly revocationsAge: number | null;
  /** Entries that were found by looking although a push should have brought them. */
  readonly pushesMissed: number;
  /** Rows by kind, as far as the back end knows without counting them one by one; none while it can't be asked. */
  readonly rows: { readonly [kind: string]: number };
  /** Bytes of the store, and of its log where it has one beside it; null while it can't be asked. */
  readonly bytes: number | null;
  readonly logBytes: number | null;
}

/** Causes that are counted; a server's codes are few. */
const CAUSES = 64;

/** The counted part: what passes through `reserve`, and the last fault. */
export class Tally {
  #granted = 0;
  readonly #refused = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  #fault: StoreFault | null = null;

  /** Counts an answer of `reserve`. */
  count(answer: { readonly ok: true } | Refused): void {
    if (answer.ok) this.#granted++;
    else this.#refused.set(answer.code, (this.#refused.get(answer.code) ?? 0) + 1);
  }

  /** Notes a fault and gives its code. */
  fault(code: FaultCode, error: unknown): FaultCode {
    const cause = causeOf(error);
    this.#fault = { code, cause, time: Math.floor(Date.now() / 1000) };
    if (this.#faults.size < CAUSES || this.#faults.has(cause))
      this.#faults.set(cause, (this.#faults.get(cause) ?? 0) + 1);
    return code;
  }

  /** Budgets whose answers are counted. */
  over(budgets: Budgets): Budgets {
    const reserve: Budgets['reserve'] = async (charges, now, share) => {
      const answer = await budgets.reserve(charges, now, share);
      this.count(answer);
      return answer;
    };
    return { ...budgets, reserve };
  }

  /** The figures so far. */
  get figures(): Pick<StoreStats, 'granted' | 'refused' | 'fault' | 'faults'> {
    return {
      granted: this.#granted,
      refused: Object.fromEntries(this.#refused),
      fault: this.#fault,
      faults: Object.fromEntries(this.#faults),
    };
  }
}

/** The innermost code of an error, or the first word of a Redis error, or its class. */
export function causeOf(error: unknown): string {
  let cause = error;
  let word = 'unknown';
  for (let depth = 0; depth < 8 && cause instanceof Error; depth++) {
    const code = 'code' in cause ? String(cause.code) : '';
    const reply = /^[A-Z][A-Z_]{2,30}(?= )/.exec(cause.message)?.[0];
    if (/^[\w.-]{1,40}$/.test(code) && !(cause instanceof AmbitError)) word = code;
    else if (reply !== undefined) word = reply;
    else if (word === 'unknown') word = cause.constructor.name;
    cause = cause.cause;
  }
  return typeof cause === 'string' && /^[\w.-]{1,40}$/.test(cause) ? cause : word;
}

/** The part of an OpenTelemetry `Meter` that is used. */
export interface StoreMeter {
  createObservableGauge(
    name: string,
    options?: { description?: string; unit?: string },
  ): {
    addCallback(
      callback: (result: {
        observe(value: number, attributes?: { [key: string]: string }): void;
      }) => Promise<void>,
    ): void;
  };
}

/**
 * Reports a store's figures whenever the meter collects. What fails is not reported and changes nothing
 * (attack G4). Attributes are codes and kinds of rows: no name of anybody.
 */
export function observeStore(stats: () => Promise<StoreStats>, meter: StoreMeter): void {
  // One look serves all gauges of one collection.
  let last: { readonly at: number; readonly found: Promise<StoreStats | null> } | null = null;
  const look = (): Promise<StoreStats | null> => {
    if (last === null || performance.now() - last.at > 250)
      last = { at: performance.now(), found: stats().catch(() => null) };
    return last.found;
  };
  const gauge = (
    name: string,
    description: string,
    read: (found: StoreStats) => readonly (readonly [number | null, { [key: string]: string }?])[],
    unit?: string,
  ): void =>
    meter
      .createObservableGauge(name, { description, ...(unit === undefined ? {} : { unit }) })
      .addCallback(async (result) => {
        const found = await look();
        if (found === null) return;
        for (const [value, attributes] of read(found))
          if (value !== null) result.observe(value, { 'ambit.store': found.backend, ...attributes });
      });
  gauge('ambit.store.granted', 'Reservations granted by this process', (s) => [[s.granted]]);
  gauge('ambit.store.refused', 'Reservations refused by this process', (s) =>
    Object.entries(s.refused).map(([code, n]) => [n, { 'ambit.code': code }]),
  );
  gauge('ambit.store.faults', 'Faults of the store, by cause', (s) =>
    Object.entries(s.faults).map(([cause, n]) => [n, { 'ambit.cause': cause }]),
  );
  gauge('ambit.store.revocations.age', 'Since the list was confirmed', (s) => [[s.revocationsAge]], 'ms');
  gauge('ambit.store.pushes.missed', 'Revocations that no push has brought', (s) => [[s.pushesMissed]]);
  gauge('ambit.store.rows', 'Rows by kind', (s) =>
    Object.entries(s.rows).map(([kind, n]) => [n, { 'ambit.rows': kind }]),
  );
  gauge('ambit.store.size', 'Bytes of the store', (s) => [[s.bytes]], 'By');
  gauge('ambit.store.log.size', 'Bytes of the log beside the store', (s) => [[s.logBytes]], 'By');
}
