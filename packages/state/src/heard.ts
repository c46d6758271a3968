// The local view of a list of revocations that is pushed: Redis and PostgreSQL. Somebody says that there is
// something new, and the list itself is then read from where this process has got to; the same is done every second
// whether or not anything was said. A message is only a reason to look, because it can be missed, and others may be
// able to send one (finding S20). A list that was not confirmed for too long, went back, or is known to be behind
// denies (`revocations_stale`).
import { checkNow } from './budgets.ts';
import { orFaultLater, type FaultOf } from './faults.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationAnswer,
  type RevocationSubject,
  type Revocations,
} from './revocations.ts';

/** A part of the list after a cursor. */
export interface Part {
  /** The highest number of the list. */
  readonly last: number;
  readonly entries: readonly Revocation[];
  /** Whether there may be more entries after these. */
  readonly more: boolean;
  /** What ended at or before this, in Unix seconds, need not be held. */
  readonly ended: number;
}

export class HeardList {
  readonly #fetch: (cursor: number) => Promise<Part | null>;
  readonly #staleAfter: number;
  readonly #view = new RevocationView();
  readonly #listeners = new Set<(entry: Revocation) => void>();
  /** When the list was last known to be whole, on the monotonic clock. */
  #confirmed = -Infinity;
  /** The number up to which the list was read without a gap. */
  #read = 0;
  #current: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  /** Messages so far; how many there were when a reading that succeeded began; and since the last reading. */
  #messages = 0;
  #answered = 0;
  #since = 0;
  /** The reading that the last message asked for. */
  #asked: Promise<void> | null = null;
  /** Entries that a look has found and no message had brought. */
  missed = 0;

  /** `fetch` reads the list after a cursor; null: what it found is not to be believed. `staleAfter`: milliseconds. */
  constructor(fetch: (cursor: number) => Promise<Part | null>, staleAfter: number) {
    this.#fetch = fetch;
    this.#staleAfter = staleAfter;
  }

  /** Milliseconds since the list was last confirmed. */
  get age(): number {
    return performance.now() - this.#confirmed;
  }

  /** Entries held. */
  get size(): number {
    return this.#view.size;
  }

  /** Whether what is held can be trusted: confirmed lately, and no message that could not be followed. */
  get fresh(): boolean {
    const behind = this.#answered < this.#messages && this.#current === null;
    return !behind && this.age <= this.#staleAfter;
  }

  /** Something was said: the list is read. */
  hear(): void {
    this.#messages++;
    this.#since++;
    const asked = this.sync()
      .catch(() => undefined)
      .finally(() => {
        if (this.#asked === asked) this.#asked = null;
      });
    this.#asked = asked;
  }

  /** Resolves when what was said so far has been read, or could not be; null: nothing is outstanding. */
  unread(): Promise<void> | null {
    return this.#asked;
  }

  /** Reads what is new, all of it as of now: a reading under way may have begun too early, so another follows it. */
  sync(): Promise<void> {
    if (this.#current === null) return this.#begin();
    this.#next ??= this.#current
      .catch(() => undefined)
      .then(() => {
        this.#next = null;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const current = this.#catchUp().finally(() => {
      if (this.#current === current) this.#current = null;
    });
    return (this.#current = current);
  }

  async #catchUp(): Promise<void> {
    const messages = this.#messages;
    for (;;) {
      const asked = performance.now();
      const part = await this.#fetch(this.#read);
      // Numbers that went back: an older copy of the list. What is known stays known, and the list is stale.
      if (part === null || part.last < this.#read) return;
      // Of a list that is mostly over, what has ended is not held even while the rest is read (finding S15).
      const fresh = this.take(part.entries.filter(({ expires = Infinity }) => expires > part.ended));
      if (this.#confirmed > 0) this.missed += Math.max(0, fresh - this.#since);
      this.#since = 0;
      this.#read = part.entries.at(-1)?.seq ?? part.last;
      if (part.more) continue;
      this.#view.drop(part.ended);
      this.#confirmed = asked;
      this.#answered = messages;
      return;
    }
  }

  /** Takes entries in; how many were not known. */
  take(entries: readonly Revocation[]): number {
    const fresh = this.#view.take(entries);
    for (const entry of fresh) for (const listener of [...this.#listeners]) listener(entry);
    return fresh.length;
  }

  /** As `Revocations.watch`. */
  readonly watch: Revocations['watch'] = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** As `Revocations.isRevoked`. */
  readonly isRevoked = (subject: RevocationSubject): RevocationAnswer => {
    // An entry that is known counts, however old the list.
    const entry = this.#view.find(subject);
    if (entry !== null) return { ok: false, code: 'revoked', entry };
    return this.fresh ? { ok: true } : { ok: false, code: 'revocations_stale' };
  };
}

/** What a server of revocations is asked. Both reject with an error that the back end knows the code of. */
export interface ListServer {
  /** Adds an entry; resolves to its number. */
  add(entry: Omit<Revocation, 'seq'>): Promise<number>;
  /** Entries after a number. */
  since(cursor: number): Promise<readonly Revocation[]>;
}

/** Revocations over a heard list: who adds one holds it at once, and nobody waits for the message. */
export const heardRevocations = (list: HeardList, server: ListServer, faultOf: FaultOf): Revocations => ({
  add: async (input, now) => {
    const entry = { ...checkRevocation(input), time: now };
    checkNow(now);
    const seq = await orFaultLater(() => server.add(entry), faultOf);
    const added = Object.freeze({ ...entry, seq });
    list.take([added]);
    return added;
  },
  since: async (cursor) => {
    const entries = await orFaultLater(() => server.since(cursor), faultOf);
    return { entries, cursor: entries.at(-1)?.seq ?? cursor };
  },
  watch: list.watch,
  isRevoked: list.isRevoked,
  unread: () => list.unread(),
});
