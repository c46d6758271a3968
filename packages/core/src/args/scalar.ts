// Constraints on single values: `equals`, `oneOf`, `range`, `length`. Types are strict: a text that looks like a
// number is no number, `true` is not 1, a list of one is not its item (attack C3). Values travel in a token as
// their RFC 8785 text, so that one value has one form there.
import type { Cbor } from '../cbor/value.ts';
import { LIMITS } from '../limits.ts';
import { canonicalJson, isArray } from './canonical.ts';
import type { Check, Kind, Work } from './check.ts';
import { alternatives, spend, TOO_LONG } from './check.ts';
import type { EqualsConstraint, LengthConstraint, OneOfConstraint, RangeConstraint } from './kinds.ts';
import type { Json, JsonArray, JsonObject } from './json.ts';
import { parseJson } from './json.ts';
import { numberProblem } from './number.ts';
import { snapshotJson } from './snapshot.ts';
import { STEPS } from './steps.ts';
import { printable, utf8Length } from './text.ts';

/**
 * Pays for the canonical text of a value and says whether it can be as short as the values of a token are; null when
 * the steps run out. A large object costs its names, once for a constraint and not once for each alternative.
 */
function isShort(value: JsonArray | JsonObject, work: Work | undefined): boolean | null {
  const { left = LIMITS.checkSteps } = work ?? {};
  let room: number = LIMITS.textBytes;
  let steps: number = STEPS.compared;
  const visit = (v: Json): boolean => {
    if (typeof v !== 'object' || v === null) {
      room -= typeof v === 'string' ? v.length + 2 : 1;
      return room >= 0;
    }
    const list = isArray(v);
    const names = list ? [] : Object.keys(v);
    const size = list ? v.length : names.length;
    steps += STEPS.member * (size + 1);
    room -= list ? size + 1 : 4 * size + 1;
    if (room < 0 || steps > left) return false;
    if (list) return v.every(visit);
    return names.every((name) => {
      room -= name.length;
      return visit(v[name]!);
    });
  };
  const short = visit(value);
  return spend(work, steps) ? short : null;
}

/** The canonical text of a value from the API, or null when it is not plain JSON of at most LIMITS.textBytes. */
function valueText(value: unknown): string | null {
  const taken = snapshotJson(value);
  if (!taken.ok) return null;
  const text = canonicalJson(taken.value);
  return utf8Length(text) <= LIMITS.textBytes ? text : null;
}

/** The value of a canonical text; undefined for a text that is not JSON or not canonical. */
function readValue(text: Cbor | undefined): Json | undefined {
  if (typeof text !== 'string') return undefined;
  const parsed = parseJson(text);
  return parsed.ok && canonicalJson(parsed.value) === text ? parsed.value : undefined;
}

const VALUE = `expected plain JSON of at most ${LIMITS.textBytes} bytes`;

/** `equals`: exactly this JSON value. */
export const equals: Kind<EqualsConstraint> = {
  code: 1,
  fields: ['value'],
  problem: ({ value }) => (valueText(value) === null ? `value: ${VALUE}` : null),
  phrase: ({ value }) => `must be ${printable(canonicalJson(value))}`,
  write: ({ value }) => [canonicalJson(value)],
  read([text, ...more]) {
    const value = readValue(text);
    return value === undefined || more.length > 0 ? null : { kind: 'equals', value };
  },
  compile(constraint): Check {
    const { value: wanted } = constraint;
    const phrase = (): string => equals.phrase(constraint);
    if (typeof wanted !== 'object' || wanted === null) return (value) => (value === wanted ? null : phrase());
    const text = canonicalJson(wanted);
    return (value, work) => {
      if (typeof value !== 'object' || value === null) return phrase();
      const short = isShort(value, work);
      if (short === null) return TOO_LONG;
      return short && canonicalJson(value) === text ? null : phrase();
    };
  },
};

