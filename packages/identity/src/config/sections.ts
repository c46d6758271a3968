// Readers of the recurring sections of a configuration: a tool's facts, what a layer leaves, ceilings, budgets,
// key tables. Each takes a place in the text and reports problems there.
import {
  AmbitError,
  BUDGET_UNITS,
  isLabel,
  isName,
  isToolPattern,
  LIMITS,
  LONGEST_SLIDING,
  PublicKey,
  type Budget,
  type PublicUse,
} from '@ambit/core';
import type { UserAuthority, Ceilings, Price, Prices, ToolFacts } from './configuration.ts';
import type { Place, Shape } from './shape.ts';

/** Bounds of a configuration's tables. */
export const TABLE_LIMITS: Readonly<
  Record<'tools' | 'models' | 'groups' | 'users' | 'keys' | 'prices', number>
> = Object.freeze({
  tools: 10_000,
  models: 1_000,
  groups: 1_000,
  users: 100_000,
  keys: 64,
  prices: 16,
});

/** Items of a list of patterns or labels in a configuration; a grant takes 256. */
const LIST = 4096;
/** The longest life of a session a configuration may allow: 30 days. */
const LONGEST_LIFE = 30 * 86_400;

/** Tool patterns. */
export const patterns = (s: Shape, at: Place | undefined): readonly string[] =>
  s.set(at, LIST, 'a tool name or a pattern ending in .*, /* or *', isToolPattern);

/** Data labels. */
export const labels = (s: Shape, at: Place | undefined): readonly string[] =>
  s.set(at, LIST, 'a data label such as internal:research', isLabel);

/** A name of the operator's choice: users, groups, models, signers. */
export const name = (s: Shape, at: Place | undefined, what: string): string => s.text(at, what, isName);

const TOOL_FIELDS = [
  'external',
  'data',
  'untrusted',
  'writes',
  'signedProof',
  'proceed',
  'class',
  'price',
] as const;

/** Facts of a tool; what is not stated is `otherwise`. */
export function toolFacts(s: Shape, at: Place, otherwise: ToolFacts): ToolFacts {
  if (at.node.kind === 'null') return otherwise;
  const f = s.fields(at, TOOL_FIELDS);
  return Object.freeze({
    external: s.boolean(f.external, otherwise.external),
    data: f.data === undefined ? otherwise.data : labels(s, f.data),
    untrusted: s.boolean(f.untrusted, otherwise.untrusted),
    writes: s.boolean(f.writes, otherwise.writes),
    signedProof: s.boolean(f.signedProof, otherwise.signedProof),
    proceed: s.boolean(f.proceed, otherwise.proceed),
    class: f.class === undefined ? otherwise.class : name(s, f.class, 'the name of a class'),
    price: f.price === undefined ? otherwise.price : prices(s, f.price),
  });
}

// `microusd: 2500` is a fixed price; `tokens: { most: 8000, least: 100 }` is settled by what the tool reports.
function prices(s: Shape, at: Place): Prices {
  const out = Object.create(null) as Record<string, Price>;
  for (const [key, place, entry] of s.entries(at, TABLE_LIMITS.prices)) {
    if (!isName(key)) s.fail({ node: entry, path: place.path }, 'expected the name of a unit such as tokens');
    if (place.node.kind === 'map') {
      const f = s.fields(place, ['most', 'least'], ['most', 'least']);
      const most = s.integer(f.most, 0, Number.MAX_SAFE_INTEGER, 0);
      const least = s.integer(f.least, 0, Number.MAX_SAFE_INTEGER, 0);
      if (least > most) s.fail(f.least ?? place, 'more than the most a call costs');
      out[key] = Object.freeze({ most, least });
    } else {
      const most = s.integer(place, 0, Number.MAX_SAFE_INTEGER, 0);
      out[key] = Object.freeze({ most, least: most });
    }
  }
  return Object.freeze(out);
}

/** The fields of `Authority` and `Ceilings`, for the lists of known fields. */
export const AUTHORITY_FIELDS = ['tools', 'data', 'deny'] as const;
export const CEILING_FIELDS = ['life', 'delegations', 'budgets'] as const;

