// Makers of random constraints, caveats, calls and facts. The universe is small, so that random caveats and random
// requests meet often: a property over tokens that allow nothing would be vacuous.
import fc from 'fast-check';
import type { Budget, Call, CaveatOf, Constraint, Facts, Restriction } from '@ambit/core';
import { AUDIENCE, makeCall, T0 } from './keys.ts';

export const TOOLS = [
  'web_search',
  'web_fetch',
  'files.read',
  'files.write.raw',
  'mail/send',
  'db.admin.drop',
] as const;
export const PATTERNS = [
  ...TOOLS,
  'files.*',
  'files.write.*',
  'web_*',
  'mail/*',
  'db.*',
  '*',
  'nothing',
] as const;
export const LABELS_USED = ['public', 'internal', 'internal:research', 'internal:hr', 'secret'] as const;
const AUDIENCES = [AUDIENCE, 'mail.acme.com', 'files.acme.com'] as const;
const PATHS = ['/srv/docs/a.txt', '/srv/docs', '/srv/docs-evil/a', '/etc/passwd', '/srv/../etc'] as const;
const URLS = [
  'https://api.acme.com/v1/x',
  'https://acme.com.evil.org/',
  'http://169.254.169.254/',
  'https://acme.com/',
] as const;
const MAILS = ['jane@acme.com', 'bob@evil.org', '"x"@acme.com'] as const;
const ADDRESSES = ['10.1.2.3', '192.168.0.9', '::1', '::ffff:10.1.2.3', '010.1.2.3'] as const;

export const some = <T>(from: readonly T[], min: number, max: number): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...from), { minLength: min, maxLength: max });

/** Arguments over a small universe: every name any constraint speaks of, present or not. */
export const argsArb: fc.Arbitrary<{ [name: string]: unknown }> = fc.record(
  {
    q: fc.constantFrom('macaroons', 'x', '', 'a'.repeat(40)),
    n: fc.constantFrom(0, 1, 5, 50, 2.5, -3),
    path: fc.constantFrom(...PATHS),
    url: fc.constantFrom(...URLS),
    to: fc.oneof(fc.constantFrom(...MAILS), fc.array(fc.constantFrom(...MAILS), { maxLength: 3 })),
    ip: fc.constantFrom(...ADDRESSES),
    extra: fc.constantFrom(null, true, { deep: [1, 'x'] }),
  },
  { requiredKeys: [] },
);

const leafArb: fc.Arbitrary<Constraint> = fc.oneof(
  fc.constantFrom<Constraint>(
    { kind: 'equals', value: 'macaroons' },
    { kind: 'equals', value: { deep: [1, 'x'] } },
    { kind: 'oneOf', values: ['macaroons', 'x', 5, 'jane@acme.com'] },
    { kind: 'range', min: 0, max: 10 },
    { kind: 'range', max: 2.5 },
    { kind: 'length', min: 1 },
    { kind: 'length', max: 9 },
    { kind: 'pattern', pattern: '[a-z@.]*' },
    { kind: 'pattern', pattern: 'm(a|c)+roons' },
    { kind: 'subpath', roots: ['/srv/docs'] },
    { kind: 'url', hosts: ['api.acme.com', 'acme.com'] },
    { kind: 'url', hosts: ['*'], schemes: ['https', 'http'] },
    { kind: 'cidr', networks: ['10.0.0.0/8', '::1/128'] },
    { kind: 'email', domains: ['acme.com'] },
  ),
);
/** A constraint that says something sensible about the argument `name`, mostly. */
export const constraintArb: fc.Arbitrary<Constraint> = fc.oneof(
  { weight: 6, arbitrary: leafArb },
  { weight: 1, arbitrary: leafArb.map((constraint): Constraint => ({ kind: 'each', constraint })) },
  { weight: 1, arbitrary: fc.constant<Constraint>({ kind: 'absent' }) },
  {
    weight: 1,
    arbitrary: fc.tuple(leafArb, leafArb).map(([a, b]): Constraint => ({ kind: 'all', constraints: [a, b] })),
  },
);

const KINDLY: { readonly [name: string]: readonly Constraint[] } = {
  q: [
    { kind: 'length', max: 40 },
    { kind: 'pattern', pattern: '[a-z]*' },
    { kind: 'oneOf', values: ['macaroons', 'x', '', 'a'.repeat(40)] },
  ],
  n: [
    { kind: 'range', min: -5 },
    { kind: 'range', min: -3, max: 50 },
  ],
  path: [
    { kind: 'pattern', pattern: '/[a-z./-]*' },
    { kind: 'length', min: 1, max: 60 },
  ],
  url: [{ kind: 'length', max: 100 }],
  to: [{ kind: 'length', min: 0 }],
  ip: [{ kind: 'length', min: 1 }],
  extra: [],
};

