// Where did this value come from? Every scalar and identifier that enters a session is remembered as a keyed
// 53-bit hash with the ways in which it came: the user's prompt, a trusted result, a whole field of an untrusted
// result, free text of a source that the user named, free text of anything else. Memory is bounded: a table
// of 2,048 slots, 32 named sources, 32 names, 8 KB of the prompt and 8 KB of quotes.
import { amounts, identifiers, normalise } from './identifiers.ts';
import type { Identifier, IdentifierKind } from './identifiers.ts';
import { normaliseText, scalars } from './scalars.ts';
import type { JsonValue } from './scalars.ts';
import { ValueTable } from './value-table.ts';
import { PromptNames } from './provenance/names.ts';
import { ORIGIN, type Incoming, type ValueTrace } from './provenance/origin.ts';
import { Quotes } from './provenance/quotes.ts';
import { NamedSources, addCandidate } from './provenance/sources.ts';

const FIELD_LENGTH = 96;
const PROMPT_LENGTH = 8192;
const HANDLE = /\bids?\b[\s:=#'"`]{1,4}([A-Za-z0-9_-]{1,40})/gi;
const SCALARS = 20_000;
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

/** The provenance of one session. Not shared between sessions; not safe against concurrent use. */
export class Provenance {
  readonly #table: ValueTable;
  #prompt = '';
  #events = 0;
  readonly #names: PromptNames = new PromptNames();
  readonly #quotes: Quotes = new Quotes();
  readonly #sources: NamedSources = new NamedSources(KINDS.length);

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
    this.#names.learn(text);
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
    const echo = incoming.echo === true;
    const named = !incoming.trusted && !echo && this.namesSource(incoming.args);
    const source = named ? this.#source(incoming) : undefined;
    const field = incoming.trusted ? ORIGIN.trusted : echo ? ORIGIN.free : ORIGIN.field;
    const free = incoming.trusted ? ORIGIN.trusted : named ? ORIGIN.named : ORIGIN.free;
    if (named) this.#quotes.keep(incoming.value);
    if (!echo) this.#records(incoming.value, incoming.trusted, 0);
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
        if (key !== '' && !echo)
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
    return {
      kind: identifier.kind,
      origin,
      byUser: (origin & ORIGIN.prompt) !== 0,
      first: this.#table.first(hash),
      unique: this.#sources.single(KINDS.indexOf(identifier.kind), hash),
      played:
        parameter !== '' &&
        this.#table.bits(this.#table.hash(SPACE.played, `${parameter}\u0000${identifier.value}`)) !== 0,
      bound: this.#names.bind(identifier, hash),
    };
  }

  /** Whether the text stands verbatim, as whole words, in free text of a source that the user named. */
  quoted(text: string): boolean {
    return this.#quotes.have(text);
  }

  /** Marks the whole scalars of records in which a name from the prompt occurs. */
  #records(value: JsonValue, trusted: boolean, depth: number): void {
    if (typeof value !== 'object' || value === null || depth > 4 || this.#names.none) return;
    const items = Object.values(value);
    if (!Array.isArray(value)) {
      const named = items.some(
        (item) => typeof item === 'string' && item.length <= FIELD_LENGTH && this.#names.occurIn(item),
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

  #learn(identifier: Identifier, bit: number, source: Float64Array | undefined): void {
    const hash = this.#remember(identifier, bit);
    if (source !== undefined && identifier.kind !== 'name')
      addCandidate(source, KINDS.indexOf(identifier.kind), hash);
    if (bit !== ORIGIN.free) this.#names.meet(identifier, hash, bit === ORIGIN.named);
  }

  #source({ tool, args }: Incoming): Float64Array | undefined {
    return this.#sources.of(this.#table.hash(SPACE.source, `${tool} ${JSON.stringify(args)}`));
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
