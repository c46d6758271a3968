// Reads a value by the table of schema.ts, accepting its one deterministic encoding and nothing else: shortest heads,
// keys in order and known, sizes within bounds, no byte left over (law L7, attacks E1 to E9 on what a log holds).
import type { Field, Form } from './schema.ts';
import { UNPRINTABLE } from './write.ts';

/** Thrown inside, caught by `readObject`: malformed input is a null. */
const BAD = Symbol('not of the schema');

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Fields by key, for the table's maps. */
const byKey = new WeakMap<readonly Field[], (Field | undefined)[]>();
function index(fields: readonly Field[]): (Field | undefined)[] {
  let list = byKey.get(fields);
  if (list === undefined) {
    list = [];
    for (const field of fields) list[field.key] = field;
    byKey.set(fields, list);
  }
  return list;
}

class Input {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  peek(): number {
    if (this.done) throw BAD;
    return this.#bytes[this.#at]!;
  }

  head(major: number): number {
    const first = this.peek();
    if (first >> 5 !== major) throw BAD;
    const info = first & 31;
    this.#at++;
    if (info < 24) return info;
    const size = info > 27 ? 99 : 1 << (info - 24);
    if (this.#at + size > this.#bytes.length) throw BAD;
    let n = 0;
    for (let i = 0; i < size; i++) n = n * 256 + this.#bytes[this.#at + i]!;
    this.#at += size;
    const least = size === 1 ? 24 : size === 2 ? 0x100 : size === 4 ? 0x10000 : 0x1_0000_0000;
    if (n < least || n > Number.MAX_SAFE_INTEGER) throw BAD;
    return n;
  }

  take(n: number): Buffer {
    if (n > this.#bytes.length - this.#at) throw BAD;
    this.#at += n;
    return this.#bytes.subarray(this.#at - n, this.#at);
  }

  text(max: number): string {
    const n = this.head(3);
    if (n > max || n > this.#bytes.length - this.#at) throw BAD;
    let text = '';
    // Short ASCII, the common case, without a call into the decoder.
    const short = n <= 48 ? n : 0;
    for (let i = 0; i < short; i++) {
      const c = this.#bytes[this.#at + i]!;
      if (c < 0x20 || c > 0x7e) break;
      text += String.fromCharCode(c);
    }
    if (text.length === n) {
      this.#at += n;
      return text;
    }
    let decoded: string;
    try {
      decoded = utf8.decode(this.take(n));
    } catch {
      throw BAD;
    }
    if (UNPRINTABLE.test(decoded)) throw BAD;
    return decoded;
  }

  bool(): boolean {
    const byte = this.take(1)[0];
    if (byte !== 0xf4 && byte !== 0xf5) throw BAD;
    return byte === 0xf5;
  }
}

function read(input: Input, form: Form): unknown {
  switch (form.is) {
    case 'uint':
      return input.head(0);
    case 'int': {
      if (input.peek() >> 5 === 0) return input.head(0);
      const n = -1 - input.head(1);
      if (!Number.isSafeInteger(n)) throw BAD;
      return n;
    }
    case 'bool':
      return input.bool();
    case 'text':
      return input.text(form.max);
    case 'bytes':
      if (input.head(2) !== form.size) throw BAD;
      return input.take(form.size).toString(form.shown);
    case 'enum': {
      const value = form.values[input.head(0)];
      if (value === undefined) throw BAD;
      return value;
    }
    case 'list': {
      const n = input.head(4);
      if (n > form.max) throw BAD;
      const items: unknown[] = [];
      for (let i = 0; i < n; i++) items.push(read(input, form.of));
      return items;
    }
    case 'map':
      return readMap(input, form.fields);
    default:
      throw BAD;
  }
}

function readMap(input: Input, fields: readonly Field[]): Record<string, unknown> {
  const known = index(fields);
  const out: Record<string, unknown> = {};
  const n = input.head(5);
  let previous = -1;
  for (let i = 0; i < n; i++) {
    const key = input.head(0);
    const field = known[key];
    if (key <= previous || field === undefined) throw BAD;
    previous = key;
    out[field.name] = read(input, field.form);
  }
  for (const field of fields) if (field.required && out[field.name] === undefined) throw BAD;
  return out;
}

/** The object that exactly these bytes encode by a table of fields, or null. */
export function readObject(bytes: Uint8Array, fields: readonly Field[]): Record<string, unknown> | null {
  try {
    const input = new Input(bytes);
    const out = readMap(input, fields);
    return input.done ? out : null;
  } catch (error) {
    if (error === BAD) return null;
    throw error;
  }
}
