// The kinds of constraint in one table, those that hold other constraints, and the ways in and out: to the wire
// and back, to a sentence, to a check. Unknown or malformed is null on the way in, which denies (law L2).
import { bare } from '../bare.ts';
import type { Cbor } from '../cbor/value.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';

import type { Check, Kind, Work } from './check.ts';
import { spend, TOO_LONG } from './check.ts';
import { cidr } from './cidr.ts';
import { email } from './email.ts';
import type { JsonObject } from './json.ts';
import type { AbsentConstraint, AllConstraint, Constraint, EachConstraint } from './kinds.ts';
import { subpath } from './path.ts';
import { pattern } from './pattern.ts';
import { equals, length, oneOf, range } from './scalar.ts';
import { STEPS } from './steps.ts';
import { cut, quote } from './text.ts';
import { url } from './url.ts';

export type { Constraint } from './kinds.ts';

/** The most characters of what `all` says. */
const PHRASE = 300;

/** `each` in `each` in `all`: what CBOR nesting of eight leaves room for inside an `args` caveat. */
const NESTING = 4;

const each: Kind<EachConstraint> = {
  code: 10,
  fields: ['constraint'],
  problem: ({ constraint }, depth) => innerProblem(constraint, depth + 1),
  phrase: ({ constraint }) => `must be a list whose every item ${describeConstraint(constraint)}`,
  write: ({ constraint }) => [write(constraint)],
  read([inner, ...more], depth) {
    const constraint = more.length > 0 ? null : read(inner, depth + 1);
    return constraint === null ? null : { kind: 'each', constraint };
  },
  compile(constraint): Check {
    const check = compile(constraint.constraint);
    return (value, work) => {
      // An empty list fails: nothing may hold because there was nothing to look at (law L2, attack C4).
      if (!Array.isArray(value) || value.length === 0) return each.phrase(constraint);
      if (!spend(work, STEPS.constraint * value.length)) return TOO_LONG;
      for (let i = 0; i < value.length; i++) {
        const refused = check(value[i], work);
        if (refused !== null) return refused === TOO_LONG ? TOO_LONG : each.phrase(constraint);
      }
      return null;
    };
  },
};

const absent: Kind<AbsentConstraint> = {
  code: 11,
  fields: [],
  problem: () => null,
  phrase: () => 'must be left out',
  write: () => [],
  read: (operands) => (operands.length === 0 ? { kind: 'absent' } : null),
  compile: () => (value) => (value === undefined ? null : 'must be left out'),
};

const all: Kind<AllConstraint> = {
  code: 12,
  fields: ['constraints'],
  problem({ constraints }, depth) {
    const sound =
      Array.isArray(constraints) && constraints.length >= 2 && constraints.length <= LIMITS.listItems;
    if (!sound) return 'constraints: expected two or more';
    for (const constraint of constraints) {
      const problem = innerProblem(constraint, depth + 1);
      if (problem !== null) return problem;
    }
    return null;
  },
  phrase({ constraints }) {
    let text = describeConstraint(constraints[0]!);
    for (let i = 1; i < constraints.length && text.length <= PHRASE; i++) {
      text += ` and ${describeConstraint(constraints[i]!)}`;
    }
    return cut(text, PHRASE);
  },
  write: ({ constraints }) => constraints.map(write),
  read(operands, depth) {
    const constraints: Constraint[] = [];
    for (const operand of operands) {
      const constraint = read(operand, depth + 1);
      if (constraint === null) return null;
      constraints.push(constraint);
    }
    return { kind: 'all', constraints: Object.freeze(constraints) };
  },
  compile(constraint): Check {
    const checks = constraint.constraints.map(compile);
    return (value, work) => {
      if (!spend(work, STEPS.constraint * checks.length)) return TOO_LONG;
      for (let i = 0; i < checks.length; i++) {
        const phrase = checks[i]!(value, work);
        if (phrase !== null) return phrase;
      }
      return null;
    };
  },
};

/** `absent` says something about an argument, not about a value: it can't be inside another constraint. */
function innerProblem(constraint: Constraint, depth: number): string | null {
  return constraint?.kind === 'absent' ? 'absent stands alone' : problemOf(constraint, depth);
}

const KINDS: { readonly [K in Constraint['kind']]: Kind<Extract<Constraint, { kind: K }>> } = {
  equals,
  oneOf,
  range,
  length,
  pattern,
  subpath,
  url,
  cidr,
  email,
  each,
  absent,
  all,
};

/** The names of all kinds, for tests that have to meet each. */
export const CONSTRAINT_KINDS: readonly string[] = Object.keys(KINDS);

// Methods are compared bivariantly, which is what lets one table serve: each entry only meets its own kind.
const BY_KIND: ReadonlyMap<string, Kind<Constraint>> = new Map(Object.entries(KINDS));
const BY_CODE: ReadonlyMap<Cbor | undefined, Kind<Constraint>> = new Map(
  [...BY_KIND.values()].map((kind) => [kind.code, kind]),
);

