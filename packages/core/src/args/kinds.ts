// Constraints on arguments: what they are, and their form in a token. On the wire a constraint is an array
// [number, ...operands] (SPEC.md, "Constraints"); what is not in this table denies (law L2):
//
//   number  constraint  operands
//   1       equals      value as RFC 8785 text
//   2       oneOf       one or more values, each as RFC 8785 text
//   3       range       min, max: whole number, or RFC 8785 text of a fraction, or null; not both null
//   4       length      min, max: whole number from 0 on, or null; not both null
//   5       pattern     text (syntax in regular.ts)
//   6       subpath     one or more roots
//   7       url         schemes or null, hosts, ports or null, path prefixes or null: lists of one or more
//   8       cidr        one or more networks
//   9       email       one or more domains
//   10      each        one constraint, for every item
//   11      absent      none
//   12      all         two or more constraints
//
// There is no `any`: lists of values, roots, hosts, networks and domains say all that is needed, and a
// disjunction of constraints is how a narrow one gets widened (attack C9). Constraints nest four deep at most.
import type { Json } from './json.ts';

/** Exactly this JSON value; names in any order. */
export interface EqualsConstraint {
  readonly kind: 'equals';
  readonly value: Json;
}
/** One of these JSON values. */
export interface OneOfConstraint {
  readonly kind: 'oneOf';
  readonly values: readonly Json[];
}
/** A number from `min` to `max`, both inclusive; at least one of the two. */
export interface RangeConstraint {
  readonly kind: 'range';
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}
/** A text of so many Unicode code points, or a list of so many items; at least one of the two bounds. */
export interface LengthConstraint {
  readonly kind: 'length';
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}
/** A text that matches from end to end; the syntax is that of `regular.ts`. */
export interface PatternConstraint {
  readonly kind: 'pattern';
  readonly pattern: string;
}
/** A plain absolute path: one of the roots, or below one. */
export interface SubpathConstraint {
  readonly kind: 'subpath';
  readonly roots: readonly string[];
}
/**
 * A plain URL. `schemes`: https alone when absent. `hosts`: exact names or addresses, `*.name`, or `*` for any
 * name that looks public. `ports`: the scheme's own when absent. `paths`: prefixes by whole segments; any path
 * when absent.
 */
export interface UrlConstraint {
  readonly kind: 'url';
  readonly schemes?: readonly string[] | undefined;
  readonly hosts: readonly string[];
  readonly ports?: readonly number[] | undefined;
  readonly paths?: readonly string[] | undefined;
}
/** An IP address in one of the networks, each `address/prefix`. */
export interface CidrConstraint {
  readonly kind: 'cidr';
  readonly networks: readonly string[];
}
/** One bare e-mail address in one of the domains: exact names or `*.name`. */
export interface EmailConstraint {
  readonly kind: 'email';
  readonly domains: readonly string[];
}
/** A list of one item or more, every one of which meets the constraint. */
export interface EachConstraint {
  readonly kind: 'each';
  readonly constraint: Constraint;
}
/** The argument is not there at all; `null` is there. */
export interface AbsentConstraint {
  readonly kind: 'absent';
}
/** Every one of two or more constraints. */
export interface AllConstraint {
  readonly kind: 'all';
  readonly constraints: readonly Constraint[];
}

/** A constraint on one argument. */
export type Constraint =
  | EqualsConstraint
  | OneOfConstraint
  | RangeConstraint
  | LengthConstraint
  | PatternConstraint
  | SubpathConstraint
  | UrlConstraint
  | CidrConstraint
  | EmailConstraint
  | EachConstraint
  | AbsentConstraint
  | AllConstraint;
