// The calls that a service has allowed and that have not ended: what `close` waits for, so that their outcomes are
// written before the log is closed.
import type { Observer } from '../contract.ts';

/** Counts calls by what a guard tells its observers. */
export class Underway implements Observer {
  readonly #records = new Set<number>();
  #empty: (() => void) | null = null;

  decided(...[, , { code, record }]: Parameters<Observer['decided']>): void {
    if (code === 'allowed' && record !== null) this.#records.add(record);
  }

  ingested(): void {}

  ended(...[, , , record]: Parameters<Observer['ended']>): void {
    this.#records.delete(record);
    if (this.#records.size === 0) this.#empty?.();
  }

  /** Resolves when no call is under way, or after `patience` milliseconds. */
  async none(patience: number): Promise<void> {
    if (this.#records.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.#empty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Tells both, in order; what one throws does not keep anything from the other. */
export function both(first: Observer, second: Observer): Observer {
  const tell = (event: (o: Observer) => void): void => {
    try {
      event(first);
    } finally {
      event(second);
    }
  };
  return {
    decided: (...a) => tell((o) => o.decided(...a)),
    ingested: (...a) => tell((o) => o.ingested(...a)),
    ended: (...a) => tell((o) => o.ended(...a)),
  };
}
