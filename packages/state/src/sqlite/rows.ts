// The rows of the file as one transaction sees them. Counters are read once and written once a transaction,
// however many calls of a group charge them; claims are inserted at once, because inserting is the question.
import type { SequenceClaim, SequenceWindow } from '@ambit/core';
import type { CounterRow, Rows } from '../apply.ts';
import { advance, checkHorizon, sweptTo } from '../clock.ts';
import { sequenceWindow } from '../replay.ts';
import { readSteps, writeSteps } from '../sliding.ts';
import { Meta } from './meta.ts';
import { Nonces } from './nonces.ts';
import { rowKey } from './schema.ts';
import { checked, sumOf } from './sums.ts';
import { Sweeper } from './sweeper.ts';
import type { Connection, Statement, Value } from './binding.ts';

interface Held {
  row: CounterRow;
  readonly root: string | null;
  dirty: boolean;
  /** Not in the table yet: written at the end of the transaction. */
  readonly created: boolean;
}

interface HeldWindow {
  readonly window: SequenceWindow;
  expires: number;
  dirty: boolean;
}

/** Seconds between sweeps. */
const SWEEP_EVERY = 5;

/** SQLite gives columns in order under `raw()`; each statement below names its own row type. */
type Raw<T> = T | undefined;

/** The question for a counter. */
export const COUNTER = 'select id, start, used, expires, root, steps, sum from counters where id = ?';

/** A row of `counters`, checked and without its sum. */
export function counterOf(row: readonly Value[]): { readonly row: CounterRow; readonly root: string | null } {
  const [, start, used, expires, root, text] = row as readonly [
    string,
    number,
    number,
    number,
    string | null,
    string | null,
  ];
  return { row: { start, used, expires, steps: text === null ? null : readSteps(text) }, root };
}

export class SqliteRows implements Rows {
  sweptTo = 0;
  now = 0;
  readonly rowsPerToken: number;
  readonly meta: Meta;
  /** The highest time this process was given. */
  #given = 0;
  #sweeping = false;
  readonly #clock: () => number;
  readonly #nonces: Nonces;
  readonly #sweeper: Sweeper;
  readonly #held = new Map<string, Held>();
  readonly #windows = new Map<string, HeldWindow>();
  readonly #count = new Map<string, number>();
  readonly #counter: Statement;
  readonly #put: Statement;
  readonly #claim: Statement;
  readonly #unclaim: Statement;
  readonly #rowsOf: Statement;
  readonly #window: Statement;
  readonly #putWindow: Statement;