/** `oneOf`: one of these JSON values. */
export const oneOf: Kind<OneOfConstraint> = {
  code: 2,
  fields: ['values'],
  problem({ values }) {
    const sound = Array.isArray(values) && values.length > 0 && values.length <= LIMITS.listItems;
    return sound && values.every((value) => valueText(value) !== null) ? null : `values: ${VALUE}`;
  },
  phrase: ({ values }) => `must be ${alternatives(values, (value) => printable(canonicalJson(value)))}`,
  write: ({ values }) => values.map(canonicalJson),
  read(operands) {
    const values: Json[] = [];
    for (const operand of operands) {
      const value = readValue(operand);
      if (value === undefined) return null;
      values.push(value);
    }
    return { kind: 'oneOf', values: Object.freeze(values) };
  },
  compile(constraint): Check {
    // A set compares numbers and texts as equality does here: there is no NaN, no -0, and no conversion. Objects and
    // lists are compared as canonical text, so that many alternatives cost no more than one.
    const plain = new Set<Json>();
    const structured = new Set<string>();
    for (const value of constraint.values) {
      if (typeof value === 'object' && value !== null) structured.add(canonicalJson(value));
      else plain.add(value);
    }
    const phrase = (): string => oneOf.phrase(constraint);
    return (value, work) => {
      if (value === undefined) return phrase();
      if (typeof value !== 'object' || value === null) return plain.has(value) ? null : phrase();
      const short = isShort(value, work);
      if (short === null) return TOO_LONG;
      return short && structured.has(canonicalJson(value)) ? null : phrase();
    };
  },
};

/** A bound on the wire: null, a whole number, or the RFC 8785 text of a fraction. Undefined if invalid. */
function readBound(bound: Cbor | undefined): number | null | undefined {
  if (bound === null) return null;
  if (typeof bound === 'number') return Number.isInteger(bound) ? bound : undefined;
  const value = readValue(bound);
  return typeof value === 'number' && !Number.isInteger(value) ? value : undefined;
}

const writeBound = (bound: number | undefined): Cbor =>
  bound === undefined ? null : Number.isInteger(bound) ? bound : canonicalJson(bound);

/** What is wrong with two bounds, either of which may be absent, but not both. */
function boundsProblem(
  min: unknown,
  max: unknown,
  sound: (n: unknown) => boolean,
  form: string,
): string | null {
  if ((min === undefined && max === undefined) || (min !== undefined && !sound(min)))
    return `min: expected ${form}`;
  if (max !== undefined && !sound(max)) return `max: expected ${form}`;
  return Number(min ?? -Infinity) > Number(max ?? Infinity) ? 'max: expected no less than min' : null;
}

function boundsPhrase(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `from ${min} to ${max}`;
}

/** Two operands as bounds; null when they have another shape. */
function readBounds([low, high, ...more]: readonly Cbor[]): {
  min: number | undefined;
  max: number | undefined;
} | null {
  const min = readBound(low);
  const max = readBound(high);
  if (min === undefined || max === undefined || more.length > 0) return null;
  // Both, also an absent one: it is then not looked for in Object.prototype.
  return { min: min ?? undefined, max: max ?? undefined };
}

const isNumber = (n: unknown): boolean => typeof n === 'number' && numberProblem(n) === null;
const isSize = (n: unknown): boolean => Number.isSafeInteger(n) && Number(n) >= 0 && !Object.is(n, -0);

/** `range`: a number within the bounds, both inclusive. */
export const range: Kind<RangeConstraint> = {
  code: 3,
  fields: ['min', 'max'],
  problem: ({ min, max }) => boundsProblem(min, max, isNumber, 'a number, or min or max alone'),
  phrase: ({ min, max }) => `must be a number ${boundsPhrase(min, max)}`,
  write: ({ min, max }) => [writeBound(min), writeBound(max)],
  read(operands) {
    const bounds = readBounds(operands);
    return bounds === null ? null : { kind: 'range', ...bounds };
  },
  compile(constraint): Check {
    const { min = -Infinity, max = Infinity } = constraint;
    return (value) =>
      typeof value === 'number' && value >= min && value <= max ? null : range.phrase(constraint);
  },
};

/** `length`: a text of so many Unicode code points (as JSON Schema counts them), or a list of so many items. */
export const length: Kind<LengthConstraint> = {
  code: 4,
  fields: ['min', 'max'],
  problem: ({ min, max }) => boundsProblem(min, max, isSize, 'a whole number from 0 on, or min or max alone'),
  phrase: ({ min, max }) => `must have a length ${boundsPhrase(min, max)}`,
  write: ({ min, max }) => [writeBound(min), writeBound(max)],
  read(operands) {
    const bounds = readBounds(operands);
    return bounds === null ? null : { kind: 'length', ...bounds };
  },
  compile(constraint): Check {
    const { min = 0, max = Infinity } = constraint;
    return (value, work) => {
      let size: number;
      if (typeof value === 'string') {
        // Code points are at least half as many as code units: a much too long text is not counted.
        if (value.length > 2 * max) return length.phrase(constraint);
        if (!spend(work, value.length)) return TOO_LONG;
        size = codePoints(value);
      } else if (Array.isArray(value)) size = value.length;
      else return length.phrase(constraint);
      return size >= min && size <= max ? null : length.phrase(constraint);
    };
  },
};

function codePoints(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) n--;
  return n;
}
