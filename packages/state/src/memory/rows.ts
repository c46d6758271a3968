// The rows of the memory back end, dropped a bucket of expiries at a time.
import type { SequenceClaim, SequenceWindow } from '@ambit/core';
import type { CounterRow, Rows } from '../apply.ts';
import { advance, checkHorizon, sweptTo, type Horizon } from '../clock.ts';
import { sequenceWindow } from '../replay.ts';
import type { Session } from '../sessions.ts';

/** Seconds of one expiry bucket: rows are dropped a bucket at a time. */
const BUCKET = 16;

interface HeldWindow {
  readonly window: SequenceWindow;
  expires: number;
}

/** `number` counts up with each that is opened; the map keeps their order. */
interface HeldSession {
  readonly session: Session;
  readonly number: number;
}

interface Row {
  readonly kind: 'counter' | 'claim' | 'window' | 'session';
  readonly id: string;
  readonly root: string | null;
}

/** What a process keeps: rows by id, and by when they end. */
export class MemoryRows implements Rows {
  sweptTo = 0;
  now = 0;
  readonly began = 0;
  readonly era: string;
  #horizon: Horizon = { time: 0, leap: 0 };
  size = 0;
  readonly rowsPerToken: number;
  readonly counters: Map<string, CounterRow> = new Map();
  readonly claims: Set<string> = new Set();
  readonly windows: Map<string, HeldWindow> = new Map();
  readonly sessions: Map<string, HeldSession> = new Map();
  readonly #roots = new Map<string, number>();
  readonly #buckets = new Map<number, Row[]>();

  constructor(rowsPerToken: number, era: string) {
    this.era = era;
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
    const held = known ?? { window: sequenceWindow(), expires };
    if (held.window.claim(sequence) !== 'ok') return false;
    held.expires = Math.max(held.expires, expires);
    if (known === undefined) {
      this.windows.set(session, held);
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
    const expires = this.#endOf(row);
    this.#gone(row);
    if (expires > to) return this.added(row, expires);
    if (row.kind === 'counter') this.counters.delete(row.id);
    else if (row.kind === 'claim') this.claims.delete(row.id);
    else if (row.kind === 'window') this.windows.delete(row.id);
    else this.sessions.delete(row.id);
  }

  /** The end of a row whose end may be put off (a new window, a longer token); it then moves to its new bucket. */
  #endOf({ kind, id }: Row): number {
    if (kind === 'counter') return this.counters.get(id)?.expires ?? 0;
    return kind === 'window' ? (this.windows.get(id)?.expires ?? 0) : 0;
  }

  #gone(row: Row): void {
    this.size--;
    if (row.root === null) return;
    const n = this.rowsOf(row.root) - 1;
    if (n > 0) this.#roots.set(row.root, n);
    else this.#roots.delete(row.root);
  }
}