/** What a layer leaves. Tools and data belong together: who states one must state the other. */
export function authority(
  s: Shape,
  at: Place,
  f: { readonly tools?: Place; readonly data?: Place; readonly deny?: Place },
  otherwise: { readonly tools: readonly string[]; readonly data: readonly string[] } | null,
): UserAuthority {
  if (otherwise === null && (f.tools === undefined) !== (f.data === undefined)) {
    s.fail(at, 'tools and data belong together: state both (data: [] for tools that touch no labeled data)');
  }
  return Object.freeze({
    tools: f.tools === undefined ? (otherwise?.tools ?? NONE) : patterns(s, f.tools),
    data: f.data === undefined ? (otherwise?.data ?? NONE) : labels(s, f.data),
    deny: patterns(s, f.deny),
  });
}

/** Bounds a layer sets. */
export function ceilings(
  s: Shape,
  f: { readonly life?: Place; readonly delegations?: Place; readonly budgets?: Place },
): Ceilings {
  return {
    ...(f.life === undefined ? {} : { life: life(s, f.life, 1) }),
    ...(f.delegations === undefined
      ? {}
      : { delegations: s.integer(f.delegations, 0, LIMITS.delegations, 0) }),
    budgets: budgets(s, f.budgets),
  };
}

/** A session's life in seconds. */
export function life(s: Shape, at: Place | undefined, otherwise: number): number {
  const seconds = s.duration(at, 1, otherwise);
  if (at !== undefined && seconds > LONGEST_LIFE) s.fail(at, 'a session lives 30 days at most');
  return seconds;
}

const BUDGET_FIELDS = ['unit', 'limit', 'window', 'sliding', 'argument', 'tools'] as const;

/** Budget entries, in the order of the text. */
export function budgets(s: Shape, at: Place | undefined): readonly Budget[] {
  const out = s.items(at, LIMITS.counters).map((item): Budget => {
    const f = s.fields(item, BUDGET_FIELDS, ['unit', 'limit']);
    const unit = s.text(f.unit, BUDGET_UNITS.join(', '), (text) => BUDGET_UNITS.some((u) => u === text));
    if (f.unit !== undefined && (unit === 'sum' || unit === 'cost') !== (f.argument !== undefined)) {
      s.fail(item, 'argument: what is added up belongs to unit sum or cost, and to no other');
    }
    const window = f.window === undefined ? undefined : s.duration(f.window, 1, 1);
    const sliding = s.boolean(f.sliding, false);
    if (sliding && (window ?? LONGEST_SLIDING + 1) > LONGEST_SLIDING)
      s.fail(item, `sliding: needs a window of at most ${LONGEST_SLIDING} seconds`);
    if (f.tools?.node.kind === 'list' && f.tools.node.items.length === 0)
      s.fail(f.tools, 'name at least one tool');
    return Object.freeze({
      unit: BUDGET_UNITS.find((u) => u === unit) ?? 'calls',
      limit: s.integer(f.limit, 0, Number.MAX_SAFE_INTEGER, 0),
      ...(window === undefined ? {} : { window }),
      ...(sliding ? { sliding } : {}),
      ...(f.argument === undefined ? {} : { argument: name(s, f.argument, 'the name of an argument') }),
      ...(f.tools === undefined ? {} : { tools: patterns(s, f.tools) }),
    });
  });
  return Object.freeze(out);
}

/** Public keys by name. A wrong key text is not repeated in a message, because it may be a secret key. */
export function keys<U extends PublicUse>(
  s: Shape,
  at: Place | undefined,
  use: U,
): ReadonlyMap<string, PublicKey<U>> {
  const out = new Map<string, PublicKey<U>>();
  const seen = new Map<string, string>();
  for (const [key, place, entry] of s.entries(at, TABLE_LIMITS.keys)) {
    if (!isName(key)) s.fail({ node: entry, path: place.path }, 'not a name');
    if (place.node.kind !== 'text') {
      s.fail(place, `expected a public key (ambpub_${use}_...)`);
      continue;
    }
    try {
      const parsed = PublicKey.parse(use, place.node.value);
      const twin = seen.get(parsed.toString());
      if (twin !== undefined) s.fail(place, `the same key as ${twin}`);
      seen.set(parsed.toString(), key);
      out.set(key, parsed);
    } catch (error) {
      if (!(error instanceof AmbitError)) throw error;
      s.fail(place, error.message);
    }
  }
  return out;
}

const NONE: readonly string[] = Object.freeze([]);
