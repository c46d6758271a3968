// Where did this value come from? Every scalar and identifier that enters a session is remembered as a keyed
// 53-bit hash with the ways in which it came: the user's prompt, a trusted result, a whole field of an untrusted
// result, free text of a source that the user named, free text of anything else. Memory is bounded: a table
// of 2,048 slots, 32 named sources, 32 names, 8 KB of the prompt and 8 KB of quotes.
import { amounts, identifiers, normalise } from './identifiers.ts';
import type { Identifier, IdentifierKind } from './identifiers.ts';
import { normaliseText, scalars } from './scalars.ts';
import type { JsonValue } from './scalars.ts';
import { ValueTable } from './value-table.ts';

/** Ways in which a value entered, as bits; 0 means it was never seen (the agent made it up). */
export const ORIGIN: {
  readonly prompt: 1;
  readonly trusted: 2;
  readonly field: 4;
  readonly named: 8;
  readonly free: 16;
  readonly record: 32;
  readonly pointed: 64;
} = Object.freeze({
  /** The user wrote it. */
  prompt: 1,
  /** It came in a result of a tool that the operator trusts. */
  trusted: 2,
  /** It is a whole scalar of an untrusted, structured result: the system that answered put it there. */
  field: 4,
  /** It stands within free text of a source that the user named (a file, a page, a subject). */
  named: 8,
  /** It stands within free text of any other untrusted source. */
  free: 16,
  /** It is a whole scalar of a record of which another whole scalar carries a name from the prompt. */
  record: 32,
  /** Untrusted prose points at a record by this handle. */
  pointed: 64,
});

/** A result on its way in. */
export interface Incoming {
  readonly tool: string;
  /** Arguments of the call that asked for it; a source is named by the user if one of them occurs in the prompt. */
  readonly args: JsonValue;
  readonly value: JsonValue;
  readonly trusted: boolean;
  /** The tool fetches addresses from outside: a link in its text was put there by the author of the page. */
  readonly fetched?: boolean;
}

/** What is known about a value. */
export interface ValueTrace {
  readonly kind: IdentifierKind;
  /** Bits of ORIGIN. */
  readonly origin: number;
  /** The user wrote it. */
  readonly byUser: boolean;
  /** Index of the event with which it first came in; -1 if never. */
  readonly first: number;
  /** It is the only candidate of its kind in a source that the user named. */
  readonly unique: boolean;
  /** An untrusted record holds it under the very name of the parameter: it has played this part before. */
  readonly played: boolean;
  /** Its local part or text carries a name from the prompt, and no other candidate does. */
  readonly bound: boolean;
}

