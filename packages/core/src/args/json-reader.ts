// The reader behind `parseJson`: one pass over the text, by recursive descent that LIMITS.argumentDepth bounds.
// The grammar is RFC 8259 to the letter; what is refused beyond it is listed in `json.ts`. Every string it gives is
// a copy: a slice of the text would keep the whole message alive for as long as anybody keeps the string (law L16).
import { own } from '../bytes.ts';
import { LIMITS } from '../limits.ts';
import type { Json, JsonArray, JsonObject } from './json-value.ts';
import { numberProblem } from './number.ts';
import { quote, utf8Length } from './text.ts';

/** Thrown by a reader, without a stack, so that a refusal costs no more than an acceptance. */
export const REFUSED: Readonly<{ refused: true }> = Object.freeze({ refused: true });

/** Reads `text` once, from its beginning to its end. Methods throw REFUSED; `pos` and `reason` then say why. */
export class JsonReader {
  readonly text: string;
  pos = 0;
  reason = '';
  /** Whether the text is its own canonical form so far (RFC 8785): what most callers send. */
  canonical = true;
  /** Bytes of the text with its numbers in canonical form, counted from the first one on that outgrows its text. */
  #size = 0;

  readonly #limit: number;

  constructor(text: string, limit: number = LIMITS.argumentBytes) {
    this.text = text;
    this.#limit = limit;
  }

  refuse(reason: string, pos: number = this.pos): never {
    this.reason = reason;
    this.pos = pos;
    throw REFUSED;
  }

  document(): Json {
    if (this.text.charCodeAt(0) === 0xfeff) this.refuse('a byte order mark');
    this.space();
    const value = this.value(0);
    this.space();
    if (this.pos !== this.text.length) this.refuse('something follows the value');
    return value;
  }

  space(): void {
    const { text } = this;
    for (;;) {
      const c = text.charCodeAt(this.pos);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.canonical = false;
      this.pos++;
    }
  }

