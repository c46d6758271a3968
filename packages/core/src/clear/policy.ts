// A token compiled for clearing, once: one check for each thing that limits it, in the order of the chain, the
// grant's first. Every check is asked, all must hold, none knows of another; so a token can only ever allow less
// than a prefix of it (law L1, by construction). A check answers null (holds), NOT_CONCERNED, or a denial.
import type { Call, Facts } from '../call.ts';
import { deny, type Denial } from '../codes.ts';
import { compileTools, matchLabel } from '../patterns.ts';
import type { Caveat } from '../caveats/caveat.ts';
import type { AuthenticParts } from '../verify/authentic.ts';
import { checkCaveat } from './caveat-checks.ts';
import { compileMeters, type Meter } from './meters.ts';

/** What a check sees. `now` is the later of the facts' and the verifier's time. */
export interface Request {
  readonly call: Call;
  readonly facts: Facts;
  readonly now: number;
  readonly skew: number;
  readonly audience: string;
}

/** The caveat says nothing about this tool; it neither allows nor refuses. */
export const NOT_CONCERNED = 'not concerned';

/** One compiled predicate. */
export type Test = (r: Request) => Denial | null | typeof NOT_CONCERNED;

/** A predicate and where it comes from. */
export interface Check {
  /** Index of the caveat; -1 for the grant. */
  readonly caveat: number;
  /** The caveat's type, or the grant's field. */
  readonly name: string;
  readonly test: Test;
}

/** All of one token. */
export interface Policy {
  readonly checks: readonly Check[];
  readonly meters: readonly Meter[];
}

/** Compiles a token. */
export function compile(parts: AuthenticParts): Policy {
  const { grant, caveats } = parts;
  const granted = compileTools(grant.tools);
  const checks: Check[] = [
    { caveat: -1, name: 'time', test: (r) => grantTime(grant.issuedAt, grant.expires, r) },
    {
      caveat: -1,
      name: 'tools',
      test: (r) => (granted(r.call.tool) ? null : deny('tool_not_granted', allowedTools(grant.tools), -1)),
    },
  ];
  if (grant.deny.length > 0) checks.push({ caveat: -1, name: 'deny', test: denyTest(grant.deny, -1) });
  checks.push({ caveat: -1, name: 'data', test: dataTest(grant.data ?? [], -1) });
  caveats.forEach((c: Caveat, i) => {
    const test = checkCaveat(c, i);
    if (test !== null) checks.push({ caveat: i, name: c.type, test });
  });
  return { checks, meters: compileMeters(parts) };
}

function grantTime(issuedAt: number, expires: number, r: Request): Denial | null {
  if (r.now + r.skew < issuedAt) return deny('not_yet_valid', undefined, -1);
  return r.now < expires ? null : deny('expired', undefined, -1);
}

/** What a tools list allows, as words for a denial. */
export const allowedTools = (tools: readonly string[]): string =>
  tools.length === 0 ? 'it allows none' : `allowed: ${tools.slice(0, 8).join(', ')}${tools.length > 8 ? ', ...' : ''}`;

/** Refuses what matches `tools`. */
export function denyTest(tools: readonly string[], caveat: number): Test {
  const denied = compileTools(tools);
  return (r) => (denied(r.call.tool) ? deny('tool_denied', `denied: ${r.call.tool}`, caveat) : null);
}

/** Every label touched lies under one of `labels`; unknown labels deny. */
export function dataTest(labels: readonly string[], caveat: number): Test {
  return ({ facts }) => {
    if (facts.data === undefined) return deny('data_unknown', undefined, caveat);
    for (const label of facts.data) {
      if (!labels.some((scope) => matchLabel(scope, label))) {
        return deny('data_refused', `touches ${label}; allowed: ${labels.join(', ') || 'none'}`, caveat);
      }
    }
    return null;
  };
}
