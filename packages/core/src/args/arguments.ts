// The arguments of one call, taken once: constraints, digest and tool all see this snapshot (docs/design.md
// section 3). An instance can only come out of the checks below, so holding one is the proof that they were
// made.
import { copyOf } from '../bytes.ts';
import { ownOf } from '../bare.ts';
import type { Denial } from '../codes.ts';
import { deny } from '../codes.ts';
import { argumentsDigest, canonicalJson, isArray } from './canonical.ts';
import type { JsonObject, JsonResult } from './json.ts';
import { parseJson } from './json.ts';
import { snapshotJson } from './snapshot.ts';

/** Known to this file only: what the constructor demands. */
const CHECKED: unique symbol = Symbol('checked');

/** The digest itself, for this package's own statements: not to be written to, nor handed out. */
export let sharedDigest: (args: Arguments) => Uint8Array;

/** Checked arguments: a JSON object, deeply frozen. Made by `parse`, `from` or `empty`, by nothing else. */
export class Arguments {
  /** The arguments as a frozen object without a prototype; also what the tool should be given. */
  readonly value: JsonObject;
  #canonical: string | null = null;
  #digest: Uint8Array | null = null;

  /** Not for callers: throws TypeError. */
  private constructor(checked: typeof CHECKED, value: JsonObject) {
    if (checked !== CHECKED) throw new TypeError('Arguments: use Arguments.parse or Arguments.from');
    this.value = value;
    Object.freeze(this);
  }

  /** No arguments: `{}`, also what an absent `arguments` member means. */
  static readonly empty: Arguments = new Arguments(CHECKED, Object.freeze(Object.create(null)));

  /**
   * Arguments from JSON text (UTF-8 bytes or a string) by the strict reader. A denial `arguments_invalid` says
   * where and why; the top level must be an object. Throws TypeError for an input of another type.
   */
  static parse(input: Uint8Array | string): Arguments | Denial {
    return Arguments.#make(parseJson(input));
  }

  /**
   * Arguments from a JavaScript value, by a snapshot of its plain own data properties. `undefined` means absent,
   * which is `{}`; `null` is refused. Never throws.
   */
  static from(value: unknown): Arguments | Denial {
    return value === undefined ? Arguments.empty : Arguments.#make(snapshotJson(value));
  }

  /** Whether `x` came out of `parse`, `from` or `empty`; an object that only looks alike did not. */
  static is(x: unknown): x is Arguments {
    return typeof x === 'object' && x !== null && #digest in x;
  }

  static #make(result: JsonResult): Arguments | Denial {
    if (!result.ok) return deny('arguments_invalid', result.reason);
    const { value } = result;
    if (typeof value !== 'object' || value === null || isArray(value)) {
      return deny('arguments_invalid', 'the arguments must be an object');
    }
    const made = new Arguments(CHECKED, value);
    // Its own: one canonical text for all arguments, read from Object.prototype, would be one digest for all calls.
    made.#canonical = ownOf(result, 'canonical') ?? null;
    return made;
  }

  /** The RFC 8785 text, at most LIMITS.argumentBytes of UTF-8. Computed once. */
  canonical(): string {
    return (this.#canonical ??= canonicalJson(this.value));
  }

  /** SHA-256(label || canonical text): 32 bytes, computed once; a copy for each caller. */
  digest(): Uint8Array {
    return copyOf(sharedDigest(this));
  }

  static {
    sharedDigest = (args) => (args.#digest ??= argumentsDigest(args.canonical()));
  }
}
