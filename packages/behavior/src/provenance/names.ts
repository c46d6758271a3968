// The names of people and things in the user's prompt, and the one address that carries each: "invite Mark" binds
// mark.davies@..., unless a second Mark comes up.
import type { Identifier } from '../identifiers.ts';
import { only } from './sources.ts';

const NAMES = 32;

/** A name in the prompt and the addresses that carry it. */
interface NamedEntity {
  readonly word: string;
  /** Hash of the only candidate, 0 for none, a mark for several; in whole fields, and in named free text. */
  field: number;
  free: number;
}

/** At most 32 names of one session. */
export class PromptNames {
  readonly #names: NamedEntity[] = [];

  /** Learns the capitalized words of a prompt. */
  learn(prompt: string): void {
    for (const match of prompt.matchAll(/\b[A-Z][a-z]{2,30}\b/g)) {
      const word = match[0].toLowerCase();
      if (this.#names.length < NAMES && !this.#names.some((name) => name.word === word)) {
        this.#names.push({ word, field: 0, free: 0 });
      }
    }
  }

  get none(): boolean {
    return this.#names.length === 0;
  }

  /** Whether one of the names is a word of the text. */
  occurIn(text: string): boolean {
    return this.#names.some((name) =>
      text
        .toLowerCase()
        .split(/[^a-z]+/)
        .includes(name.word),
    );
  }

  /** An address has come in; `prose`: in free text of a source that the user named, else in a whole field. */
  meet(identifier: Identifier, hash: number, prose: boolean): void {
    for (const name of this.#names) {
      if (!carries(identifier, name.word)) continue;
      if (prose) name.free = only(name.free, hash);
      else name.field = only(name.field, hash);
    }
  }

  /** Whether the address carries a name, and no other address does. */
  bind(identifier: Identifier, hash: number): boolean {
    for (const name of this.#names) {
      if (!carries(identifier, name.word)) continue;
      if (name.field === hash || (name.field === 0 && name.free === hash)) return true;
    }
    return false;
  }
}

const carries = (identifier: Identifier, word: string): boolean => {
  if (identifier.kind !== 'email') return false;
  const local = identifier.value.slice(0, identifier.value.indexOf('@'));
  return local.split(/[^a-z]+/).includes(word);
};
