// The rows of the file as one transaction sees them. Counters are read once and written once a transaction,
// however many calls of a group charge them; claims are inserted at once, because inserting is the question.
import type { SequenceClaim, SequenceWindow } from '@ambit/core';
import type { CounterRow, Rows } from '../apply.ts';
import { GRACE } from '../budgets.ts';
import { sequenceWindow } from '../replay.ts';
import { Nonces } from './nonces.ts';
import { rowKey } from './schema.ts';
import type { Connection, Statement } from './binding.ts';

interface Held {
  row: CounterRow;
  readonly root: string | null;
  dirty: boolean;
  /** Not in the table yet: written at the end of the transaction. */
  readonly created: boolean;
}

interface HeldWindow {
  readonly window: SequenceWindow;
  readonly expires: number;
  dirty: boolean;
}

/** Expired rows dropped in one transaction at most: a little more than a group adds. */
const SWEEP_ROWS = 1024;
/** Seconds between sweeps. */
const SWEEP_EVERY = 5;

/** SQLite gives columns in order under `raw()`; each statement below names its own row type. */
type Raw<T> = T | undefined;

export class SqliteRows implements Rows {
  sweptTo = 0;
  floor = 0;
  readonly rowsPerToken: number;
  /** The highest time this process was given. */
  #now = 0;
  #sweeping = false;
  readonly #nonces: Nonces;
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
  readonly #meta: Statement;
  readonly #setSwept: Statement;
  readonly #sweeps: readonly Statement[];

  readonly #clock: () => number;

  constructor(db: Connection, rowsPerToken: number, clockSeconds: () => number) {
    this.#clock = clockSeconds;
    this.rowsPerToken = rowsPerToken;
    this.#nonces = new Nonces(db);
    this.#counter = db.prepare('select start, used, expires, root from counters where id = ?');
    this.#put = db.prepare(
      'insert into counters(id, start, used, expires, root) values (?, ?, ?, ?, ?) on conflict(id) do update set' +
        ' start = excluded.start, used = excluded.used, expires = excluded.expires',
    );
    this.#claim = db.prepare('insert or ignore into claims(id, expires, root) values (?, ?, ?)');
    this.#unclaim = db.prepare('delete from claims where id = ?');
    this.#rowsOf = db.prepare(
      'select (select count(*) from counters where root = ?1) + (select count(*) from claims where root = ?1)',
    );
    this.#window = db.prepare('select highest, bits, expires from windows where id = ?');
    this.#putWindow = db.prepare(
      'insert into windows values (?, ?, ?, ?) on conflict(id) do update set' +
        ' highest = excluded.highest, bits = excluded.bits',
    );
    this.#meta = db.prepare(
      "select (select value from meta where key = 'swept'), (select value from meta where key = 'floor')",
    );
    this.#setSwept = db.prepare(
      "insert into meta values ('swept', ?) on conflict(key) do update set value = excluded.value",
    );
    const dead = (table: string, key: string): string =>
      `delete from ${table} where ${key} in (select ${key} from ${table} where expires <= ? limit ${SWEEP_ROWS})`;
    this.#sweeps = [
      db.prepare(dead('claims', 'id')),
      db.prepare(dead('counters', 'id')),
      db.prepare(dead('nonces', 'seq')),
      db.prepare(dead('windows', 'id')),
      db.prepare(dead('revocations', 'seq')),
      db.prepare('delete from sessions where expires <= ?'),
    ];
  }

  /** Notes the time a caller gave: rows are dropped by it only as far as this process's own clock has come. */
  at(now: number): void {
    if (now > this.#now) this.#now = now;
  }

  /** First in a transaction: forgets what the last one knew. */
  begin(): void {
    this.#held.clear();
    this.#windows.clear();
    this.#count.clear();
    const [swept, floor] = this.#meta.get() as [string | null, string | null];
    this.sweptTo = Number(swept);
    this.floor = Number(floor);
    this.#nonces.begin();
  }

  /** After the commit. */
  committed(): void {
    this.#nonces.committed();
  }

  /** Last in a transaction: writes the counters, and drops some of what expired. */
  end(): void {
    for (const [id, { row, root, dirty }] of this.#held) {
      if (dirty) this.#put.run(id, row.start, row.used, row.expires, root);
    }
    for (const [id, { window, expires, dirty }] of this.#windows) {
      if (dirty) this.#putWindow.run(id, window.highest, window.bits, expires);
    }
    this.#nonces.end();
    const to = Math.min(this.#now, this.#clock()) - GRACE;
    if (!this.#sweeping && to < this.sweptTo + SWEEP_EVERY) return;
    if (to > this.sweptTo) this.#setSwept.run(String(to));
    this.#nonces.forget(Math.max(to, this.sweptTo));
    this.#sweeping = false;
    for (const sweep of this.#sweeps) {
      if (sweep.run(Math.max(to, this.sweptTo)).changes >= SWEEP_ROWS) this.#sweeping = true;
    }
  }

  #hold(id: string): Held | undefined {
    const key = rowKey(id);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const found = this.#counter.get(key) as Raw<[number, number, number, string | null]>;
    if (found === undefined) return undefined;
    const fresh: Held = {
      row: { start: found[0], used: found[1], expires: found[2] },
      root: found[3],
      dirty: false,
      created: false,
    };
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
    const found = this.#window.get(id) as Raw<[number, Uint8Array, number]>;
    if (found === undefined) return undefined;
    const window = sequenceWindow({ highest: found[0], bits: new Uint8Array(found[1]) });
    const fresh: HeldWindow = { window, expires: found[2], dirty: false };
    this.#windows.set(id, fresh);
    return fresh;
  }

  advance({ session, sequence, expires }: SequenceClaim): boolean {
    const known = this.#holdWindow(session);
    const held = known ?? { window: sequenceWindow(), expires, dirty: true };
    if (held.window.claim(sequence) !== 'ok') return false;
    if (known === undefined) this.#windows.set(session, held);
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
    return this.#claim.run(rowKey(id), expires, owner).changes > 0;
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