  constructor(db: Connection, rowsPerToken: number, nowSeconds: () => number) {
    this.#clock = nowSeconds;
    this.rowsPerToken = rowsPerToken;
    this.meta = new Meta(db);
    this.#nonces = new Nonces(db);
    this.#sweeper = new Sweeper(db);
    this.#counter = db.prepare(COUNTER);
    this.#put = db.prepare(
      'insert into counters(id, start, used, expires, root, steps, sum) values (?, ?, ?, ?, ?, ?, ?)' +
        ' on conflict(id) do update set start = excluded.start, used = excluded.used, expires = excluded.expires,' +
        ' steps = excluded.steps, sum = excluded.sum',
    );
    this.#claim = db.prepare('insert or ignore into claims(id, expires, root, sum) values (?, ?, ?, ?)');
    this.#unclaim = db.prepare('delete from claims where id = ?');
    this.#rowsOf = db.prepare(
      'select (select count(*) from counters where root = ?1) + (select count(*) from claims where root = ?1)',
    );
    this.#window = db.prepare('select id, highest, bits, expires, sum from windows where id = ?');
    this.#putWindow = db.prepare(
      'insert into windows values (?, ?, ?, ?, ?) on conflict(id) do update set' +
        ' highest = excluded.highest, bits = excluded.bits, expires = excluded.expires, sum = excluded.sum',
    );
  }

  /** Nonces that this process remembers. */
  get remembered(): number {
    return this.#nonces.size;
  }

  get era(): string {
    return this.meta.era;
  }

  get began(): number {
    return this.meta.began;
  }

  /** Notes the time a caller gave: rows are dropped by it only as far as this process's own clock has come. */
  at(now: number): void {
    if (now > this.#given) this.#given = now;
  }

  /** First in a transaction: forgets what the last one knew. */
  begin(): void {
    this.#held.clear();
    this.#windows.clear();
    this.#count.clear();
    this.meta.begin();
    this.now = this.#clock();
    checkHorizon(this.meta.horizon, this.now);
    this.sweptTo = sweptTo(this.meta.horizon);
    this.#nonces.begin();
  }

  /** After the commit. */
  committed(): void {
    this.#nonces.committed();
  }

  /** Last in a transaction: writes the counters, and drops some of what expired. */
  end(): void {
    for (const [id, { row, root, dirty }] of this.#held) {
      if (!dirty) continue;
      const steps = row.steps === null ? null : writeSteps(row.steps);
      const fields = [id, row.start, row.used, row.expires, root, steps] as const;
      this.#put.run(...fields, sumOf(fields));
    }
    for (const [id, { window, expires, dirty }] of this.#windows) {
      if (!dirty) continue;
      const fields = [id, window.highest, window.bits, expires] as const;
      this.#putWindow.run(...fields, sumOf(fields));
    }
    this.#nonces.end();
    const horizon = advance(this.meta.horizon, Math.min(this.#given, this.now));
    const later = horizon.time >= this.meta.horizon.time + SWEEP_EVERY;
    if (later || horizon.leap !== this.meta.horizon.leap) this.meta.keep(horizon);
    // Whoever swept: what this process remembers has ended all the same (finding S10).
    this.#nonces.forget(sweptTo(this.meta.horizon));
    if (!later && !this.#sweeping) return;
    this.#sweeping = this.#sweeper.sweep(sweptTo(this.meta.horizon));
    if (later) this.#sweeper.scrub();
  }

  #hold(id: string): Held | undefined {
    const key = rowKey(id);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const found = this.#counter.get(key) as Raw<Value[]>;
    if (found === undefined) return undefined;
    const fresh: Held = { ...counterOf(checked(found)), dirty: false, created: false };
    this.#held.set(key, fresh);
    return fresh;
  }

  counter(id: string): CounterRow | undefined {
    return this.#hold(id)?.row;
  }

  putCounter(id: string, row: CounterRow, root: string | null): void {
    const held = this.#hold(id);
    if (held === undefined) {
      const owner = root === null ? null : rowKey(root);
      this.#held.set(rowKey(id), { row, root: owner, dirty: true, created: true });
      if (owner !== null) this.#count.delete(owner);
    } else {
      held.row = row;
      held.dirty = true;
    }
  }

  #holdWindow(id: string): HeldWindow | undefined {
    const held = this.#windows.get(id);
    if (held !== undefined) return held;
    const found = this.#window.get(id) as Raw<Value[]>;
    if (found === undefined) return undefined;
    const [, highest, bits, expires] = checked(found) as [string, number, Uint8Array, number];
    const window = sequenceWindow({ highest, bits: new Uint8Array(bits) });
    const fresh: HeldWindow = { window, expires, dirty: false };
    this.#windows.set(id, fresh);
    return fresh;
  }

  advance({ session, sequence, expires }: SequenceClaim): boolean {
    const known = this.#holdWindow(session);
    const held = known ?? { window: sequenceWindow(), expires, dirty: true };
    if (held.window.claim(sequence) !== 'ok') return false;
    if (known === undefined) this.#windows.set(session, held);
    held.expires = Math.max(held.expires, expires);
    held.dirty = true;
    return true;
  }

  takeNonce(id: string, expires: number): boolean {
    return this.#nonces.take(rowKey(id), expires);
  }

  dropNonce(id: string): void {
    this.#nonces.drop(rowKey(id));
  }

  claim(id: string, expires: number, root: string | null): boolean {
    const owner = root === null ? null : rowKey(root);
    if (owner !== null) this.#count.delete(owner);
    const fields = [rowKey(id), expires, owner] as const;
    return this.#claim.run(...fields, sumOf(fields)).changes > 0;
  }

  unclaim(id: string): void {
    this.#unclaim.run(rowKey(id));
    this.#count.clear();
  }

  rowsOf(root: string): number {
    const owner = rowKey(root);
    let n = this.#count.get(owner);
    if (n === undefined) {
      [n] = this.#rowsOf.get(owner) as [number];
      for (const held of this.#held.values()) if (held.created && held.root === owner) n++;
      this.#count.set(owner, n);
    }
    return n;
  }
}
