// Sessions (the third identity layer): a token minted in a session is good while the session is open. A closed,
// expired or unknown session denies, and closing one also puts it on the revocation list, in the same step, so
// that reaches every verifier. A session must not be opened for less long than the tokens minted in it live.
import { AmbitError, type DenialCode } from '@ambit/core';
import type { FaultCode } from './budgets.ts';
import { checkNow } from './budgets.ts';

/** One session. Times are Unix seconds. */
export interface Session {
  readonly issuer: string;
  readonly id: string;
  readonly operator: string;
  /** Null for an agent that acts for no user. */
  readonly user: string | null;
  readonly opened: number;
  readonly expires: number;
  /** When it was closed, or null. */
  readonly closed: number | null;
  /** Why it was closed. */
  readonly reason: string | null;
}

/** What is needed to open one. */
export interface SessionInput {
  readonly issuer: string;
  readonly id: string;
  readonly operator: string;
  readonly user?: string;
  readonly expires: number;
}

/** Open, or the code that says why not. */
export type SessionAnswer =
  | { readonly ok: true; readonly session: Session }
  | {
      readonly ok: false;
      readonly code: FaultCode | Extract<DenialCode, 'session_closed' | 'session_not_found'>;
    };

/** A part of the open sessions. It may be empty and not the last: `cursor` is null at the end. */
export interface SessionPage {
  readonly sessions: readonly Session[];
  /** For the next part; it means something to the same store alone. */
  readonly cursor: string | null;
}

/** Sessions in one page at most. */
export const SESSIONS_A_PAGE = 1000;

/** `open`, `close`, `list` and `page` reject with AmbitError; `check` answers with a value. */
export interface Sessions {
  /** Opens a session; AmbitError `input_invalid` when the id is taken: ids are not reused. */
  open(input: SessionInput, now: number): Promise<Session>;
  /** Whether the session is open at `now`; asked at every use of a token that names one. */
  check(issuer: string, id: string, now: number): SessionAnswer | Promise<SessionAnswer>;
  /** Closes it for good and revokes it; AmbitError `session_not_found`. Closing twice keeps the first reason. */
  close(issuer: string, id: string, reason: string, now: number): Promise<Session>;
  /** The session as it was written, or null. */
  get(issuer: string, id: string): Promise<Session | null>;
  /** All that have not expired long ago, newest first, at most 1000. */
  list(): Promise<readonly Session[]>;
  /**
   * Those that are open at `now` (Unix seconds), each once, in an order of the store's own, at most 1000; repeat with
   * the cursor returned until it is null. Start with null. What is opened or closed meanwhile may be missing.
   */
  page(cursor: string | null, now: number): Promise<SessionPage>;
}

/** All sessions that are open at `now`, Unix seconds, with a page of them in memory. Rejects with AmbitError. */
export async function* openSessions(sessions: Pick<Sessions, 'page'>, now: number): AsyncGenerator<Session> {
  for (let cursor: string | null = null; ;) {
    const page: SessionPage = await sessions.page(cursor, now);
    yield* page.sessions;
    if (page.cursor === null) return;
    ({ cursor } = page);
  }
}

// As the names of revocations, which closing a session makes of it.
const NAME = /^[^\u0000-\u001f\u007f\ud800-\udfff]{1,256}$/u;

/** The session as opened; AmbitError `input_invalid` for names or times that cannot be. */
export function newSession(input: SessionInput, now: number): Session {
  checkNow(now);
  const { issuer, id, operator, user, expires } = input;
  for (const name of [issuer, id, operator, user ?? 'none'])
    if (typeof name !== 'string' || !NAME.test(name))
      throw new AmbitError('input_invalid', 'Session names: expected 1 to 256 printable characters.');
  if (!Number.isSafeInteger(expires) || expires <= now || expires > 1e11)
    throw new AmbitError('input_invalid', 'Session expiry: expected Unix seconds in the future.');
  return Object.freeze({
    issuer,
    id,
    operator,
    user: user ?? null,
    opened: now,
    expires,
    closed: null,
    reason: null,
  });
}

/** The session after which a page begins, where they are ordered by issuer and id; the first of all for null. */
export function placeOf(cursor: string | null, now: number): readonly [issuer: string, id: string] {
  checkNow(now);
  if (cursor !== null && typeof cursor !== 'string') throw cursorError();
  const [issuer, id, ...more] = cursor === null ? ['', ''] : cursor.split('\0');
  if (issuer === undefined || id === undefined || more.length > 0) throw cursorError();
  return [issuer, id];
}

/** The page that ends with the last of these, where they are ordered by issuer and id. */
export function pageOf(sessions: readonly Session[]): SessionPage {
  const last = sessions[SESSIONS_A_PAGE - 1];
  return { sessions, cursor: last === undefined ? null : `${last.issuer}\0${last.id}` };
}

/** For a cursor that no page has returned. */
export const cursorError = (): TypeError =>
  new TypeError('cursor: expected null, or what a page of this store returned');

/** The decision about a session as found. */
export function judge(session: Session | null, now: number): SessionAnswer {
  if (session === null) return { ok: false, code: 'session_not_found' };
  if (session.closed !== null || session.expires <= now) return { ok: false, code: 'session_closed' };
  return { ok: true, session };
}
