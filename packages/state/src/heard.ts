// The local view of a list of revocations that is pushed: Redis and PostgreSQL. Somebody says that there is
// something new, and the list itself is then read from where this process has got to; the same is done every second
// whether or not anything was said. A message is only a reason to look, because it can be missed, and others may be
// able to send one (finding S20). A list that was not confirmed for too long, went back, or is known to be behind
// denies (`revocations_stale`).
//
// A list of up to 4,096 entries is held. Of a longer one the server is asked by name, once for each token
// (`named.ts`), and what is heard is held from there on: an answer says up to which number of the list it is true, and
// every entry above that number is in the view. When too many are held, the number moves up and all are asked again.
import { checkNow } from './budgets.ts';
import { orFaultLater, type FaultOf } from './faults.ts';
import { HELD, NamedEntries, type Found, type Named } from './named.ts';
import {
  RevocationView,
  checkRevocation,
  type Revocation,
  type RevocationAnswer,
  type RevocationName,
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
  /** The number up to which the list can be asked by name; absent: it can't. */
  readonly named?: number;
  /** To who begins: the list is too long to be held, and can be asked by name up to its last number; no entries then. */
  readonly long?: boolean;
}

export class HeardList {
  readonly #fetch: (cursor: number, first: boolean) => Promise<Part | null>;
  readonly #staleAfter: number;
  readonly #view = new RevocationView();
  readonly #named: NamedEntries | null = null;
  readonly #listeners = new Set<(entry: Revocation) => void>();
  /** When the list was last known to be whole, on the monotonic clock. */
  #confirmed = -Infinity;
  /** The number up to which the list was read without a gap. */
  #read = 0;
  /** The number up to which entries are not held; 0: all are. */
  #base = 0;
  /** What ended at or before this, in Unix seconds, is over. */
  #ended = 0;
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

  /**
   * `fetch` reads the list after a cursor, `first`: for who has not read it whole yet; null: what it found is
   * not to be believed. `staleAfter`: milliseconds.
   * `named` asks it by name; without it the list is held, however long.
   */
  constructor(
    fetch: (cursor: number, first: boolean) => Promise<Part | null>,
    staleAfter: number,
    named: ((names: readonly RevocationName[]) => Promise<Named>) | null = null,
  ) {
    this.#fetch = fetch;
    this.#staleAfter = staleAfter;
    if (named === null) return;
    this.#named = new NamedEntries(async (names) => {
      const { upto, entries } = await named(names);
      return { upto, entries: entries.filter((entry) => !this.#over(entry)) };
    });
  }

  /** Milliseconds since the list was last confirmed. */
  get age(): number {
    return performance.now() - this.#confirmed;
  }

  /** Entries held. */
  get size(): number {
    return this.#view.size;
  }

  /** Whether all of the list is held. */
  get whole(): boolean {
    return this.#base === 0;
  }

  /** Whether what is held can be trusted: confirmed lately, and no message that could not be followed. */
  get fresh(): boolean {
    // Between a reading and the one that follows it there is a moment in which only the next is known.
    const reading = this.#current !== null || this.#next !== null;
    const behind = this.#answered < this.#messages && !reading;
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
    const first = this.#confirmed === -Infinity;
    let found = 0;
    for (;;) {
      const asked = performance.now();
      const part = await this.#fetch(this.#read, first);
      // Numbers that went back: an older copy of the list. What is known stays known, and the list is stale.
      if (part === null || part.last < this.#read) return;
      this.#ended = Math.max(this.#ended, part.ended);
      // Of a list that is mostly over, what has ended is not held even while the rest is read (finding S15).
      const fresh = this.take(part.entries.filter((entry) => !this.#over(entry)));
      if (!first) this.missed += Math.max(0, fresh - this.#since);
      this.#since = 0;
      this.#read = part.entries.at(-1)?.seq ?? part.last;
      found += part.entries.length;
      // Who begins need not read a long list: nobody has been told of a part of it.
      if (first && (part.long === true || found > HELD))
        this.#letGo(Math.max(this.#read, part.named ?? 0), part.named);
      else if (this.#view.size > HELD) this.#letGo(this.#read, part.named);
      if (part.more) continue;
      this.#view.drop(this.#ended);
      this.#confirmed = asked;
      this.#answered = messages;
      return;
    }
  }

  /** From here on what is up to a number is asked by name, if the server can be asked so far. */
  #letGo(upto: number, named = 0): void {
    if (this.#named === null || named < upto) return;
    this.#base = this.#read = upto;
    this.#view.forget(upto);
  }

  #over({ expires = Infinity }: Revocation): boolean {
    return expires <= this.#ended;
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

  /** What the server has said of a token, if it is true of all that is not held. */
  #found(subject: RevocationSubject): Found | null {
    const found = this.#named?.find(subject);
    if (found === undefined || found.upto < this.#base) return null;
    return found.entry !== null && this.#over(found.entry) ? null : found;
  }

  /** As `Revocations.isRevoked`. */
  readonly isRevoked = (subject: RevocationSubject): RevocationAnswer => {
    const found = this.whole ? null : this.#found(subject);
    // An entry that is known counts, however old the list.
    const entry = this.#view.find(subject) ?? found?.entry ?? null;
    if (entry !== null) return { ok: false, code: 'revoked', entry };
    return this.fresh && (this.whole || found !== null)
      ? { ok: true }
      : { ok: false, code: 'revocations_stale' };
  };

  /** As `Revocations.ask`, but rejects when the server does not answer. */
  readonly ask = (subject: RevocationSubject): Promise<RevocationAnswer> | null => {
    // What is stale is not asked: no answer would be believed.
    if (this.whole || this.#found(subject) !== null || !this.fresh || this.#view.find(subject) !== null)
      return null;
    return this.#named!.ask(subject).then(() => this.isRevoked(subject));
  };
}

/** What a server of revocations is asked. Both reject with an error that the back end knows the code of. */
export interface ListServer {
  /** Adds an entry; resolves to its number. */
  add(entry: Omit<Revocation, 'seq'>): Promise<number>;
  /** Entries after a number. */
  since(cursor: number): Promise<readonly Revocation[]>;
}

/**
 * Revocations over a heard list: who adds one holds it at once, and nobody waits for the message. `failed` is told of
 * questions that were not answered.
 */
export const heardRevocations = (
  list: HeardList,
  server: ListServer,
  faultOf: FaultOf,
  failed: (error: unknown) => void,
): Revocations => ({
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
  ask: (subject) =>
    list.ask(subject)?.catch((error: unknown) => {
      failed(error);
      // What was pushed meanwhile counts, whoever may proceed on a fault.
      const heard = list.isRevoked(subject);
      return !heard.ok && heard.code === 'revoked' ? heard : { ok: false, code: faultOf(error) };
    }) ?? null,
  unread: () => list.unread(),
});
