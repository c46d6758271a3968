// What is left of a token when grant and caveats are intersected: for people, so that an empty or a no-op
// narrowing can be pointed out before it bites. Enforcement never uses it; it evaluates every caveat instead.
import { ownOf } from '../bare.ts';
import { kindOf, type Caveat, type CaveatOf, type Restriction } from '../caveats/index.ts';
import { coversTools, intersectTools, matchLabel } from '../patterns.ts';
import type { Budget } from '../token/budget.ts';
import { inspect, type Inspection } from './inspect.ts';

/** One limit that a caveat sets, as text. */
export interface Limit {
  readonly type: Caveat['type'];
  readonly text: string;
}

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
  /** What all other caveats limit, as texts that can be compared, in the order of the chain. */
  readonly limits: readonly Limit[];
  readonly delegationsLeft: number;
  readonly holder: string | null;
  /** Why nothing at all can be done with it, or null. */
  readonly empty: string | null;
}

const of = <T extends Caveat['type']>(caveats: readonly Caveat[], type: T): readonly CaveatOf<T>[] =>
  caveats.filter((c): c is CaveatOf<T> => c.type === type);

function limitsOf(c: Caveat): readonly Limit[] {
  const kind = kindOf(c);
  return kind.mayAppend ? kind.limits(c).map((text) => ({ type: c.type, text })) : [];
}

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
    limits: caveats.flatMap(limitsOf),
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
  for (const c of caveats) {
    const kind = kindOf(c);
    const why = kind.mayAppend ? (ownOf(kind, 'empty')?.(c) ?? null) : null;
    if (why !== null) return why;
  }
  return null;
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
