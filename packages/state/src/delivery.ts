// When an acceptance is given. A decision is worth what was known when it was made, and the calls that are decided
// in one turn of the event loop are many: by the time the last of a thousand is told, what was asked for the first
// is old, and older still on a machine whose processor others want too. So acceptances are given one after the
// other, the next after the caller of the one before has run, and each on a look at the revocation list of its own.
//
// Where asking reads the list itself (memory, SQLite) they follow each other at once. Where the list is pushed, being
// told needs the event loop: a turn gives acceptances for a few milliseconds, then lets the loop read its sockets,
// and waits for what it was told of to be read.
/** Milliseconds of one turn in which acceptances are given on what the turn before has heard. */
const TURN = 5;
/** Steps of promises between an acceptance and the code of its caller, about. */
const DEPTH = 4;

/** A turn of the event loop: timers and sockets are served. */
const loop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Delivery {
  readonly #unread: (() => Promise<void> | null) | null;
  #waiting: (() => void)[] = [];
  #running = false;

  /** `unread`: where the list is pushed, as of `Revocations`. */
  constructor(unread: (() => Promise<void> | null) | null) {
    this.#unread = unread;
  }

  /** Resolves when this call may look at the list for the last time, and be answered. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#running) return;
      this.#running = true;
      void (this.#unread === null ? this.#atOnce() : this.#inTurns(this.#unread));
    });
  }

  async #atOnce(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#give(Infinity);
    this.#running = false;
  }

  async #inTurns(unread: () => Promise<void> | null): Promise<void> {
    // The first may be the end of the turn that we are in, before any socket is read again.
    await loop();
    while (this.#waiting.length > 0) {
      await loop();
      await unread();
      await this.#give(performance.now() + TURN);
    }
    this.#running = false;
  }

  /** Gives acceptances until `end`, one at least. */
  async #give(end: number): Promise<void> {
    const all = this.#waiting;
    this.#waiting = [];
    let at = 0;
    do {
      all[at++]!();
      for (let step = 0; step < DEPTH; step++) await Promise.resolve();
    } while (at < all.length && performance.now() < end);
    if (at < all.length) this.#waiting = all.slice(at).concat(this.#waiting);
  }
}
