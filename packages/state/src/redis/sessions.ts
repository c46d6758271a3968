// Sessions in Redis: a hash each, an index by opening and one by end. Those known to be open are remembered, and
// closing one arrives as a revocation.
import { AmbitError } from '@ambit/core';
import { checkNow } from '../budgets.ts';
import type { HeardList } from '../heard.ts';
import { Remembered } from '../remembered.ts';
import { checkRevocation, type RevocationInput } from '../revocations.ts';
import { SESSIONS_A_PAGE, cursorError, newSession, type Session, type Sessions } from '../sessions.ts';
import { fenceFaultOf } from './fence.ts';
import { LIST_KEYS } from './list-scripts.ts';
import { SESSION, SESSIONS, SESSIONS_OPEN } from './scripts.ts';
import { asked, type Step } from './step.ts';

interface Deed {
  readonly session?: string;
  readonly time?: number;
  readonly expires?: number;
  readonly reason?: string;
  readonly entry?: string;
}

/** What `SESSION` does to one session; resolves to what it answers, without the first word if it is `ok`. */
const stepOf =
  (run: Step, channel: string) =>
  async (what: string, issuer: string, id: string, deed: Deed = {}): Promise<readonly unknown[]> => {
    const { session = '', time = '', expires = '', reason = '', entry = '' } = deed;
    const keys = [...LIST_KEYS, `s:${issuer}\0${id}`, 'sessions', 'sessionends'];
    const args = [what, session, time, expires, reason, entry, channel];
    const answer = await run('session', SESSION, keys, args);
    return answer[0] === 'ok' ? answer.slice(1) : answer;
  };

export function redisSessions(run: Step, list: HeardList, channel: string): Sessions {
  const open = new Remembered(list);
  const step = stepOf(asked(run), channel);
  const unguarded = stepOf(run, channel);
  const get = async (issuer: string, id: string): Promise<Session | null> =>
    toSession(await unguarded('get', issuer, id));
  return {
    open: async (input, now) => {
      const s = newSession(input, now);
      const deed = { session: JSON.stringify(s), time: now, expires: s.expires };
      if ((await step('open', s.issuer, s.id, deed))[0] === 'taken')
        throw new AmbitError('input_invalid', 'A session with this id was opened before.');
      return s;
    },
    check: (...question) => open.check(question, get, fenceFaultOf),
    close: async (issuer, id, reason, now) => {
      checkNow(now);
      const found = toSession(await step('get', issuer, id));
      if (found === null) throw new AmbitError('session_not_found');
      const input = checkRevocation({ kind: 'session', issuer, value: id, reason, expires: found.expires });
      const entry = JSON.stringify({ ...input, time: now } satisfies RevocationInput & { time: number });
      open.forget(issuer, id);
      const deed = { time: now, expires: found.expires, reason, entry };
      const closed = toSession(await step('close', issuer, id, deed));
      if (closed === null) throw new AmbitError('session_not_found');
      await list.sync().catch(() => undefined);
      return closed;
    },
    get: async (issuer, id) => toSession(await step('get', issuer, id)),
    list: async () => {
      const [, ...fields] = await asked(run)('sessions', SESSIONS, ['sessions', 'sessionends'], []);
      return toSessions(fields);
    },
    page: async (cursor, now) => {
      checkNow(now);
      const [, end, key] = cursor === null ? ['', '', ''] : (/^(\d+) (.*)$/s.exec(cursor) ?? []);
      if (end === undefined || key === undefined) throw cursorError();
      const args = [now, end, key, SESSIONS_A_PAGE];
      const [, lastEnd, lastKey, ...fields] = await asked(run)('open', SESSIONS_OPEN, ['sessionends'], args);
      return {
        sessions: toSessions(fields),
        cursor: lastEnd === '' ? null : `${String(lastEnd)} ${String(lastKey)}`,
      };
    },
  };
}

/** Sessions whose fields follow each other. */
function toSessions(fields: readonly unknown[]): Session[] {
  const sessions: Session[] = [];
  for (let i = 0; i < fields.length; i += 3) sessions.push(toSession(fields.slice(i, i + 3))!);
  return sessions;
}

/** The three fields of a session's hash. */
function toSession([session, closed, reason]: readonly unknown[]): Session | null {
  if (typeof session !== 'string' || session === '') return null;
  const closedAt = closed === '' ? null : Number(closed);
  return Object.freeze({
    ...(JSON.parse(session) as Session),
    closed: closedAt,
    reason: closedAt === null ? null : String(reason),
  });
}