export interface Scene {
  readonly call: Call;
  readonly facts: Facts;
  readonly args: { readonly [name: string]: unknown };
}

/** A call with its facts. */
export const sceneArb: fc.Arbitrary<Scene> = fc
  .record({
    tool: fc.constantFrom(...TOOLS),
    args: argsArb,
    http: fc.option(
      fc.record({
        method: fc.constantFrom('GET', 'POST', 'DELETE'),
        origin: fc.constant('https://search.acme.com'),
        target: fc.constantFrom('/v1/search?q=1', '/v1/files/a', '/admin', '/v1/../admin', '/v1//x'),
      }),
      { freq: 8, nil: undefined },
    ),
    now: fc.integer({ min: T0, max: T0 + 900 }),
    data: fc.option(some(LABELS_USED.slice(0, 4), 0, 2), { freq: 12, nil: undefined }),
    external: fc.option(fc.boolean(), { nil: undefined }),
    bytes: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 6, nil: undefined }),
    cost: fc.option(
      fc.integer({ min: 0, max: 40 }).map((tokens) => ({ tokens })),
      { freq: 6, nil: undefined },
    ),
    address: fc.option(fc.constantFrom(...ADDRESSES), { freq: 6, nil: undefined }),
    flow: fc.option(
      fc.record({
        untrusted: some(['web', 'mail'], 0, 1),
        destinationsNamed: fc.boolean(),
        approved: fc.boolean(),
      }),
      { freq: 8, nil: undefined },
    ),
  })
  .map(({ tool, args, http, now, ...rest }) => {
    const known = Object.fromEntries(Object.entries(rest).filter(([, v]) => v !== undefined));
    return {
      call: makeCall({ tool, args, ...(http === undefined ? {} : { http }) }),
      facts: { now, ...known },
      args,
    };
  });

export const budgetArb: fc.Arbitrary<Budget> = fc.oneof(
  fc.record({
    unit: fc.constantFrom('calls' as const, 'external' as const),
    limit: fc.integer({ min: 0, max: 4 }),
  }),
  fc.record({
    unit: fc.constant('calls' as const),
    limit: fc.integer({ min: 1, max: 3 }),
    window: fc.constantFrom(60, 3600),
    sliding: fc.boolean(),
  }),
  fc.record({
    unit: fc.constant('calls' as const),
    limit: fc.integer({ min: 0, max: 3 }),
    tools: some(PATTERNS, 1, 2),
  }),
  fc.record({ unit: fc.constant('bytes' as const), limit: fc.integer({ min: 0, max: 90 }) }),
  fc.record({
    unit: fc.constant('sum' as const),
    limit: fc.integer({ min: 0, max: 90 }),
    argument: fc.constant('n'),
  }),
  fc.record({
    unit: fc.constant('cost' as const),
    limit: fc.integer({ min: 0, max: 90 }),
    argument: fc.constant('tokens'),
  }),
);

/** Any caveat of each type, whatever the request: a type that is missing here does not compile. */
export const CAVEAT_ARBS: { readonly [T in Restriction['type']]: fc.Arbitrary<CaveatOf<T>> } = {
  time: fc.oneof(
    fc.record({ type: fc.constant('time'), expires: fc.integer({ min: T0, max: T0 + 1900 }) }),
    fc.record({ type: fc.constant('time'), notBefore: fc.integer({ min: T0 - 100, max: T0 + 900 }) }),
  ),
  audience: fc.record({ type: fc.constant('audience'), audiences: some(AUDIENCES, 0, 3) }),
  tools: fc.record({ type: fc.constant('tools'), tools: some(PATTERNS, 0, 6) }),
  deny: fc.record({ type: fc.constant('deny'), tools: some(PATTERNS, 1, 2) }),
  data: fc.record({ type: fc.constant('data'), labels: some(LABELS_USED, 0, 4) }),
  args: fc.record({
    type: fc.constant('args'),
    tools: some(PATTERNS, 1, 4),
    args: fc
      .dictionary(fc.constantFrom('q', 'n', 'path', 'url', 'to', 'ip', 'extra'), constraintArb, {
        minKeys: 1,
        maxKeys: 2,
      })
      .map((d) => new Map(Object.entries(d))),
    closed: fc.boolean(),
  }),
  budget: fc.record({ type: fc.constant('budget'), budgets: fc.array(budgetArb, { maxLength: 2 }) }),
  depth: fc.record({ type: fc.constant('depth'), delegations: fc.integer({ min: 0, max: 3 }) }),
  http: fc.record({
    type: fc.constant('http'),
    methods: some(['GET', 'POST'], 0, 2),
    paths: some(['/v1/*', '/admin', '/*'], 0, 2),
  }),
  net: fc.record({ type: fc.constant('net'), cidrs: some(['10.0.0.0/8', '::1/128', '0.0.0.0/0'], 0, 2) }),
  once: fc.constant({ type: 'once' }),
  note: fc.record({ type: fc.constant('note'), text: fc.constantFrom('for the report', 'Zweck: Suche') }),
  flow: fc.record({
    type: fc.constant('flow'),
    tools: some(PATTERNS, 1, 3),
    rule: fc.constantFrom('refuse', 'named', 'approval'),
  }),
};