const FIELD_LENGTH = 96;
const PROMPT_LENGTH = 8192;
const SOURCES = 32;
const HANDLE = /\bids?\b[\s:=#'"`]{1,4}([A-Za-z0-9_-]{1,40})/gi;
const NAMES = 32;
const QUOTES = 4;
const QUOTE_LENGTH = 2048;
const SCALARS = 20_000;
const AMBIGUOUS = -1;
/** Name spaces of hashes beside the kinds of identifiers. */
const SPACE = { source: 100, played: 101, amount: 102 } as const;
const KINDS: readonly IdentifierKind[] = [
  'email',
  'url',
  'iban',
  'phone',
  'path',
  'uuid',
  'crypto',
  'number',
  'code',
  'name',
];

/** A person's or thing's name in the prompt and the addresses that carry it. */
interface NamedEntity {
  readonly word: string;
  /** Hash of the only candidate, 0 for none, AMBIGUOUS for several; in whole fields, and in named free text. */
  field: number;
  free: number;
}

/** The provenance of one session. Not shared between sessions; not safe against concurrent use. */
export class Provenance {
  readonly #table: ValueTable;
  #prompt = '';
  #events = 0;
  readonly #names: NamedEntity[] = [];
  /** Free text of the sources that the user named, the last ones only. */
  readonly #quotes: string[] = [];
  readonly #sources: Map<number, Float64Array> = new Map();

  /** `seed`: 32 random bits, so that two values with one hash can't be prepared. */
  constructor(seed: number = crypto.getRandomValues(new Uint32Array(1))[0] ?? 1) {
    this.#table = new ValueTable(seed, ORIGIN.prompt | ORIGIN.trusted);
  }

  /** The user's own words; may come several times in a session. */
  prompt(text: string): void {
    const plain = normaliseText(text.slice(0, PROMPT_LENGTH));
    this.#prompt = `${this.#prompt} ${plain} `.slice(-PROMPT_LENGTH);
    identifiers(text, (identifier) => this.#remember(identifier, ORIGIN.prompt));
    amounts(text, (amount) => this.#table.add(this.#amount(amount), ORIGIN.prompt, this.#events));
    for (const match of text.matchAll(/\b[A-Z][a-z]{2,30}\b/g)) {
      const word = match[0].toLowerCase();
      if (this.#names.length < NAMES && !this.#names.some((name) => name.word === word)) {
        this.#names.push({ word, field: 0, free: 0 });
      }
    }
    this.#events += 1;
  }

  /** Whether the user named the source: one of the arguments' texts (three characters or more) is in the prompt. */
  namesSource(args: JsonValue): boolean {
    let named = false;
    scalars(args, (value) => {
      if (typeof value === 'string' && value.length >= 3 && this.#inPrompt(normalise(value))) named = true;
    });
    return named;
  }

  /** A result comes in. Cost: one pass over its text. */
  result(incoming: Incoming): void {
    const named = !incoming.trusted && this.namesSource(incoming.args);
    const source = named ? this.#source(`${incoming.tool} ${JSON.stringify(incoming.args)}`) : undefined;
    const field = incoming.trusted ? ORIGIN.trusted : ORIGIN.field;
    const free = incoming.trusted ? ORIGIN.trusted : named ? ORIGIN.named : ORIGIN.free;
    if (named) this.#keep(incoming.value);
    this.#records(incoming.value, incoming.trusted, 0);
    let budget = SCALARS;
    scalars(incoming.value, (value, key) => {
      if (budget === 0) return;
      budget -= 1;
      const text = typeof value === 'string' ? value : String(value);
      let whole: string | undefined;
      if (text.length <= FIELD_LENGTH && !text.includes('\n')) {
        const identifier = normalise(text);
        whole = identifier.value;
        this.#learn(identifier, field, source);
        if (key !== '')
          this.#table.add(this.#table.hash(SPACE.played, `${key}\u0000${whole}`), field, this.#events);
      }
      if (named || incoming.trusted || text.length <= 24) {
        amounts(text, (amount) =>
          this.#table.add(this.#amount(amount), text.length <= 24 ? field : free, this.#events),
        );
      }
      if (typeof value === 'string' && text.length > 24 && !incoming.trusted) {
        // "the file with the id '13'": prose that points at a record by its handle.
        for (const match of text.matchAll(HANDLE)) this.#remember(normalise(match[1] ?? ''), ORIGIN.pointed);
      }
      if (typeof value === 'string' && text.length >= 4) {
        identifiers(text, (identifier) => {
          if (identifier.value === whole) return;
          this.#learn(
            identifier,
            incoming.fetched === true && identifier.kind === 'url' ? ORIGIN.free : free,
            source,
          );
        });
      }
    });
    this.#events += 1;
  }

  /** Where a destination or value came from. */
  trace(value: string | number, parameter = ''): ValueTrace {
    const identifier = normalise(String(value));
    const hash = this.#hash(identifier);
    let origin = this.#table.bits(hash);
    if (this.#inPrompt(identifier)) origin |= ORIGIN.prompt;
    let unique = false;
    const kind = KINDS.indexOf(identifier.kind);
    for (const candidates of this.#sources.values()) if (candidates[kind] === hash) unique = true;
    return {
      kind: identifier.kind,
      origin,
      byUser: (origin & ORIGIN.prompt) !== 0,
      first: this.#table.first(hash),
      unique,
      played:
        parameter !== '' &&
        this.#table.bits(this.#table.hash(SPACE.played, `${parameter}\u0000${identifier.value}`)) !== 0,
      bound: this.#bound(identifier, hash),
    };
  }

  /** Whether the text stands verbatim, as whole words, in free text of a source that the user named. */
  quoted(text: string): boolean {
    const words = normaliseText(text);
    return words.trim() !== '' && this.#quotes.some((quote) => quote.includes(words));
  }

  #keep(value: JsonValue): void {
    let text = '';
    scalars(value, (scalar) => {
      if (typeof scalar === 'string' && text.length < QUOTE_LENGTH)
        text += ` ${scalar.slice(0, QUOTE_LENGTH)}`;
    });
    // Through bytes: a slice would keep the whole result alive.
    const kept = new TextDecoder().decode(
      new TextEncoder().encode(normaliseText(text.slice(0, QUOTE_LENGTH))),
    );
    if (this.#quotes.includes(kept)) return;
    this.#quotes.push(kept);
    if (this.#quotes.length > QUOTES) this.#quotes.shift();
  }

  /** Marks the whole scalars of records in which a name from the prompt occurs. */
  #records(value: JsonValue, trusted: boolean, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > 4 || this.#names.length === 0) return;
    const items = Object.values(value);
    if (!Array.isArray(value)) {
      const named = items.some(
        (item) =>
          typeof item === 'string' &&
          item.length <= FIELD_LENGTH &&
          this.#names.some((name) =>
            item
              .toLowerCase()
              .split(/[^a-z]+/)
              .includes(name.word),
          ),
      );
      if (named) {
        for (const item of items) {
          if ((typeof item === 'string' && item.length <= FIELD_LENGTH) || typeof item === 'number') {
            this.#remember(
              normalise(String(item)),
              ORIGIN.record | (trusted ? ORIGIN.trusted : ORIGIN.field),
            );
          }
        }
      }
    }
    for (const item of items) this.#records(item, trusted, depth + 1);
  }

  /** Where an amount of money or a quantity came from. Sums that the agent worked out have origin 0. */
  amount(value: number): number {
    return this.#table.bits(this.#amount(value));
  }

  /** The normalized prompt contains the words (whole words, in this order). */
  says(words: string): boolean {
    return this.#prompt.includes(` ${words} `);
  }

  #inPrompt(identifier: Identifier): boolean {
    if (identifier.kind !== 'name' && identifier.kind !== 'number') {
      if ((this.#table.bits(this.#hash(identifier)) & ORIGIN.prompt) !== 0) return true;
      if (identifier.kind !== 'path') return false;
    }
    const words = normaliseText(identifier.value);
    return words.trim() !== '' && this.#prompt.includes(words);
  }

  #bound(identifier: Identifier, hash: number): boolean {
    for (const name of this.#names) {
      if (!carries(identifier, name.word)) continue;
      if (name.field === hash || (name.field === 0 && name.free === hash)) return true;
    }
    return false;
  }

  #learn(identifier: Identifier, bit: number, source: Float64Array | undefined): void {
    const hash = this.#remember(identifier, bit);
    if (source !== undefined && identifier.kind !== 'name') {
      const kind = KINDS.indexOf(identifier.kind);
      const known = source[kind] ?? 0;
      source[kind] = known === 0 || known === hash ? hash : AMBIGUOUS;
    }
    if (bit === ORIGIN.free || identifier.kind !== 'email') return;
    for (const name of this.#names) {
      if (!carries(identifier, name.word)) continue;
      if (bit === ORIGIN.named) name.free = name.free === 0 || name.free === hash ? hash : AMBIGUOUS;
      else name.field = name.field === 0 || name.field === hash ? hash : AMBIGUOUS;
    }
  }

  #source(key: string): Float64Array | undefined {
    const hash = this.#table.hash(SPACE.source, key);
    let source = this.#sources.get(hash);
    if (source === undefined && this.#sources.size < SOURCES) {
      source = new Float64Array(KINDS.length);
      this.#sources.set(hash, source);
    }
    return source;
  }

  #amount(value: number): number {
    return this.#table.hash(SPACE.amount, String(Math.abs(value)));
  }

  #hash(identifier: Identifier): number {
    return this.#table.hash(KINDS.indexOf(identifier.kind), identifier.value);
  }

  #remember(identifier: Identifier, bits: number): number {
    const hash = this.#hash(identifier);
    this.#table.add(hash, bits, this.#events);
    return hash;
  }
}

const carries = (identifier: Identifier, word: string): boolean => {
  if (identifier.kind !== 'email') return false;
  const local = identifier.value.slice(0, identifier.value.indexOf('@'));
  return local.split(/[^a-z]+/).includes(word);
};
