// What was read from the file during one turn of the event loop: 200 calls that are decided in the same turn ask
// the same questions (is the file the same, is the list, is the session open), and one look answers them all. A
// turn may be long when there is much to do in it, so an answer is also never older than a bound; and what
// this process writes itself ends the turn at once.
import type { OpenFile } from './file.ts';

/** Milliseconds after which an answer is asked for again: a small part of what a revocation may take. */
const MAX_AGE = 5;

export class Turn {
  readonly #file: OpenFile;
  readonly #answers = new Map<string, unknown>();
  #began = 0;
  #scheduled = false;
  readonly #end = (): void => {
    this.#scheduled = false;
    this.#answers.clear();
  };

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** The answer to `question`, read at most once a turn, from the file as it was opened: else throws AmbitError. */
  once<T>(question: string, read: () => T): T {
    this.look();
    if (this.#answers.has(question)) return this.#answers.get(question) as T;
    const answer = read();
    this.#answers.set(question, answer);
    return answer;
  }

  /** Throws unless the file is still the one that was opened; looks at most once a turn. */
  look(): void {
    const now = performance.now();
    if (this.#answers.has('') && now - this.#began <= MAX_AGE) return;
    this.#answers.clear();
    this.#file.check();
    this.#began = now;
    this.#answers.set('', true);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#end);
  }

  /** Forgets: this process has written. */
  end(): void {
    this.#answers.clear();
  }
}
