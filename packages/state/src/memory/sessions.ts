// Sessions in memory, in the order in which they were opened.
import { AmbitError } from '@ambit/core';
import { GRACE, checkNow } from '../budgets.ts';
import type { RevocationInput } from '../revocations.ts';
import { SESSIONS_A_PAGE, cursorError, judge, newSession, type Session, type Sessions } from '../sessions.ts';
import type { MemoryRows } from './rows.ts';

const keyOf = (issuer: string, id: string): string => `${issuer}\0${id}`;

/** `revoke` adds to the revocation list at once; `limit` is the most rows of all kinds. */
export function sessionsIn(
  rows: MemoryRows,
  limit: number,
  revoke: (input: RevocationInput, now: number) => unknown,
  clock: () => number,
): Sessions {
  let opened = 0;
  const find = (issuer: string, id: string): Session | null =>
    rows.sessions.get(keyOf(issuer, id))?.session ?? null;
  return {
    open: async (input, now) => {
      const session = newSession(input, now);
      const key = keyOf(session.issuer, session.id);
      if (rows.sessions.has(key))
        throw new AmbitError('input_invalid', 'A session with this id was opened before.');
      if (rows.size >= limit) throw new AmbitError('store_full');
      rows.sessions.set(key, { session, number: ++opened });
      rows.added({ kind: 'session', id: key, root: null }, session.expires);
      return session;
    },
    check: (issuer, id, now) => judge(find(issuer, id), now),
    close: async (issuer, id, reason, now) => {
      const held = rows.sessions.get(keyOf(issuer, id));
      if (held === undefined) throw new AmbitError('session_not_found');
      const { session } = held;
      if (session.closed !== null) return session;
      revoke({ kind: 'session', issuer, value: id, reason, expires: session.expires }, now);
      const closed = Object.freeze({ ...session, closed: now, reason });
      rows.sessions.set(keyOf(issuer, id), { ...held, session: closed });
      return closed;
    },
    get: async (issuer, id) => find(issuer, id),
    list: async () => {
      // Those that have ended come last: they hide none that is open, and are there for who looks at a time that was.
      const ended = ({ expires }: Session): number => Number(expires <= clock() - GRACE);
      const all = Array.from(rows.sessions.values(), ({ session }) => session);
      return all.sort((a, b) => ended(a) - ended(b) || b.opened - a.opened).slice(0, 1000);
    },
    page: async (cursor, now) => {
      checkNow(now);
      if (cursor !== null && !(typeof cursor === 'string' && /^\d+$/.test(cursor))) throw cursorError();
      const sessions: Session[] = [];
      for (const { session, number } of rows.sessions.values()) {
        if (number <= Number(cursor) || !judge(session, now).ok) continue;
        sessions.push(session);
        if (sessions.length === SESSIONS_A_PAGE) return { sessions, cursor: String(number) };
      }
      return { sessions, cursor: null };
    },
  };
}
