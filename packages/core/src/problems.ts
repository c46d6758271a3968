// What is wrong with the options of a front door, all of it at once: whoever sets something up mends everything in
// one go, instead of one mistake a start.
import { AmbitError } from './codes.ts';
import { nearest } from './nearest.ts';

/** Collects problems; `done` throws them together. */
export class Problems {
  readonly #lines: string[] = [];

  /** How many were noted. */
  get count(): number {
    return this.#lines.length;
  }

  /** Notes what is wrong with a field; no value of it is repeated, for it may be a secret. */
  add(field: string, words: string): void {
    this.#lines.push(`${field}: ${words}`);
  }

  /** Notes every option of `given` that is not among `known`: a misspelled one would silently not apply. */
  unknown(given: object, known: Readonly<Record<string, true>>): void {
    for (const name of Object.keys(given)) {
      if (Object.hasOwn(known, name)) continue;
      const near = nearest(name, Object.keys(known));
      const hint = near === null ? `known: ${Object.keys(known).join(', ')}` : `did you mean ${near}?`;
      this.add(name.slice(0, 64), `no such option; ${hint}`);
    }
  }

  /** What `read` gives; undefined, and its message noted, when it throws an AmbitError or reports misuse. */
  attempt<T>(field: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const misuse = error instanceof AmbitError || error instanceof TypeError || error instanceof RangeError;
      if (!misuse) throw error;
      this.add(field, error.message);
      return undefined;
    }
  }

  /** AmbitError `input_invalid` with every problem on a line of its own; nothing when there is none. */
  done(who: string): void {
    if (this.#lines.length === 0) return;
    throw new AmbitError('input_invalid', `${who}\n${this.#lines.map((line) => `  ${line}`).join('\n')}`);
  }
}

/**
 * The options of a front door, copied once, own properties only: what is absent stays absent, whatever somebody has
 * written to Object.prototype. Everything is absent in what is no object, and `done` says what was expected.
 */
export function ownOptions<T extends object>(given: T): Partial<T> {
  return Object.assign(Object.create(null) as Partial<T>, typeof given === 'object' ? given : null);
}
