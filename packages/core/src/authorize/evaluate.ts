// The predicates of grant and caveats (docs/design.md section 3), each a plain function of one request. All are
// asked, all must hold, none knows of another; so a token can only ever allow less than a prefix of it (law L1,
// by construction). An answer is null (holds), NOT_CONCERNED, or a denial. Nothing is compiled for the small
// lists of a token: scanning them costs less than preparing them would, even for a token that is seen a
// thousand times.
import type { Work } from '../args/check.ts';
import { inCidr, parseAddress, parseCidr, unmapAddress } from '../args/cidr.ts';
import { newWork } from '../args/check.ts';
import type { Call, Facts } from '../call.ts';
import type { ArgsCaveat, Caveat, FlowCaveat, HttpCaveat, NetCaveat, TimeCaveat } from '../caveats/caveat.ts';
import { isPlainPath, matchPath, pathOf } from '../caveats/forms.ts';
import { deny, type Denial } from '../codes.ts';
import { matchesAny, matchLabel } from '../patterns.ts';
import type { Grant } from '../token/grant.ts';
import { argsCheck } from './args-check.ts';

/** What a predicate sees. `now` is the later of the facts' and the verifier's time. */
export interface CallRequest {
  readonly call: Call;
  readonly facts: Facts;
  readonly now: number;
  readonly skew: number;
  readonly audience: string;
  /** Steps left for all argument constraints of this call together. */
  readonly work: Work;
}

/** The caveat says nothing about this tool; it neither allows nor refuses. */
export const NOT_APPLICABLE = 'not applicable';

/** What a predicate answers. */
export type CaveatAnswer = Denial | null | typeof NOT_APPLICABLE;

/** A request with fresh steps. Throws RangeError for a time that is none. */
export function makeRequest(
  call: Call,
  facts: Facts,
  verifiedAt: number,
  skew: number,
  audience: string,
): CallRequest {
  if (!(facts.now >= 0 && facts.now < Infinity)) throw new RangeError('facts.now: expected Unix seconds');
  const now = facts.now > verifiedAt ? facts.now : verifiedAt;
  return { call, facts, now, skew, audience, work: newWork() };
}

/** The grant's own limits, in order; `explain` shows each. */
export const GRANT_CHECKS: readonly {
  readonly name: string;
  readonly test: (g: Grant, r: CallRequest) => Denial | null;
}[] = [
  {
    name: 'time',
    test: (g, r) => {
      if (r.now + r.skew < g.issuedAt) return deny('not_yet_valid', undefined, -1);
      return r.now < g.expires ? null : deny('expired', undefined, -1);
    },
  },
  {
    name: 'tools',
    test: (g, r) =>
      matchesAny(g.tools, r.call.tool) ? null : deny('tool_not_granted', allowedTools(g.tools), -1),
  },
  { name: 'deny', test: (g, r) => denied(g.deny, r, -1) },
  { name: 'data', test: (g, r) => withinData(g.data ?? NONE, r, -1) },
];

const NONE: readonly string[] = [];

/** The stateless part of caveat `c` at index `i`. Meters (budget, once) and what verification settled hold here. */
export function evaluateCaveat(c: Caveat, i: number, r: CallRequest): CaveatAnswer {
  switch (c.type) {
    case 'time':
      return inTime(c, i, r);
    case 'audience':
      return c.audiences.includes(r.audience)
        ? null
        : deny('audience_refused', `for: ${c.audiences.join(', ')}`, i);
    case 'tools':
      return matchesAny(c.tools, r.call.tool) ? null : deny('tool_not_granted', allowedTools(c.tools), i);
    case 'deny':
      return denied(c.tools, r, i);
    case 'args':
      return withinArgs(c, i, r);
    case 'data':
      return withinData(c.labels, r, i);
    case 'http':
      return withinHttp(c, i, r);
    case 'net':
      return withinNet(c, i, r);
    case 'flow':
      return withinFlow(c, i, r);
    case 'budget':
    case 'once':
    case 'depth':
    case 'delegate':
    case 'seal':
    case 'note':
      return null;
  }
}

function inTime(c: TimeCaveat, i: number, r: CallRequest): Denial | null {
  if (c.notBefore !== undefined && c.notBefore > r.now + r.skew) return deny('not_yet_valid', undefined, i);
  return c.expires === undefined || r.now < c.expires ? null : deny('expired', undefined, i);
}

// What a tools list allows, as words for a denial.
const allowedTools = (tools: readonly string[]): string =>
  tools.length === 0
    ? 'it allows none'
    : `allowed: ${tools.slice(0, 8).join(', ')}${tools.length > 8 ? ', ...' : ''}`;

const denied = (tools: readonly string[], r: CallRequest, i: number): Denial | null =>
  matchesAny(tools, r.call.tool) ? deny('tool_denied', `denied: ${r.call.tool}`, i) : null;

function withinData(labels: readonly string[], { facts }: CallRequest, i: number): Denial | null {
  if (facts.data === undefined) return deny('data_unknown', undefined, i);
  for (const label of facts.data) {
    let within = false;
    for (let k = 0; k < labels.length && !within; k++) within = matchLabel(labels[k]!, label);
    if (!within) return deny('data_refused', `touches ${label}; allowed: ${labels.join(', ') || 'none'}`, i);
  }
  return null;
}

function withinArgs(c: ArgsCaveat, i: number, { call, work }: CallRequest): CaveatAnswer {
  if (!matchesAny(c.tools, call.tool)) return NOT_APPLICABLE;
  const wrong = argsCheck(c)(call.args.value, work);
  return wrong === null ? null : deny('argument_refused', wrong, i);
}

function withinHttp(c: HttpCaveat, i: number, { call }: CallRequest): Denial | null {
  if (call.http === undefined) return deny('fact_missing', 'the HTTP request', i);
  const { method, target } = call.http;
  if (!c.methods.includes(method)) return deny('http_refused', `methods: ${c.methods.join(', ')}`, i);
  const path = pathOf(target);
  const within = isPlainPath(path) && c.paths.some((pattern) => matchPath(pattern, path));
  return within ? null : deny('http_refused', `paths: ${c.paths.join(', ')}`, i);
}

function withinNet(c: NetCaveat, i: number, { facts }: CallRequest): Denial | null {
  if (facts.address === undefined) return deny('fact_missing', 'the client address', i);
  const parsed = parseAddress(facts.address);
  // A dual-stack socket reports an IPv4 client as `::ffff:a.b.c.d`; it is the same client.
  const address = parsed === null ? null : unmapAddress(parsed);
  if (address !== null && c.cidrs.some((text) => inCidr(address, parseCidr(text)!))) return null;
  return deny('net_refused', `networks: ${c.cidrs.join(', ')}`, i);
}

function withinFlow(c: FlowCaveat, i: number, { call, facts }: CallRequest): CaveatAnswer {
  if (!matchesAny(c.tools, call.tool)) return NOT_APPLICABLE;
  const { flow } = facts;
  if (flow === undefined) return deny('fact_missing', 'what has come into the session', i);
  if (flow.untrusted.length === 0 || flow.approved) return null;
  if (c.rule === 'approval') return deny('approval_required', `untrusted: ${flow.untrusted.join(', ')}`, i);
  if (c.rule === 'named' && flow.destinationsNamed) return null;
  return deny('flow_refused', `untrusted: ${flow.untrusted.join(', ')}`, i);
}