function kindOf(constraint: Constraint): Kind<Constraint> {
  const kind = BY_KIND.get(constraint.kind);
  if (kind === undefined) throw new TypeError('constraint: unknown kind');
  return kind;
}

function problemOf(given: Constraint, depth: number): string | null {
  if (typeof given !== 'object' || given === null) return 'expected a constraint';
  if (depth > NESTING) return `nested deeper than ${NESTING}`;
  const constraint = bare(given, 'constraint');
  const kind = BY_KIND.get(constraint.kind);
  if (kind === undefined) return 'unknown kind';
  const fields: readonly string[] = kind.fields;
  for (const field of Object.keys(constraint)) {
    if (field !== 'kind' && !fields.includes(field)) return `unknown field ${quote(field)}`;
  }
  return kind.problem(constraint, depth);
}

function write(given: Constraint): Cbor {
  // Own properties only: a bound that is absent is not looked for in Object.prototype (law L2).
  const constraint = bare(given, 'constraint');
  const kind = kindOf(constraint);
  return [kind.code, ...kind.write(constraint)];
}

function read(x: Cbor | undefined, depth: number): Constraint | null {
  if (depth > NESTING || !Array.isArray(x)) return null;
  const kind = BY_CODE.get(x[0]);
  const constraint = kind?.read(x.slice(1), depth) ?? null;
  return constraint === null ? null : Object.freeze(constraint);
}

function compile(constraint: Constraint): Check {
  return kindOf(constraint).compile(constraint);
}

// Constraints that `parseConstraint` has validated: they are frozen, so once is enough.
const SOUND = new WeakSet<Constraint>();

/** What is wrong with a constraint from the API, as a phrase that names the field; null when it is sound. */
export function constraintProblem(constraint: Constraint): string | null {
  return SOUND.has(constraint) ? null : problemOf(constraint, 1);
}

/** The wire form. Throws AmbitError `input_invalid` for a constraint that is not sound, naming the field. */
export function encodeConstraint(constraint: Constraint): Cbor {
  const problem = constraintProblem(constraint);
  if (problem !== null)
    throw new AmbitError('input_invalid', `${constraint?.kind ?? 'constraint'}: ${problem}.`);
  return write(constraint);
}

/** The constraint of a wire form, deeply frozen; null when it is unknown or malformed, which denies. */
export function parseConstraint(x: Cbor): Constraint | null {
  const constraint = read(x, 1);
  if (constraint === null || problemOf(constraint, 1) !== null) return null;
  SOUND.add(constraint);
  return constraint;
}

/** What a constraint asks for, as a phrase that follows the argument's name: `must be a number at most 5`. */
export function describeConstraint(constraint: Constraint): string {
  return kindOf(constraint).phrase(bare(constraint, 'constraint'));
}

/** A sound constraint that nobody can change: itself when it was parsed, else a copy by way of the wire form. */
function soundCopy(constraint: Constraint): Constraint {
  if (SOUND.has(constraint)) return constraint;
  const problem = constraintProblem(constraint);
  const copy = problem === null ? parseConstraint(write(constraint)) : null;
  if (copy === null) throw new TypeError(`compileConstraint: ${problem ?? 'not plain JSON'}`);
  return copy;
}

/** The check of a constraint, prepared once. Throws TypeError for a constraint that is not sound. */
export function compileConstraint(constraint: Constraint): Check {
  return compile(soundCopy(constraint));
}

/** What a constraint says of an argument that is not there. */
function whenAbsent(constraint: Constraint): string | null {
  if (constraint.kind === 'absent') return null;
  return constraint.kind === 'all' ? whenAbsent(constraint.constraints[0]!) : describeConstraint(constraint);
}

/**
 * The test of an `args` caveat: every argument named meets its constraint; when `closed`, no other argument is
 * there. Gives null, or one phrase that names the argument and says what would have been allowed. The steps of
 * all checks come out of `work`, or out of LIMITS.checkSteps for this call. Throws TypeError as above.
 */
export function compileArgs(
  rules: ReadonlyMap<string, Constraint>,
  closed: boolean,
): (args: JsonObject, work?: Work) => string | null {
  const names = [...rules.keys()];
  // Checked now, prepared when the argument is first there: what a call does not have costs it nothing.
  const constraints = [...rules.values()].map(soundCopy);
  const known = closed ? new Set(names) : null;
  const checks: (Check | null)[] = names.map(() => null);
  const own = { left: 0 };
  return (args, work = own) => {
    own.left = LIMITS.checkSteps;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      // Own properties only: `constructor` is an argument when the caller sent one, and not otherwise.
      const value = Object.hasOwn(args, name) ? args[name] : undefined;
      if (!spend(work, STEPS.constraint)) return `${quote(name)} ${TOO_LONG}`;
      const phrase =
        value === undefined
          ? whenAbsent(constraints[i]!)
          : (checks[i] ??= compile(constraints[i]!))(value, work);
      if (phrase !== null) return `${quote(name)} ${phrase}`;
    }
    if (known !== null) {
      for (const name in args) {
        if (Object.hasOwn(args, name) && !known.has(name))
          return `${quote(name)} is not among the arguments allowed`;
      }
    }
    return null;
  };
}
