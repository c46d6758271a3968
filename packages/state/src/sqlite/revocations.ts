// Revocations in the file. Every question first asks the file for its highest sequence number (one point read a
// turn of the event loop, about 5 us), so that a command in another process is obeyed at the very next use; nothing
// is polled for it. The list itself is not loaded, however long: entries that were there when this process began
// are looked up by name in an index, once for each token, and only what was added since is held in memory. A
// watcher polls, because it wants to be told. A number that went down means an older copy of the file: every
// question is then answered `revocations_stale`.
import { AmbitError } from '@ambit/core';
import { checkNow } from '../budgets.ts';
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
  const columns = 'kind, issuer, value, reason, time, expires, sum';
  const highest = db.prepare("select seq from sqlite_sequence where name = 'revocations'");
  const after = db.prepare(
    `select seq, ${columns} from revocations where seq > ? order by seq limit ${PAGE}`,
  );
  const named = db.prepare(
    `select seq, ${columns} from revocations where value = ? and kind = ? and issuer is ? and seq <= ?
     order by expires is not null, expires desc limit 1`,
  );
  const put = db.prepare(
    'insert into revocations(kind, issuer, value, reason, time, expires, sum) values (?, ?, ?, ?, ?, ?, ?)',
  );
  const listeners = new Set<(entry: Revocation) => void>();
  const top = (): number => ((highest.get() as [number] | undefined) ?? [0])[0];
  /** What is looked up in the file, up to this number; and what was found for each token. */
  let base = -1;
  let found = new WeakMap<RevocationSubject, { readonly entry: Revocation | null }>();
  let recent = new RevocationView();
  let seen = 0;
  let timer: NodeJS.Timeout | null = null;

  const rebase = (at: number): void => {
    base = seen = at;
    found = new WeakMap();
    recent = new RevocationView();
  };
  /** Brings what is held up to the file. False when the file went back in time. */
  const refresh = (): boolean => {
    const now = top();
    if (base < 0) rebase(now);
    if (now === seen) return true;
    if (now < seen) return false;
    let taken = 0;
    for (let page = PAGE; page === PAGE; taken += page) {
      const rows = after.all(seen) as Value[][];
      page = rows.length;
      for (const entry of recent.take(rows.map(fromRow)))
        for (const listener of [...listeners]) listener(entry);
      seen = Number(rows.at(-1)?.[0] ?? now);
    }
    if (recent.size > HELD) rebase(seen);
    return true;
  };
  const lookUp = (subject: RevocationSubject): Revocation | null => {
    let known = found.get(subject);
    if (known === undefined) {
      known = { entry: null };
      for (const [kind, issuer, value] of namesOf(subject)) {
        const row = named.get(value, kind, issuer ?? null, base) as Value[] | undefined;
        if (row !== undefined) known = { entry: fromRow(row) };
        if (known.entry !== null) break;
      }
      found.set(subject, known);
    }
    return known.entry;
  };
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
      try {
        turn.look();
        const entries = (after.all(cursor) as Value[][]).map(fromRow);
        return { entries, cursor: entries.at(-1)?.seq ?? cursor };
      } catch (error) {
        throw new AmbitError(faultOf(error), undefined, { cause: error });
      }
    },
    watch: (listener) => {
      listeners.add(listener);
      const look = (): void => {
        try {
          refresh();
        } catch {
          // The next use says so.
        }
      };
      look();
      timer ??= setInterval(look, POLL).unref();
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0 || timer === null) return;
        clearInterval(timer);
        timer = null;
      };
    },
    isRevoked: (subject): RevocationAnswer => {
      try {
        if (!turn.once('revocations', refresh)) return { ok: false, code: 'revocations_stale' };
        const entry = recent.find(subject) ?? lookUp(subject);
        return entry === null ? { ok: true } : { ok: false, code: 'revoked', entry };
      } catch (error) {
        return { ok: false, code: faultOf(error) };
      }
    },
  };
  return { revocations, insert, stop: () => clearInterval(timer ?? undefined) };
}