  value(depth: number): Json {
    const c = this.text.charCodeAt(this.pos);
    if (c === 0x22) return this.string();
    if (c === 0x2d || (c >= 0x30 && c <= 0x39)) return this.number(c);
    if (c === 0x7b || c === 0x5b) {
      // Before descending, so that a hundred thousand brackets cost thirty-three steps (attack E9).
      if (depth === LIMITS.argumentDepth) this.refuse(`nested deeper than ${LIMITS.argumentDepth}`);
      return c === 0x7b ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (c === 0x74) return this.word('true', true);
    if (c === 0x66) return this.word('false', false);
    if (c === 0x6e) return this.word('null', null);
    return this.refuse(this.pos < this.text.length ? 'a value was expected' : 'the text ends early');
  }

  word(word: string, value: boolean | null): boolean | null {
    if (!this.text.startsWith(word, this.pos)) this.refuse('a value was expected');
    this.pos += word.length;
    return value;
  }

  object(depth: number): JsonObject {
    const { text } = this;
    const out: Record<string, Json> = Object.create(null);
    this.pos++;
    this.space();
    if (text.charCodeAt(this.pos) === 0x7d) {
      this.pos++;
      return Object.freeze(out);
    }
    // The empty name is the least; it can't be told from the start, and then the text is built again.
    let before = '';
    for (;;) {
      const start = this.pos;
      if (text.charCodeAt(start) !== 0x22) this.refuse('a name in double quotes was expected');
      const name = this.string();
      if (before >= name) this.canonical = false;
      before = name;
      if (name in out) this.refuse(`the name ${quote(name)} occurs twice`, start);
      if (name === '__proto__') this.refuse('the name "__proto__" is not allowed', start);
      this.space();
      if (text.charCodeAt(this.pos) !== 0x3a) this.refuse('a colon was expected');
      this.pos++;
      this.space();
      out[name] = this.value(depth);
      this.space();
      const c = text.charCodeAt(this.pos);
      if (c !== 0x2c && c !== 0x7d) this.refuse('a comma or a closing brace was expected');
      this.pos++;
      if (c === 0x7d) return Object.freeze(out);
      this.space();
    }
  }

  array(depth: number): JsonArray {
    const { text } = this;
    const out: Json[] = [];
    this.pos++;
    this.space();
    if (text.charCodeAt(this.pos) === 0x5d) {
      this.pos++;
      return Object.freeze(out);
    }
    for (;;) {
      out.push(this.value(depth));
      this.space();
      const c = text.charCodeAt(this.pos);
      if (c !== 0x2c && c !== 0x5d) this.refuse('a comma or a closing bracket was expected');
      this.pos++;
      if (c === 0x5d) return Object.freeze(out);
      this.space();
    }
  }

  string(): string {
    const { text } = this;
    let out = '';
    let start = this.pos + 1;
    for (let i = start; ; i++) {
      const c = text.charCodeAt(i);
      if (c > 0x5c && c < 0xd800) continue;
      if (c === 0x22) {
        this.pos = i + 1;
        return own(out === '' ? text.slice(start, i) : out + text.slice(start, i));
      }
      if (c === 0x5c) {
        out += text.slice(start, i);
        this.pos = i;
        out += this.escape();
        start = this.pos;
        i = start - 1;
      } else if (c < 0x20) {
        this.refuse('a control character in a string', i);
      } else if ((c & 0xf800) === 0xd800) {
        if (c > 0xdbff || (text.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) this.refuse('a lone surrogate', i);
        i++;
      } else if (i >= text.length) {
        this.refuse('the text ends early', i);
      }
    }
  }

  /** An escape sequence; a surrogate pair is one, both halves escaped. */
  escape(): string {
    this.canonical = false;
    const c = this.text.charCodeAt(this.pos + 1);
    if (c !== 0x75) {
      const plain = ESCAPES.get(c);
      if (plain === undefined) this.refuse('an unknown escape');
      this.pos += 2;
      return plain;
    }
    const unit = this.hex4(this.pos + 2);
    if ((unit & 0xf800) !== 0xd800) {
      this.pos += 6;
      return String.fromCharCode(unit);
    }
    const low = this.text.startsWith('\\u', this.pos + 6) ? this.hex4(this.pos + 8) : 0;
    if (unit > 0xdbff || (low & 0xfc00) !== 0xdc00) this.refuse('a lone surrogate');
    this.pos += 12;
    return String.fromCharCode(unit, low);
  }

  hex4(at: number): number {
    let n = 0;
    for (let i = at; i < at + 4; i++) {
      const c = this.text.charCodeAt(i);
      const lower = c | 0x20;
      const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
      if (digit < 0) this.refuse('four hexadecimal digits were expected', i);
      n = n * 16 + digit;
    }
    return n;
  }

  number(first: number): number {
    const { text } = this;
    const start = this.pos;
    const negative = first === 0x2d;
    let i = negative ? start + 1 : start;
    const firstDigit = i;
    let n = 0;
    let c = text.charCodeAt(i);
    for (; c >= 0x30 && c <= 0x39; c = text.charCodeAt(++i)) n = n * 10 + (c - 0x30);
    const digits = i - firstDigit;
    if (digits === 0) this.refuse('a digit was expected', i);
    if (digits > 1 && text.charCodeAt(firstDigit) === 0x30) this.refuse('a number with a leading zero');
    if (c === 0x2e || (c | 0x20) === 0x65) return this.real(start, i);
    // The sum is exact up to 2^53, and anything beyond is refused, however it was rounded.
    this.checked(negative ? -n : n);
    this.pos = i;
    return negative ? -n : n;
  }

  /** A number with a fraction or an exponent; `i` is behind its integer part. */
  real(start: number, i: number): number {
    this.canonical = false;
    const { text } = this;
    let c = text.charCodeAt(i);
    if (c === 0x2e) {
      const before = ++i;
      while ((c = text.charCodeAt(i)) >= 0x30 && c <= 0x39) i++;
      if (i === before) this.refuse('a digit was expected', i);
    }
    const mantissa = i;
    if ((c | 0x20) === 0x65) {
      c = text.charCodeAt(++i);
      if (c === 0x2b || c === 0x2d) i++;
      const before = i;
      while ((c = text.charCodeAt(i)) >= 0x30 && c <= 0x39) i++;
      if (i === before) this.refuse('a digit was expected', i);
    }
    const n = Number(text.slice(start, i));
    this.checked(n);
    if (n === 0 && !isZeroText(text, start, mantissa)) this.refuse('a number too small to be told from zero');
    // Only an exponent can be shorter than the canonical form: `1e15` is written 1000000000000000.
    const growth = i > mantissa ? String(n).length - (i - start) : 0;
    if (growth > 0) {
      if (this.#size === 0) this.#size = utf8Length(text);
      this.#size += growth;
      if (this.#size > this.#limit) this.refuse(`longer than ${this.#limit} bytes in canonical form`);
    }
    this.pos = i;
    return n;
  }

  checked(n: number): void {
    const problem = numberProblem(n);
    if (problem !== null) this.refuse(problem);
  }
}

/** What each letter after a backslash means (RFC 8259 section 7), by character code. */
const ESCAPES: ReadonlyMap<number, string> = new Map(
  [...'"\\/bfnrt'].map((letter, i) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'.charAt(i)]),
);

function isZeroText(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x31 && c <= 0x39) return false;
  }
  return true;
}
