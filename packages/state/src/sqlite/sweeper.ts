// Drops what has expired, a little in each transaction, and reads a stretch of each table to find rows that
// rotted where nobody asks for them (`sums.ts`).
import type { Connection, Statement, Value } from './binding.ts';
import { COLUMNS, KEYS, type Table } from './schema.ts';
import { checked } from './sums.ts';

/** Expired rows dropped in one transaction at most: a little more than a group adds. */
const SWEEP_ROWS = 1024;
/** Rows of each table read in one sweep. */
const SCRUB_ROWS = 256;
const TABLES = Object.keys(COLUMNS) as Table[];

interface Stretch {
  readonly next: Statement;
  readonly first: Value;
  /** The key after which to go on. */
  after: Value;
}

export class Sweeper {
  readonly #dead: { readonly find: Statement; readonly drop: Statement }[];
  readonly #stretches: Stretch[];

  constructor(db: Connection) {
    const select = (table: Table): string =>
      `select ${KEYS[table]}, ${COLUMNS[table].join(', ')}, sum from ${table}`;
    this.#dead = TABLES.map((table) => ({
      find: db.prepare(`${select(table)} where expires <= ? limit ${SWEEP_ROWS}`),
      drop: db.prepare(`delete from ${table} where ${KEYS[table]} = ?`),
    }));
    this.#stretches = TABLES.map((table) => {
      const first = KEYS[table] === 'id' ? '' : -1;
      const next = db.prepare(
        `${select(table)} where ${KEYS[table]} > ? order by ${KEYS[table]} limit ${SCRUB_ROWS}`,
      );
      return { next, first, after: first };
    });
  }

  /** Drops rows that ended at or before `to`; true when there may be more. AmbitError for a damaged one. */
  sweep(to: number): boolean {
    let more = false;
    for (const { find, drop } of this.#dead) {
      const rows = find.all(to) as Value[][];
      for (const [key, ...row] of rows) {
        checked(row);
        drop.run(key!);
      }
      if (rows.length >= SWEEP_ROWS) more = true;
    }
    return more;
  }

  /** Reads on in each table. AmbitError for a damaged row. */
  scrub(): void {
    for (const stretch of this.#stretches) {
      const rows = stretch.next.all(stretch.after) as Value[][];
      for (const [, ...row] of rows) checked(row);
      stretch.after = rows.length < SCRUB_ROWS ? stretch.first : rows.at(-1)![0]!;
    }
  }
}