/** Any caveat at all, whatever the request. */
export const restrictionArb: fc.Arbitrary<Restriction> = fc.oneof(...Object.values(CAVEAT_ARBS));

/**
 * For each type a caveat that lets the scene through, by a road of its own and not by asking the evaluator; null where
 * the scene has nothing for it. A type that is missing here does not compile; kinds.test.ts asks whether it allows.
 */
export const KIND_ARBS: {
  readonly [T in Restriction['type']]: (scene: Scene) => fc.Arbitrary<CaveatOf<T>> | null;
} = {
  time: ({ facts: { now } }) =>
    fc.oneof(
      fc.record({ type: fc.constant('time'), expires: fc.integer({ min: now + 1, max: now + 900 }) }),
      fc.record({
        type: fc.constant('time'),
        notBefore: fc.integer({ min: now - 900, max: now }),
        expires: fc.constant(now + 1000),
      }),
    ),
  audience: () =>
    some(AUDIENCES.slice(1), 0, 2).map((more) => ({ type: 'audience', audiences: [AUDIENCE, ...more] })),
  tools: ({ call }) =>
    some(PATTERNS, 0, 3).map((more) => ({ type: 'tools', tools: [...new Set([call.tool, ...more])] })),
  deny: ({ call }) =>
    fc.record({
      type: fc.constant('deny'),
      tools: some(
        TOOLS.filter((t) => t !== call.tool),
        1,
        2,
      ),
    }),
  data: ({ facts }) =>
    some(LABELS_USED, 0, 2).map((more) => ({
      type: 'data',
      labels: [...new Set([...(facts.data ?? []), ...more])],
    })),
  args: ({ call, args }) => {
    const names = Object.keys(args).filter((n) => (KINDLY[n]?.length ?? 0) > 0);
    if (names.length === 0) return null;
    return fc.constantFrom(...names).chain((name) =>
      fc.constantFrom(...KINDLY[name]!).map((k) => ({
        type: 'args',
        tools: [call.tool],
        args: new Map([[name, k]]),
        closed: false,
      })),
    );
  },
  // What a call costs is a fact that a scene may lack.
  budget: ({ facts }) =>
    budgetArb
      .filter((b) => b.unit !== 'cost' || facts.cost !== undefined)
      .map((b) => {
        const room = b.unit === 'calls' || b.unit === 'external' ? 1 : 60;
        return { type: 'budget', budgets: [{ ...b, limit: b.limit + room }] };
      }),
  depth: () => fc.record({ type: fc.constant('depth'), delegations: fc.integer({ min: 2, max: 5 }) }),
  http: ({ call: { http } }) =>
    http?.target.startsWith('/v1/search') === true
      ? fc.constant({ type: 'http', methods: [http.method], paths: ['/v1/*'] })
      : null,
  net: ({ facts }) =>
    facts.address === '10.1.2.3' ? fc.constant({ type: 'net', cidrs: ['10.0.0.0/8'] }) : null,
  once: () => fc.constant({ type: 'once' }),
  note: () => fc.constant({ type: 'note', text: 'kind' }),
  flow: ({ call, facts: { flow } }) =>
    flow !== undefined && (flow.untrusted.length === 0 || flow.approved)
      ? fc.constant({ type: 'flow', tools: [call.tool], rule: 'refuse' })
      : null,
};

/** A caveat that lets the scene through. */
export const kindRestrictionArb = (scene: Scene): fc.Arbitrary<Restriction> =>
  fc.oneof(
    ...Object.values(KIND_ARBS)
      .map((make) => make(scene))
      .filter((arb) => arb !== null),
  );
