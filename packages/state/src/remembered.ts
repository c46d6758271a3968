// Sessions known to be open, so that a call of one need not ask the server. Closing a session revokes it, so it is
// forgotten when its revocation is heard, and none counts while the list could not be heard.
import type { FaultOf } from './faults.ts';
import type { HeardList } from './heard.ts';
import { judge, type Session, type SessionAnswer } from './sessions.ts';

/** Sessions held at most; the one asked for longest ago is dropped first. */
const REMEMBERED = 4096;

const keyOf = (issuer: string, id: string): string => `${issuer}\0${id}`;

export class Remembered {
  readonly #list: HeardList;
  readonly #open = new Map<string, Session>();

  constructor(list: HeardList) {
    this.#list = list;
    list.watch(({ kind, issuer, value }) => {
      if (kind === 'session') this.forget(issuer!, value);
    });
  }

  /** The session if it is known to be open at `now`, Unix seconds. */
  find(issuer: string, id: string, now: number): Session | null {
    const session = this.#open.get(keyOf(issuer, id));
    return session !== undefined && session.expires > now && this.#list.fresh ? session : null;
  }

  /** Whether the session is open at `now`: `get` asks the server where it is not known to be. A fault denies. */
  check(
    [issuer, id, now]: readonly [issuer: string, id: string, now: number],
    get: (issuer: string, id: string) => Promise<Session | null>,
    faultOf: FaultOf,
  ): SessionAnswer | Promise<SessionAnswer> {
    const session = this.find(issuer, id, now);
    return session === null ? this.#ask(get(issuer, id), now, faultOf) : { ok: true, session };
  }

  async #ask(asked: Promise<Session | null>, now: number, faultOf: FaultOf): Promise<SessionAnswer> {
    try {
      const answer = judge(await asked, now);
      // Of a list that has not begun to be heard, closings may be passed over.
      if (answer.ok && this.#list.fresh) this.add(answer.session);
      return answer;
    } catch (error) {
      return { ok: false, code: faultOf(error) };
    }
  }

  add(session: Session): void {
    const key = keyOf(session.issuer, session.id);
    this.#open.delete(key);
    this.#open.set(key, session);
    if (this.#open.size > REMEMBERED) this.#open.delete(this.#open.keys().next().value!);
  }

  forget(issuer: string, id: string): void {
    this.#open.delete(keyOf(issuer, id));
  }
}
