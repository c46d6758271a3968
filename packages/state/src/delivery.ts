// When an acceptance is given. A decision is worth what was known when it was made, and the calls that are decided
// in one turn of the event loop are many: by the time the last of a thousand is told, what was asked for the first
// is old. So acceptances are given in slices, and each call asks the revocation list again when its slice comes.
//
// Where asking reads the list itself (memory, SQLite) the slices follow each other at once, each after the callers
// of the one before have run. Where the list is pushed, being told needs the event loop: a turn gives
// acceptances for a few milliseconds, lets the loop read its sockets, and waits for what it was told of to be read.
/** Acceptances that are given on the same look. */
export const SLICE = 16;
/** Milliseconds of one turn in which acceptances are given on what the turn before has heard. */
const TURN = 5;
/** Steps of promises between a slice and the code of its callers, about. */
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
    while (this.#waiting.length > 0) await this.#slices(Infinity);
    this.#running = false;
  }

  async #inTurns(unread: () => Promise<void> | null): Promise<void> {
    // The first may be the end of the turn that we are in, before any socket is read again.
    await loop();
    while (this.#waiting.length > 0) {
      await loop();
      await unread();
      await this.#slices(performance.now() + TURN);
    }
    this.#running = false;
  }

  /** Gives slices until `end`, one at least. */
  async #slices(end: number): Promise<void> {
    const all = this.#waiting;
    this.#waiting = [];
    let at = 0;
    do {
      for (const resolve of all.slice(at, at + SLICE)) resolve();
      at += SLICE;
      for (let step = 0; step < DEPTH; step++) await Promise.resolve();
    } while (at < all.length && performance.now() < end);
    if (at < all.length) this.#waiting = all.slice(at).concat(this.#waiting);
  }
}
