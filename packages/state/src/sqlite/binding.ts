// The SQLite this package carries, behind the few calls it needs. The binding is @photostructure/sqlite: SQLite
// 3.53.4, its binary inside the registry package, no compiler and no download; chosen by test (README, "The
// binding"). Rows come back as arrays in the order of their columns.
import { DatabaseSync } from '@photostructure/sqlite';
import { AmbitError } from '@ambit/core';
import type { FaultCode } from '../budgets.ts';

/** What a column holds. */
export type Value = string | number | null | Uint8Array;

/** A prepared statement; `values` are bound in order. */
export interface Statement {
  /** The first row, or undefined. */
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
  run(...values: Value[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
}

/** One connection. `close` finalises its statements and gives its descriptors back. */
export class Connection {
  readonly #db: InstanceType<typeof DatabaseSync>;

  constructor(path: string) {
    this.#db = new DatabaseSync(path);
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  prepare(sql: string): Statement {
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  /** The first column of the first row, or undefined. */
  value(sql: string, ...values: Value[]): Value | undefined {
    return (this.prepare(sql).get(...values) as [Value] | undefined)?.[0];
  }

  /** What `read` gives, all of it from one moment of the file: other processes may commit meanwhile. */
  snapshot<T>(read: () => T): T {
    this.#db.exec('begin');
    try {
      return read();
    } finally {
      this.#db.exec('commit');
    }
  }

  get inTransaction(): boolean {
    return this.#db.isOpen && this.#db.isTransaction;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }
}

const [BUSY, LOCKED, CORRUPT, FULL, NOTADB] = [5, 6, 11, 13, 26];

/** SQLite's primary result code; -1 for an error that is not SQLite's. */
function resultCode(error: unknown): number {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : -1;
  return code < 0 ? -1 : code & 0xff;
}

/** Whether another connection holds the lock. */
export const isBusy = (error: unknown): boolean => [BUSY, LOCKED].includes(resultCode(error));

/** What to answer when SQLite has failed. */
export function faultOf(error: unknown): FaultCode {
  if (error instanceof AmbitError && (error.code === 'store_corrupt' || error.code === 'store_full'))
    return error.code;
  const code = resultCode(error);
  if (code === CORRUPT || code === NOTADB) return 'store_corrupt';
  // A number in the file that no Ambit wrote.
  if (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE') return 'store_corrupt';
  return code === FULL ? 'store_full' : 'store_unavailable';
}
