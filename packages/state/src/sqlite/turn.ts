// What was read from the file during one turn of the event loop: 200 calls that are decided in the same turn ask
// the same two questions (is the list the same, is the session open), and one look answers them all. Answers are
// as old as the turn, a few milliseconds; a write by this process ends the turn at once.

export class Turn {
  readonly #answers = new Map<string, unknown>();
  #scheduled = false;
  readonly #end = (): void => {
    this.#scheduled = false;
    this.#answers.clear();
  };

  /** The answer to `question`, read at most once a turn. */
  once<T>(question: string, read: () => T): T {
    if (this.#answers.has(question)) return this.#answers.get(question) as T;
    const answer = read();
    this.#answers.set(question, answer);
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#end);
    }
    return answer;
  }

  /** Forgets: this process has written. */
  end(): void {
    this.#answers.clear();
  }
}
