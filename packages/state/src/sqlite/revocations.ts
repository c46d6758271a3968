// Revocations in the file. Every question first asks the file for its highest sequence number (one point read a
// turn of the event loop, about 5 us), so that a command in another process is obeyed at the very next use; nothing
// is polled for it. The list itself is not loaded, however long: entries that were there when this process began
// are looked up by name in an index, once for each token, and only what was added since is held in memory. A
// watcher polls, because it wants to be told. A number that went down means an older copy of the file: every
// question is then answered `revocations_stale`.
import { checkNow } from '../budgets.ts';
import { orFault } from '../faults.ts';
import {
  RevocationView,
  checkRevocation,
  namesOf,
  revocationOf,
  type Revocation,
  type RevocationAnswer,
  type RevocationInput,
  type RevocationRow,
  type Revocations,
  type RevocationSubject,
} from '../revocations.ts';
import { faultOf, type Connection, type Value } from './binding.ts';
import { checked, sumOf } from './sums.ts';
import type { Turn } from './turn.ts';
import type { Writer } from './writer.ts';

/** Milliseconds between a watcher's looks. */
const POLL = 25;
const PAGE = 1000;
/** Entries held in memory at most; then the list is looked up by name up to where it is by then. */
const HELD = 4096;

const fromRow = ([seq, ...row]: Value[]): Revocation =>
  revocationOf(Number(seq), checked(row) as RevocationRow);

const COLUMNS = 'kind, issuer, value, reason, time, expires, sum';

/** What this process holds of the list, and what it finds in the file. */
class Held {
  readonly #highest;
  readonly #after;
  readonly #named;
  readonly #listeners = new Set<(entry: Revocation) => void>();
  /** What is looked up in the file, up to this number; and what was found for each token. */
  #base = -1;
  #found = new WeakMap<RevocationSubject, { readonly entry: Revocation | null }>();
  #recent = new RevocationView();
  #seen = 0;

  constructor(db: Connection) {
    this.#highest = db.prepare("select seq from sqlite_sequence where name = 'revocations'");
    this.#after = db.prepare(
      `select seq, ${COLUMNS} from revocations where seq > ? order by seq limit ${PAGE}`,
    );
    this.#named = db.prepare(
      `select seq, ${COLUMNS} from revocations where value = ? and kind = ? and issuer is ? and seq <= ?
       order by expires is not null, expires desc limit 1`,
    );
  }

  /** Calls `listener` for each entry that a refresh finds; returns what stops it. */
  listen(listener: (entry: Revocation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get heard(): boolean {
    return this.#listeners.size > 0;
  }

  /** A page of the entries after a number. */
  after(seq: number): Revocation[] {
    return (this.#after.all(seq) as Value[][]).map(fromRow);
  }

  /** Brings what is held up to the file. False when the file went back in time. */
  refresh(): boolean {
    const now = ((this.#highest.get() as [number] | undefined) ?? [0])[0];
    if (this.#base < 0) this.#rebase(now);
    if (now === this.#seen) return true;
    if (now < this.#seen) return false;
    for (let page = PAGE; page === PAGE;) {
      const entries = this.after(this.#seen);
      page = entries.length;
      for (const entry of this.#recent.take(entries))
        for (const listener of [...this.#listeners]) listener(entry);
      this.#seen = entries.at(-1)?.seq ?? now;
    }
    if (this.#recent.size > HELD) this.#rebase(this.#seen);
    return true;
  }

  find(subject: RevocationSubject): Revocation | null {
    return this.#recent.find(subject) ?? this.#lookUp(subject);
  }

  #rebase(at: number): void {
    this.#base = this.#seen = at;
    this.#found = new WeakMap();
    this.#recent = new RevocationView();
  }

  #lookUp(subject: RevocationSubject): Revocation | null {
    let known = this.#found.get(subject);
    if (known === undefined) {
      known = { entry: null };
      for (const [kind, issuer, value] of namesOf(subject)) {
        const row = this.#named.get(value, kind, issuer ?? null, this.#base) as Value[] | undefined;
        if (row !== undefined) known = { entry: fromRow(row) };
        if (known.entry !== null) break;
      }
      this.#found.set(subject, known);
    }
    return known.entry;
  }
}

/** The list, and the insertion alone for who is in a transaction already (closing a session). */
export function sqliteRevocations(
  db: Connection,
  writer: Writer,
  turn: Turn,
): {
  revocations: Revocations;
  insert: (input: RevocationInput, now: number) => Revocation;
  stop: () => void;
} {
  const held = new Held(db);
  const put = db.prepare(
    'insert into revocations(kind, issuer, value, reason, time, expires, sum) values (?, ?, ?, ?, ?, ?, ?)',
  );
  const refresh = (): boolean => held.refresh();
  let timer: NodeJS.Timeout | null = null;
  const insert = (input: RevocationInput, now: number): Revocation => {
    const { kind, issuer, value, reason, expires } = checkRevocation(input);
    turn.end();
    const row: RevocationRow = [kind, issuer ?? null, value, reason, now, expires ?? null];
    const { lastInsertRowid } = put.run(...row, sumOf(row));
    return revocationOf(Number(lastInsertRowid), row);
  };
  const revocations: Revocations = {
    add: async (input, now) => {
      checkRevocation(input);
      checkNow(now);
      const entry = await writer.submit(() => insert(input, now));
      turn.end();
      return entry;
    },
    since: async (cursor) => {
      const entries = orFault(() => {
        turn.look();
        return held.after(cursor);
      }, faultOf);
      return { entries, cursor: entries.at(-1)?.seq ?? cursor };
    },
    watch: (listener) => {
      const stop = held.listen(listener);
      const look = (): void => {
        try {
          held.refresh();
        } catch {
          // The next use says so.
        }
      };
      look();
      timer ??= setInterval(look, POLL).unref();
      return () => {
        stop();
        if (held.heard || timer === null) return;
        clearInterval(timer);
        timer = null;
      };
    },
    isRevoked: (subject): RevocationAnswer => {
      try {
        if (!turn.once('revocations', refresh)) return { ok: false, code: 'revocations_stale' };
        const entry = held.find(subject);
        return entry === null ? { ok: true } : { ok: false, code: 'revoked', entry };
      } catch (error) {
        return { ok: false, code: faultOf(error) };
      }
    },
  };
  return { revocations, insert, stop: () => clearInterval(timer ?? undefined) };
}
