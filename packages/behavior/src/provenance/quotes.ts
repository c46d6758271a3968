// Free text of the sources that the user named, the last ones only: what may be given on word for word.
import { normaliseText, scalars } from '../scalars.ts';
import type { JsonValue } from '../scalars.ts';

const QUOTES = 4;
const QUOTE_LENGTH = 2048;

/** At most 8 KB of a session's named sources. */
export class Quotes {
  readonly #kept: string[] = [];

  /** Keeps the beginning of a result's texts. */
  keep(value: JsonValue): void {
    let text = '';
    scalars(value, (scalar) => {
      if (typeof scalar === 'string' && text.length < QUOTE_LENGTH)
        text += ` ${scalar.slice(0, QUOTE_LENGTH)}`;
    });
    // Through bytes: a slice would keep the whole result alive.
    const kept = new TextDecoder().decode(
      new TextEncoder().encode(normaliseText(text.slice(0, QUOTE_LENGTH))),
    );
    if (this.#kept.includes(kept)) return;
    this.#kept.push(kept);
    if (this.#kept.length > QUOTES) this.#kept.shift();
  }

  /** Whether the words stand in one of them, whole and in this order. */
  have(text: string): boolean {
    const words = normaliseText(text);
    return words.trim() !== '' && this.#kept.some((quote) => quote.includes(words));
  }
}
