// What is left of a token when grant and caveats are intersected: for people, so that an empty or a no-op
// narrowing can be pointed out before it bites. Enforcement never uses it; it evaluates every caveat instead.
import { describeConstraint } from '../args/constraint.ts';
import type { ArgsCaveat, Caveat, FlowCaveat, HttpCaveat, Restriction } from '../caveats/caveat.ts';
import { coversTools, intersectTools, matchLabel } from '../patterns.ts';
import type { Budget } from '../token/budget.ts';
import { inspect, type Inspection } from './inspect.ts';

/** The authority of one token, unverified. */
export interface Authority {
  /** Tool patterns that grant and all `tools` caveats allow and the deny lists do not wholly refuse. */
  readonly tools: readonly string[];
  readonly deny: readonly string[];
  readonly data: readonly string[];
  /** Services; null when any that holds a key for it. */
  readonly audiences: readonly string[] | null;
  readonly notBefore: number | null;
  readonly expires: number;
  readonly budgets: readonly Budget[];
  readonly args: readonly ArgsCaveat[];
  readonly http: readonly HttpCaveat[];
  readonly networks: readonly (readonly string[])[];
  readonly flow: readonly FlowCaveat[];
  readonly once: boolean;
  readonly delegationsLeft: number;
  readonly holder: string | null;
  /** Why nothing at all can be done with it, or null. */
  readonly empty: string | null;
}

const of = <T extends Caveat['type']>(
  caveats: readonly Caveat[],
  type: T,
): readonly Extract<Caveat, { type: T }>[] =>
  caveats.filter((c): c is Extract<Caveat, { type: T }> => c.type === type);

const intersectLabels = (a: readonly string[], b: readonly string[]): string[] => [
  ...new Set([
    ...b.filter((label) => a.some((scope) => matchLabel(scope, label))),
    ...a.filter((label) => b.some((scope) => matchLabel(scope, label))),
  ]),
];

/** The authority left in a token (text form, or an inspection of it). Throws AmbitError `input_invalid`. */
export function effectiveAuthority(token: string | Inspection): Authority {
  const t = typeof token === 'string' ? inspect(token) : token;
  const { grant, caveats } = t;
  const deny = [...new Set([...grant.deny, ...of(caveats, 'deny').flatMap((c) => c.tools)])];
  const left = of(caveats, 'tools').reduce<readonly string[]>(
    (have, c) => intersectTools(have, c.tools),
    grant.tools,
  );
  const tools = left.filter((pattern) => deny.length === 0 || !coversTools(deny, [pattern]));
  const data = of(caveats, 'data').reduce<readonly string[]>(
    (have, c) => intersectLabels(have, c.labels),
    grant.data ?? [],
  );
  const audiences = of(caveats, 'audience').reduce<readonly string[] | null>(
    (have, c) => (have === null ? c.audiences : have.filter((a) => c.audiences.includes(a))),
    grant.audience === undefined ? null : [grant.audience],
  );
  const notBefore = of(caveats, 'time').reduce<number | null>(
    (have, c) => (c.notBefore === undefined ? have : Math.max(have ?? 0, c.notBefore)),
    null,
  );
  const budgets = [...grant.budgets, ...of(caveats, 'budget').flatMap((c) => c.budgets)];
  return {
    tools,
    deny,
    data,
    audiences,
    notBefore,
    expires: t.expires,
    budgets,
    args: of(caveats, 'args'),
    http: of(caveats, 'http'),
    networks: of(caveats, 'net').map((c) => c.cidrs),
    flow: of(caveats, 'flow'),
    once: of(caveats, 'once').length > 0,
    delegationsLeft: t.delegationsLeft,
    holder: t.holder,
    empty: emptiness(tools, audiences, notBefore, t.expires, budgets, caveats),
  };
}

function emptiness(
  tools: readonly string[],
  audiences: readonly string[] | null,
  notBefore: number | null,
  expires: number,
  budgets: readonly Budget[],
  caveats: readonly Caveat[],
): string | null {
  if (tools.length === 0) return 'no tool is left';
  if (audiences?.length === 0) return 'no audience is left';
  if (notBefore !== null && notBefore >= expires) return 'it ends before it begins';
  if (budgets.some((b) => b.limit === 0 && b.unit === 'calls' && b.tools === undefined))
    return 'a budget of 0 calls';
  if (of(caveats, 'budget').some((c) => c.budgets.length === 0)) return 'an empty list of budgets';
  if (of(caveats, 'http').some((c) => c.methods.length === 0 || c.paths.length === 0))
    return 'no request is left';
  return of(caveats, 'net').some((c) => c.cidrs.length === 0) ? 'no network is left' : null;
}

/** A restriction that changes nothing of what the token allowed before, or null: worth pointing out. */
export function withoutEffect(before: Authority, r: Restriction): string | null {
  if (r.type === 'tools' && coversTools(r.tools, before.tools))
    return 'every tool it names was all that was left already';
  if (r.type === 'time' && (r.expires ?? Infinity) >= before.expires && r.notBefore === undefined) {
    return 'the token expires no later than that already';
  }
  if (r.type === 'depth' && r.delegations >= before.delegationsLeft)
    return 'no more delegations were left already';
  if (r.type === 'data' && before.data.every((d) => r.labels.some((s) => matchLabel(s, d))))
    return 'the data scope was within that already';
  return null;
}

/** A budget as text: `5 calls`, `10000 of amount per 1h`. */
export function budgetWords(b: Budget): string {
  const what = b.unit === 'sum' ? `of ${b.argument}` : b.unit === 'external' ? 'external calls' : b.unit;
  const per = b.window === undefined ? '' : ` per ${b.window} s`;
  const tools = b.tools === undefined ? '' : ` for ${b.tools.join(', ')}`;
  return `${b.limit} ${what}${per}${tools}${b.pool === undefined ? '' : ` in pool ${b.pool}`}`;
}

/** An `args` caveat as text: one line an argument. */
export function argsWords(c: ArgsCaveat): readonly string[] {
  const lines = [...c.args].map(([name, constraint]) => `${name} ${describeConstraint(constraint)}`);
  return c.closed ? [...lines, 'no other argument'] : lines;
}
