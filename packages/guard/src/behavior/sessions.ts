// The sessions that a guard follows: for each its information flow, and the calls that a person approved. Their number
// is bounded; one that was pushed out, or whose beginning was not seen, starts tainted (law L2): what it was told
// before is not known, so nothing that is missing there counts as harmless.
import { FlowTracker } from '@ambit/behavior';
import { toBase64url, type Call } from '@ambit/core';

/** What stands for content that came in where this guard could not see it. */
export const UNSEEN = 'what was not seen here';
const APPROVALS = 64;
/** So many sessions are remembered as pushed out, for each that is followed. */
const FORGOTTEN = 16;

/** A session's key in tables and events. */
export const keyOf = ({ issuer, session }: { readonly issuer: string; readonly session: string }): string =>
  JSON.stringify([issuer, session]);

/** A call's key among approvals: tool and arguments. */
const callKey = (call: Call): string => `${call.tool} ${toBase64url(call.args.digest())}`;

/** One session. */
export class Followed {
  #flow: FlowTracker | null = null;
  /** Whether the program said that it begins here. */
  begun = false;
  /** Guards that took part when this one joined; null before. */
  guards: number | null = null;
  /** While this guard joins. */
  joining: Promise<void> | null = null;
  readonly #approved = new Set<string>();

  // Made when it is needed: most sessions ask for no flow, and it holds 26 KB.
  get flow(): FlowTracker {
    return (this.#flow ??= new FlowTracker());
  }

  /** Content may have come in that was not seen here. */
  get tainted(): boolean {
    return this.#flow?.unseen === true;
  }

  taint(): void {
    this.flow.taint(UNSEEN);
  }

  /** A person approved this very call, once. */
  approve(call: Call): void {
    if (this.#approved.size < APPROVALS) this.#approved.add(callKey(call));
  }

  /** Uses up the approval of this very call; false when there is none. */
  useApproval(call: Call): boolean {
    return this.#approved.size > 0 && this.#approved.delete(callKey(call));
  }
}

/** The sessions followed at once; the one unused longest goes first. */
export class FollowedSessions {
  readonly #followed = new Map<string, Followed>();
  readonly #forgotten = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    if (!(most > 0)) throw new RangeError('maxSessions: expected a number above 0');
    this.#most = most;
  }

  get(key: string): Followed | undefined {
    return this.#followed.get(key);
  }

  /** The session, followed from now on if it was not. */
  of(key: string): Followed {
    let found = this.#followed.get(key);
    if (found === undefined) {
      found = new Followed();
      // Begun again by name it would be clean, and what came in would be laundered.
      if (this.#forgotten.delete(key)) found.taint();
    } else this.#followed.delete(key);
    this.#followed.set(key, found);
    if (this.#followed.size > this.#most) this.#forget();
    return found;
  }

  /** The session ended. */
  delete(key: string): void {
    this.#followed.delete(key);
    this.#forgotten.delete(key);
  }

  #forget(): void {
    const [oldest] = this.#followed.keys();
    this.#followed.delete(oldest!);
    this.#forgotten.add(oldest!);
    const [first] = this.#forgotten;
    if (this.#forgotten.size > FORGOTTEN * this.#most) this.#forgotten.delete(first!);
  }
}
