// Revocations in the file. Every question first asks the file for its highest sequence number (one point read
// a turn of the event loop, about 5 us), so that a command in another process is obeyed at the very next use; nothing is polled for it.
// A watcher polls, because it must notice changes. A number that went down means an older copy of the file: every
// question is then answered `revocations_stale`.
import { AmbitError } from '@ambit/core';
import { GRACE, checkNow } from '../budgets.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationAnswer,
  type RevocationInput,
  type RevocationKind,
  type Revocations,
} from '../revocations.ts';
import { faultOf, type Connection } from './binding.ts';
import type { Turn } from './turn.ts';
import type { Writer } from './writer.ts';

/** Milliseconds between a watcher's looks. */
const POLL = 25;
const PAGE = 1000;

type Row = [number, RevocationKind, string | null, string, string, number, number | null];

const toEntry = ([seq, kind, issuer, value, reason, time, expires]: Row): Revocation =>
  Object.freeze({
    seq,
    kind,
    ...(issuer === null ? {} : { issuer }),
    value,
    reason,
    time,
    ...(expires === null ? {} : { expires }),
  });

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
  const highest = db.prepare("select seq from sqlite_sequence where name = 'revocations'");
  const after = db.prepare(
    `select seq, kind, issuer, value, reason, time, expires from revocations where seq > ? order by seq limit ${PAGE}`,
  );
  const put = db.prepare(
    'insert into revocations(kind, issuer, value, reason, time, expires) values (?, ?, ?, ?, ?, ?)',
  );
  const view = new RevocationView();
  const listeners = new Set<(entry: Revocation) => void>();
  let seen = 0;
  let timer: NodeJS.Timeout | null = null;
  let dropped = 0;

  /** Brings the view up to the file. False when the file went back in time. */
  const refresh = (): boolean => {
    const [top] = (highest.get() as [number] | undefined) ?? [0];
    if (top === seen) return true;
    if (top < seen) return false;
    for (let page = PAGE; page === PAGE;) {
      const rows = after.all(seen) as Row[];
      page = rows.length;
      for (const entry of view.take(rows.map(toEntry)))
        for (const listener of [...listeners]) listener(entry);
      seen = rows.at(-1)?.[0] ?? top;
    }
    return true;
  };
  const insert = (input: RevocationInput, now: number): Revocation => {
    const { kind, issuer, value, reason, expires } = checkRevocation(input);
    turn.end();
    const { lastInsertRowid } = put.run(kind, issuer ?? null, value, reason, now, expires ?? null);
    return toEntry([Number(lastInsertRowid), kind, issuer ?? null, value, reason, now, expires ?? null]);
  };
  const revocations: Revocations = {
    add: async (input, now) => {
      checkRevocation(input);
      checkNow(now);
      const entry = await writer.submit(() => insert(input, now));
      turn.end();
      if (now > dropped + GRACE) view.drop((dropped = now) - GRACE);
      return entry;
    },
    since: async (cursor) => {
      try {
        turn.look();
        const entries = (after.all(cursor) as Row[]).map(toEntry);
        return { entries, cursor: entries.at(-1)?.seq ?? cursor };
      } catch (error) {
        throw new AmbitError(faultOf(error), undefined, { cause: error });
      }
    },
    watch: (listener) => {
      listeners.add(listener);
      timer ??= setInterval(() => {
        try {
          refresh();
        } catch {
          // The next use says so.
        }
      }, POLL).unref();
      return () => void listeners.delete(listener);
    },
    isRevoked: (subject): RevocationAnswer => {
      try {
        if (!turn.once('revocations', refresh)) return { ok: false, code: 'revocations_stale' };
      } catch (error) {
        return { ok: false, code: faultOf(error) };
      }
      const entry = view.find(subject);
      return entry === null ? { ok: true } : { ok: false, code: 'revoked', entry };
    },
  };
  return { revocations, insert, stop: () => clearInterval(timer ?? undefined) };
}
