// The stateless predicate of each caveat type (DESIGN section 3). `null` in place of a test: the caveat was dealt
// with in verification (delegate, seal, depth), is a meter (budget, once), or always holds (note).
import { compileArgs } from '../args/constraint.ts';
import { inCidr, parseAddress, parseCidr } from '../args/cidr.ts';
import { deny } from '../codes.ts';
import { compileTools } from '../patterns.ts';
import type { ArgsCaveat, Caveat, FlowCaveat, HttpCaveat, NetCaveat, TimeCaveat } from '../caveats/caveat.ts';
import { isPlainPath, matchPath, pathOf } from '../caveats/forms.ts';
import { allowedTools, dataTest, denyTest, NOT_CONCERNED, type Test } from './policy.ts';

/** Compiles caveat `c` at index `i`. */
export function checkCaveat(c: Caveat, i: number): Test | null {
  switch (c.type) {
    case 'time':
      return timeTest(c, i);
    case 'audience': {
      const named = new Set(c.audiences);
      return (r) => (named.has(r.audience) ? null : deny('audience_refused', `for: ${c.audiences.join(', ')}`, i));
    }
    case 'tools': {
      const allowed = compileTools(c.tools);
      return (r) => (allowed(r.call.tool) ? null : deny('tool_not_granted', allowedTools(c.tools), i));
    }
    case 'deny':
      return denyTest(c.tools, i);
    case 'args':
      return argsTest(c, i);
    case 'data':
      return dataTest(c.labels, i);
    case 'http':
      return httpTest(c, i);
    case 'net':
      return netTest(c, i);
    case 'flow':
      return flowTest(c, i);
    case 'budget':
    case 'once':
    case 'depth':
    case 'delegate':
    case 'seal':
    case 'note':
      return null;
  }
}

function timeTest(c: TimeCaveat, i: number): Test {
  return (r) => {
    if (c.notBefore !== undefined && c.notBefore > r.now + r.skew) return deny('not_yet_valid', undefined, i);
    return c.expires === undefined || r.now < c.expires ? null : deny('expired', undefined, i);
  };
}

function argsTest(c: ArgsCaveat, i: number): Test {
  const concerned = compileTools(c.tools);
  const check = compileArgs(c.args, c.closed);
  return (r) => {
    if (!concerned(r.call.tool)) return NOT_CONCERNED;
    const wrong = check(r.call.args.value);
    return wrong === null ? null : deny('argument_refused', wrong, i);
  };
}

function httpTest(c: HttpCaveat, i: number): Test {
  return ({ call }) => {
    if (call.http === undefined) return deny('fact_missing', 'the HTTP request', i);
    const { method, target } = call.http;
    const path = pathOf(target);
    if (!c.methods.includes(method)) return deny('http_refused', `methods: ${c.methods.join(', ')}`, i);
    const within = isPlainPath(path) && c.paths.some((pattern) => matchPath(pattern, path));
    return within ? null : deny('http_refused', `paths: ${c.paths.join(', ')}`, i);
  };
}

function netTest(c: NetCaveat, i: number): Test {
  const networks = c.cidrs.map((text) => parseCidr(text)!);
  return ({ facts }) => {
    if (facts.address === undefined) return deny('fact_missing', 'the client address', i);
    const address = parseAddress(facts.address);
    if (address !== null && networks.some((n) => inCidr(address, n))) return null;
    return deny('net_refused', `networks: ${c.cidrs.join(', ')}`, i);
  };
}

function flowTest(c: FlowCaveat, i: number): Test {
  const concerned = compileTools(c.tools);
  return ({ call, facts }) => {
    if (!concerned(call.tool)) return NOT_CONCERNED;
    const { flow } = facts;
    if (flow === undefined) return deny('fact_missing', 'what has come into the session', i);
    if (flow.untrusted.length === 0 || flow.approved) return null;
    if (c.rule === 'approval') return deny('approval_required', `untrusted: ${flow.untrusted.join(', ')}`, i);
    if (c.rule === 'named' && flow.destinationsNamed) return null;
    return deny('flow_refused', `untrusted: ${flow.untrusted.join(', ')}`, i);
  };
}
