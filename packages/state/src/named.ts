// What a list that is too long to be held says of tokens (finding S15): the server is asked by name, once for each
// token, all of its names in one round trip. What waits while a question is under way goes together in the next, so
// that a burst of new tokens is a few questions.
import {
  RevocationView,
  nameKey,
  namesOf,
  type Revocation,
  type RevocationName,
  type RevocationSubject,
} from './revocations.ts';

/** Entries held of a list at most, as on SQLite; one that is longer is asked by name. */
export const HELD = 4096;
/** Names in one question at most, unless one token has more. */
const TOGETHER = 1000;

/** What the server has found. */
export interface Named {
  /** The number up to which it has looked, at least. */
  readonly upto: number;
  /** Of each name that is on the list, the entry that ends last. */
  readonly entries: readonly Revocation[];
}

/** What is known of a token: as of a number of the list. */
export interface Found {
  readonly upto: number;
  readonly entry: Revocation | null;
}

interface Waiting {
  readonly subject: RevocationSubject;
  done(): void;
  fail(error: unknown): void;
}

export class NamedEntries {
  readonly #ask: (names: readonly RevocationName[]) => Promise<Named>;
  readonly #found = new WeakMap<RevocationSubject, Found>();
  #waiting: Waiting[] = [];
  #running = false;

  constructor(ask: (names: readonly RevocationName[]) => Promise<Named>) {
    this.#ask = ask;
  }

  /** What was found last; undefined: it was not asked about. */
  find(subject: RevocationSubject): Found | undefined {
    return this.#found.get(subject);
  }

  /** Asks about a token; rejects when the server does not answer. */
  ask(subject: RevocationSubject): Promise<void> {
    return new Promise((done, fail) => {
      this.#waiting.push({ subject, done, fail });
      if (this.#running) return;
      this.#running = true;
      // After all who ask in this turn.
      queueMicrotask(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { names, asking } = this.#next();
      try {
        const { upto, entries } = await this.#ask(names);
        const view = new RevocationView();
        view.take(entries);
        for (const { subject } of asking) this.#found.set(subject, { upto, entry: view.find(subject) });
        for (const each of asking) each.done();
      } catch (error) {
        // Who waited behind it has waited for this server too.
        for (const each of [...asking, ...this.#waiting.splice(0)]) each.fail(error);
      }
    }
    this.#running = false;
  }

  /** Who goes into one question, one at least. */
  #next(): { readonly names: readonly RevocationName[]; readonly asking: readonly Waiting[] } {
    const names = new Map<string, RevocationName>();
    let count = 0;
    for (const { subject } of this.#waiting) {
      if (names.size >= TOGETHER) break;
      for (const name of namesOf(subject)) names.set(nameKey(name), name);
      count++;
    }
    return { names: [...names.values()], asking: this.#waiting.splice(0, count) };
  }
}
