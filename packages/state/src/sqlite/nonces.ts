// Nonces of proofs: many, short-lived, random. A table keyed by them would touch a page of its own for each (60
// us at 200 in flight, measured); so a transaction appends all of its nonces as one row, and whether one was
// used is answered from memory, after reading, under the write lock, what other processes have appended.
import type { Connection, Statement, Value } from './binding.ts';
import { checked, sumOf } from './sums.ts';

/** Seconds of expiry that share one set: dropping a set drops them all at once. */
const GENERATION = 32;
/** Length of a key: the first 22 characters of a digest, 132 bits. */
const KEY = 22;

export class Nonces {
  readonly #after: Statement;
  readonly #append: Statement;
  /** Keys by generation of their expiry. A nonce is looked up in all of them: its expiry is not part of it. */
  readonly #sets = new Map<number, Set<string>>();
  /** The highest row read. */
  #seen = 0;
  /** The row this transaction appended, or 0. */
  #own = 0;
  readonly #taken = new Map<string, number>();

  constructor(db: Connection) {
    this.#after = db.prepare(
      'select seq, expires, ids, sum from nonces where seq > ? order by seq limit 1000',
    );
    this.#append = db.prepare('insert into nonces(expires, ids, sum) values (?, ?, ?)');
  }

  /** Reads what other processes have appended; ids of a transaction that did not commit are given back. */
  begin(): void {
    for (const [key, expires] of this.#taken) this.#sets.get(Math.floor(expires / GENERATION))?.delete(key);
    this.#taken.clear();
    this.#own = 0;
    for (let page = 1000; page === 1000;) {
      const rows = this.#after.all(this.#seen) as [number, ...Value[]][];
      page = rows.length;
      for (const [seq, ...row] of rows) {
        const [expires, ids] = checked(row) as [number, string];
        const set = this.#set(expires);
        for (let at = 0; at < ids.length; at += KEY) set.add(ids.slice(at, at + KEY));
        this.#seen = seq;
      }
    }
  }

  #set(expires: number): Set<string> {
    const generation = Math.floor(expires / GENERATION);
    let set = this.#sets.get(generation);
    if (set === undefined) this.#sets.set(generation, (set = new Set()));
    return set;
  }

  take(key: string, expires: number): boolean {
    for (const set of this.#sets.values()) if (set.has(key)) return false;
    this.#set(expires).add(key);
    this.#taken.set(key, expires);
    return true;
  }

  /** Gives back one that this transaction took. */
  drop(key: string): void {
    const expires = this.#taken.get(key);
    if (expires === undefined) return;
    this.#taken.delete(key);
    this.#sets.get(Math.floor(expires / GENERATION))?.delete(key);
  }

  /** Appends what was taken: one row for each generation, or one for all as a rule. */
  end(): void {
    if (this.#taken.size === 0) return;
    const rows = new Map<number, { expires: number; ids: string }>();
    for (const [key, expires] of this.#taken) {
      const generation = Math.floor(expires / GENERATION);
      const row = rows.get(generation);
      if (row === undefined) rows.set(generation, { expires, ids: key });
      else {
        row.expires = Math.max(row.expires, expires);
        row.ids += key;
      }
    }
    for (const { expires, ids } of rows.values())
      this.#own = Number(this.#append.run(expires, ids, sumOf([expires, ids])).lastInsertRowid);
  }

  committed(): void {
    this.#taken.clear();
    if (this.#own > 0) this.#seen = this.#own;
  }

  /** Nonces held in memory. */
  get size(): number {
    let n = 0;
    for (const set of this.#sets.values()) n += set.size;
    return n;
  }

  /** Drops generations that ended at or before `to` (Unix seconds). */
  forget(to: number): void {
    for (const generation of this.#sets.keys())
      if ((generation + 1) * GENERATION <= to) this.#sets.delete(generation);
  }
}
