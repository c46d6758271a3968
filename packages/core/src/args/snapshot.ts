// A snapshot of a JavaScript value as JSON: own, enumerable data properties of plain objects and arrays, each
// read exactly once through its descriptor, so that what is checked is what the tool gets. What JSON would
// drop, convert or ask an object for is refused: accessors, `toJSON`, symbols, undefined, functions, bigint,
// holes, extra properties of arrays, hidden properties, other prototypes. So are objects of another realm: they
// can be passed as text. A Proxy cannot be told from its target; it can lie, but once only, and its exceptions
// are refusals. The rules for numbers, strings, names, size and depth are those of `parseJson`.
import { LIMITS } from '../limits.ts';
import type { Json, JsonArray, JsonObject, JsonResult } from './json.ts';
import { numberProblem } from './number.ts';
import { isWellFormed, quote } from './text.ts';

const REFUSED = Object.freeze({ refused: true });

/** Takes a deeply frozen copy of `value`, or says what in it is not plain JSON and where. Never throws. */
export function snapshotJson(value: unknown): JsonResult {
  const snapshot = new Snapshot();
  try {
    return { ok: true, value: snapshot.value(value, 0) };
  } catch (thrown) {
    // Anything else comes out of a Proxy's traps (or the stack they used up): its text is not repeated.
    const reason = thrown === REFUSED ? snapshot.reason : 'cannot be read';
    return { ok: false, reason: `${snapshot.where()}: ${reason}` };
  }
}

class Snapshot {
  /** Bytes of canonical text left; it also ends shared structures that unfold to billions of values. */
  room: number = LIMITS.argumentBytes;
  readonly path: (string | number)[] = [];
  readonly parents: object[] = [];
  reason = '';

  refuse(reason: string): never {
    this.reason = reason;
    throw REFUSED;
  }

  where(): string {
    let text = 'value';
    for (const step of this.path) text += typeof step === 'number' ? `[${step}]` : `.${step}`;
    return quote(text);
  }

  spend(bytes: number): void {
    this.room -= bytes;
    if (this.room < 0) this.refuse(`the arguments are longer than ${LIMITS.argumentBytes} bytes`);
  }

  value(value: unknown, depth: number): Json {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number': {
        const problem = numberProblem(value);
        if (problem !== null) this.refuse(problem);
        this.spend(Number.isInteger(value) && value >= 0 && value < 10 ? 1 : String(value).length);
        return value;
      }
      case 'boolean':
        this.spend(value ? 4 : 5);
        return value;
      case 'object':
        if (value === null) {
          this.spend(4);
          return null;
        }
        return this.container(value, depth);
      default:
        return this.refuse(`${typeof value} is not JSON`);
    }
  }

  text(text: string): string {
    // Cheap bound first: a text of n units is at least n + 2 bytes long.
    if (text.length > this.room) this.spend(text.length + 2);
    if (!isWellFormed(text)) this.refuse('a lone surrogate');
    this.spend(quotedLength(text));
    return text;
  }

  container(value: object, depth: number): Json {
    if (depth === LIMITS.argumentDepth) this.refuse(`nested deeper than ${LIMITS.argumentDepth}`);
    if (this.parents.includes(value)) this.refuse('a cycle');
    this.parents.push(value);
    const out = Array.isArray(value) ? this.array(value, depth + 1) : this.object(value, depth + 1);
    this.parents.pop();
    return out;
  }

  object(value: object, depth: number): JsonObject {
    const prototype: unknown = Reflect.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) this.refuse('not a plain object');
    // JSON.stringify would call an inherited toJSON (a polluted Object.prototype), and so might the tool.
    if (prototype !== null && 'toJSON' in Object.prototype) this.refuse('Object.prototype has a toJSON');
    const keys = Reflect.ownKeys(value);
    const out: Record<string, Json> = Object.create(null);
    // Braces and commas; colons are counted with the names.
    this.spend(keys.length === 0 ? 2 : keys.length + 1);
    for (const key of keys) {
      if (typeof key === 'symbol') this.refuse('a symbol as a name');
      this.path.push(key);
      if (key === '__proto__' || key === 'toJSON') this.refuse('a name that is not allowed');
      this.text(key);
      this.spend(1);
      // A lying Proxy may list a name twice or none of its own; the descriptor decides, once.
      if (key in out) this.refuse('a name that occurs twice');
      out[key] = this.value(this.property(value, key), depth);
      this.path.pop();
    }
    return Object.freeze(out);
  }

  array(value: readonly unknown[], depth: number): JsonArray {
    if (Reflect.getPrototypeOf(value) !== Array.prototype) this.refuse('not a plain array');
    if ('toJSON' in Array.prototype) this.refuse('Array.prototype has a toJSON');
    const length: unknown = Reflect.getOwnPropertyDescriptor(value, 'length')?.value;
    // A Proxy may report any value: a negative length would give room back.
    if (typeof length !== 'number' || !(length >= 0)) return this.refuse('not a plain array');
    // Before the keys are listed: brackets, commas, and at least one byte an item.
    this.spend(length === 0 ? 2 : length + 1);
    if (length > this.room) this.spend(length);
    const keys = Reflect.ownKeys(value);
    if (keys.length !== length + 1) this.refuse('an array with holes or extra properties');
    const out: Json[] = [];
    for (let i = 0; i < length; i++) {
      const key = String(i);
      if (keys[i] !== key) this.refuse('an array with holes or extra properties');
      this.path.push(i);
      out.push(this.value(this.property(value, key), depth));
      this.path.pop();
    }
    return Object.freeze(out);
  }

  /** The value of an own enumerable data property, read once. */
  property(owner: object, key: string): unknown {
    const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
    if (descriptor === undefined) return this.refuse('a property that is not there');
    // Own, because descriptors inherit from Object.prototype, which may have been given a `value`.
    if (!Object.hasOwn(descriptor, 'value')) this.refuse('an accessor');
    if (!descriptor.enumerable) this.refuse('a hidden property');
    return descriptor.value;
  }
}

/** Bytes of a well-formed text in canonical JSON, quotes included (RFC 8785 section 3.2.2.2). */
function quotedLength(text: string): number {
  let n = text.length + 2;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0x7f) {
      // Halves of a pair are two bytes each.
      n += c > 0x7ff && (c & 0xf800) !== 0xd800 ? 2 : 1;
    } else if (c < 0x20) {
      n += c === 8 || c === 9 || c === 10 || c === 12 || c === 13 ? 1 : 5;
    } else if (c === 0x22 || c === 0x5c) n += 1;
  }
  return n;
}
