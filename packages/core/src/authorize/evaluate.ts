// Evaluating grant and caveats (docs/design.md section 3): each a predicate over one request. All are asked, all must
// hold, none knows of another; so a token can only ever allow less than a prefix of it (law L1, by construction).
// Nothing is compiled for the small lists of a token: scanning them costs less than preparing them would, even for a
// token that is seen a thousand times.
import { newWork } from '../args/check.ts';
import { bare, requireObject } from '../bare.ts';
import type { Call, CallRequest, Facts, FlowFacts } from '../call.ts';
import { withinData } from '../caveats/data.ts';
import { outsideTools } from '../caveats/deny.ts';
import { CAVEATS, type CaveatCheck } from '../caveats/index.ts';
import { withinTime } from '../caveats/time.ts';
import { withinTools } from '../caveats/tools.ts';
import type { Denial } from '../codes.ts';
import type { Grant } from '../token/grant.ts';
import type { AuthenticParts } from '../verify/authentic.ts';

/** A request with fresh steps. Throws RangeError for an invalid time. */
export function makeRequest(
  call: Call,
  facts: Facts,
  verifiedAt: number,
  skew: number,
  audience: string,
): CallRequest {
  const known = takeFacts(facts);
  const now = known.now > verifiedAt ? known.now : verifiedAt;
  return { call, facts: known, now, skew, audience, work: newWork() };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

// Own properties, once: what the enforcement point did not state is not known, whatever its prototype says. Types as
// well, since a time that is a text adds like a text, and a text is a list of letters.
function takeFacts(given: Facts): Facts {
  requireObject(given, 'facts');
  // One assignment over names that are all there: 65 ns, where a question for each takes 165.
  const known: Mutable<Facts> = {
    now: -1,
    data: undefined,
    address: undefined,
    external: undefined,
    bytes: undefined,
    cost: undefined,
    flow: undefined,
  };
  Object.assign(known, given);
  const { now, data, address, cost, flow }: Partial<Facts> = known;
  if (!(typeof now === 'number' && now >= 0 && now < Infinity)) {
    throw new RangeError('facts.now: expected Unix seconds');
  }
  if (data !== undefined && !Array.isArray(data))
    throw new TypeError('facts.data: expected a list of labels');
  if (address !== undefined && typeof address !== 'string')
    throw new TypeError('facts.address: expected a text');
  if (cost !== undefined && (typeof cost !== 'object' || cost === null))
    throw new TypeError('facts.cost: expected numbers by unit');
  if (flow !== undefined) known.flow = takeFlow(flow);
  return known;
}

function takeFlow(given: FlowFacts | undefined): FlowFacts | undefined {
  if (given === undefined) return undefined;
  const { untrusted, destinationsNamed, approved } = bare(given, 'facts.flow');
  if (!Array.isArray(untrusted)) throw new TypeError('facts.flow.untrusted: expected a list of labels');
  return { untrusted, destinationsNamed: destinationsNamed === true, approved: approved === true };
}

const NONE: readonly string[] = [];

/** The grant's own limits, in order; `explain` shows each. They are those of caveats of the same names. */
export const GRANT_CHECKS: readonly {
  readonly name: string;
  readonly test: (g: Grant, r: CallRequest) => Denial | null;
}[] = [
  { name: 'time', test: (g, r) => withinTime(g.issuedAt, g.expires, r, -1) },
  { name: 'tools', test: (g, r) => withinTools(g.tools, r.call.tool, -1) },
  { name: 'deny', test: (g, r) => outsideTools(g.deny, r.call.tool, -1) },
  { name: 'data', test: (g, r) => withinData(g.data ?? NONE, r, -1) },
];

// The checks alone, by type: the kinds differ in shape, and asking each for its members costs more than most checks.
// Null for what a ledger or verification decides about: it holds here.
const CHECKS: ReadonlyMap<string, CaveatCheck | null> = new Map(
  CAVEATS.map((kind) => [kind.type, kind.decidedBy === 'call' ? kind.check : null]),
);

/** What each caveat is asked by, in the order of the chain. Throws TypeError for one of an unknown type. */
export function compileChecks({ caveats }: Pick<AuthenticParts, 'caveats'>): readonly (CaveatCheck | null)[] {
  return caveats.map((c) => {
    const check = CHECKS.get(c.type);
    if (check === undefined) throw new TypeError('caveat: unknown type');
    return check;
  });
}
