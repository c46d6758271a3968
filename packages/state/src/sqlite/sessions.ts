// Sessions in the file. `check` is a point read, made at every use of a token that names a session.
import { AmbitError } from '@ambit/core';
import { GRACE, checkNow } from '../budgets.ts';
import { orFault } from '../faults.ts';
import type { RevocationInput } from '../revocations.ts';
import {
  SESSIONS_A_PAGE,
  judge,
  newSession,
  pageOf,
  placeOf,
  type Session,
  type SessionAnswer,
  type Sessions,
} from '../sessions.ts';
import { faultOf, type Connection, type Value } from './binding.ts';
import { checked, sumOf } from './sums.ts';
import type { Turn } from './turn.ts';
import type { Writer } from './writer.ts';

type Row = [string, string, string, string | null, number, number, number | null, string | null];

const toSession = ([issuer, id, operator, user, opened, expires, closed, reason]: Row): Session =>
  Object.freeze({ issuer, id, operator, user, opened, expires, closed, reason });

const toRow = (s: Session): Row => [
  s.issuer,
  s.id,
  s.operator,
  s.user,
  s.opened,
  s.expires,
  s.closed,
  s.reason,
];

/** `revoke` adds to the revocation list inside the same transaction; `clock` gives this process's own Unix seconds. */
export function sqliteSessions(
  db: Connection,
  writer: Writer,
  turn: Turn,
  revoke: (input: RevocationInput, now: number) => unknown,
  clock: () => number,
): Sessions {
  const columns = 'issuer, id, operator, user, opened, expires, closed, reason';
  const find = db.prepare(`select ${columns}, sum from sessions where issuer = ? and id = ?`);
  // Those that have ended come last: they hide none that is open, and are there for who looks at a time that was.
  const all = db.prepare(
    `select ${columns}, sum from sessions order by expires <= ?, opened desc limit 1000`,
  );
  const page = db.prepare(
    `select ${columns}, sum from sessions where (issuer, id) > (?, ?) and closed is null and expires > ?` +
      ` order by issuer, id limit ${SESSIONS_A_PAGE}`,
  );
  const insert = db.prepare(
    `insert or ignore into sessions(${columns}, sum) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const closed = db.prepare(
    'update sessions set closed = ?, reason = ?, sum = ? where issuer = ? and id = ?',
  );
  const read = (issuer: string, id: string): Session | null => {
    const row = find.get(issuer, id) as Value[] | undefined;
    return row === undefined ? null : toSession(checked(row) as Row);
  };
  const readAll = (rows: readonly unknown[]): Session[] =>
    (rows as readonly Value[][]).map((row) => toSession(checked(row) as Row));
  const check = (issuer: string, id: string, now: number): SessionAnswer => {
    try {
      return judge(
        turn.once(`${issuer}\0${id}`, () => read(issuer, id)),
        now,
      );
    } catch (error) {
      return { ok: false, code: faultOf(error) };
    }
  };
  const guarded = <T>(query: () => T): T =>
    orFault(() => {
      turn.look();
      return query();
    }, faultOf);
  return {
    open: async (input, now) => {
      const s = newSession(input, now);
      const fresh = await writer.submit(() => insert.run(...toRow(s), sumOf(toRow(s))).changes > 0);
      turn.end();
      if (!fresh) throw new AmbitError('input_invalid', 'A session with this id was opened before.');
      return s;
    },
    check,
    close: async (issuer, id, reason, now) => {
      checkNow(now);
      const result = await writer.submit((): Session | null => {
        const session = read(issuer, id);
        if (session === null || session.closed !== null) return session;
        revoke({ kind: 'session', issuer, value: id, reason, expires: session.expires }, now);
        const after = Object.freeze({ ...session, closed: now, reason });
        closed.run(now, reason, sumOf(toRow(after)), issuer, id);
        return after;
      });
      turn.end();
      if (result === null) throw new AmbitError('session_not_found');
      return result;
    },
    get: async (issuer, id) => guarded(() => read(issuer, id)),
    list: async () => guarded(() => readAll(all.all(clock() - GRACE))),
    page: async (cursor, now) => {
      const place = placeOf(cursor, now);
      return guarded(() => pageOf(readAll(page.all(...place, now))));
    },
  };
}
