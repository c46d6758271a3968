// What the suites of core share: fixed keys and times, makers of random grants, caveats, calls and facts, a ledger
// in memory, and tokens forged byte by byte under the right key. The universe is small, so that random caveats and
// random requests meet often: a property over tokens that allow nothing would be vacuous.
import fc from 'fast-check';
import {
  attenuate,
  parseCall,
  createVerifier,
  delegate,
  deriveKey,
  encodeCbor,
  Keyring,
  mint,
  publicKey,
  SecretKey,
  signer,
  type Budget,
  type Call,
  type Cbor,
  type Charges,
  type Constraint,
  type Facts,
  type HolderGrantSpec,
  type Ledger,
  type LedgerAnswer,
  type Provider,
  type Restriction,
  type Signer,
  type Verifier,
  type VerifierOptions,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { newToken } from '../src/token/mac.ts';
import { items, readToken, tokenText } from '../src/token/frame.ts';

export const LONG: boolean = process.env['AMBIT_LONG'] === '1';
/** 2026-03-01T14:00:00Z */
export const T0 = 1_772_373_600;
export const NOW: number = T0 + 300;
export const AUDIENCE = 'search.acme.com';
export const ISSUER = 'acme-iam';

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n);
/** A fixed 16-byte value. */
export const bytes16 = (n: number): Uint8Array => new Uint8Array(16).fill(n);

export const rootKey = new SecretKey('root', seed(0x11));
export const keyring = new Keyring(ISSUER, [{ keyId: 'k1', status: 'current', root: rootKey }]);
export const issuerSecret = new SecretKey('issuer', seed(0x22));
export const issuerSigner: Signer<'issuer'> = signer(issuerSecret, nodeProvider);
/** Holders 0 to 19, in the order in which chains use them. */
export const holders: readonly Signer<'holder'>[] = Array.from({ length: 20 }, (_, i) =>
  signer(new SecretKey('holder', seed(0x40 + i)), nodeProvider),
);
export const holder = (i: number): Signer<'holder'> => holders[i]!;
export const x25519Secret = new SecretKey('x25519', seed(0x33));

/** The verification key of this audience, as bytes: what lets a test forge. */
export const K: Uint8Array = deriveKey(ISSUER, keyring.current, AUDIENCE).unsafeBytes();

export const baseSpec: HolderGrantSpec = {
  operator: { id: 'acme-corp', config: seed(0x51) },
  model: { id: 'razorsec-agent-v2.1', digest: seed(0x52) },
  session: 'agt-2026-03-01-a7f3e2',
  user: 'analyst-jane@acme.com',
  tools: ['web_search', 'files.*', 'mail/send'],
  data: ['public', 'internal'],
  delegations: 3,
  issuedAt: T0,
  expires: T0 + 1800,
  audience: AUDIENCE,
  tokenId: bytes16(0x07),
  holder: holder(0).publicKey,
};

export const mintBase = (more: Partial<HolderGrantSpec> = {}, seal?: Signer<'issuer'>): string =>
  mint(keyring, { ...baseSpec, ...more }, seal);

export const seals = [{ issuer: ISSUER, key: publicKey(issuerSecret, nodeProvider) }];

/** A verifier of AUDIENCE with noble's place taken by node:crypto; colder with `cache: {tokens: 0, delegations: 0}`. */
export const verifierWith = (more: Partial<VerifierOptions> = {}): Verifier =>
  createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    seals,
    provider: nodeProvider,
    ...more,
  });
export const COLD = { cache: { tokens: 0, delegations: 0 } } as const;

export const facts = (more: Partial<Facts> = {}): Facts => ({ now: NOW, data: [], ...more });

/** A call that is known to be well-formed. */
export function makeCall(input: Parameters<typeof parseCall>[0]): Call {
  const made = parseCall(input);
  if (!made.ok) throw new TypeError(`test call: ${made.message}`);
  return made.call;
}
export const search: Call = makeCall({ tool: 'web_search', args: { q: 'macaroons' } });

/** Counts what a verifier asks of a provider. */
export function countingProvider(
  inner: Provider = nodeProvider,
): Provider & { calls: number; verifies: number } {
  const counting = {
    name: inner.name,
    calls: 0,
    verifies: 0,
    verify(k: Uint8Array, m: Uint8Array, s: Uint8Array): boolean {
      counting.calls++;
      counting.verifies++;
      return inner.verify(k, m, s);
    },
    sign: (s: Uint8Array, m: Uint8Array): Uint8Array => inner.sign(s, m),
    publicKey: (s: Uint8Array): Uint8Array => inner.publicKey(s),
    x25519(s: Uint8Array, p: Uint8Array): Uint8Array | null {
      counting.calls++;
      return inner.x25519(s, p);
    },
    x25519PublicKey: (s: Uint8Array): Uint8Array => inner.x25519PublicKey(s),
  };
  return counting;
}

/** A ledger in memory: all or nothing, and it records every time it is asked. */
export class TestLedger implements Ledger {
  readonly spent: Map<string, number>;
  readonly claimed: Set<string>;
  asked = 0;

  constructor(spent: Iterable<[string, number]> = [], claimed: Iterable<string> = []) {
    this.spent = new Map(spent);
    this.claimed = new Set(claimed);
  }

  copy(): TestLedger {
    return new TestLedger(this.spent, this.claimed);
  }

  apply(c: Charges, _now: number): LedgerAnswer {
    this.asked++;
    const after = new Map(this.spent);
    for (const k of c.counters) {
      const key = `${k.id}@${k.windowStart}`;
      const had = after.get(key) ?? 0;
      if (had + k.amount > k.limit)
        return { ok: false, code: 'budget_exceeded', caveat: k.caveat, left: k.limit - had };
      after.set(key, had + k.amount);
    }
    const claims = [...c.once, ...(c.replay === null ? [] : [c.replay])];
    for (const claim of claims) {
      if (this.claimed.has(claim.id)) {
        return { ok: false, code: claim.caveat < 0 ? 'replayed' : 'once_used', caveat: claim.caveat };
      }
    }
    const number = c.sequence === null ? null : `${c.sequence.session}#${c.sequence.sequence}`;
    if (number !== null && this.claimed.has(number)) return { ok: false, code: 'replayed', caveat: -1 };
    for (const [key, n] of after) this.spent.set(key, n);
    for (const claim of claims) this.claimed.add(claim.id);
    if (number !== null) this.claimed.add(number);
    return { ok: true };
  }
}

// Forging: whoever holds a key can MAC anything; what the parser behind the MAC makes of it is what we test.

/** The items of a token's text: grant first, contents only. */
export function itemsOf(token: string): Uint8Array[] {
  const frame = readToken(token);
  if (frame === null) throw new TypeError('test: no token');
  return items(frame).map((i) => i.slice());
}
/** The 32 bytes of a token's tail. */
export function tailOf(token: string): Uint8Array {
  const frame = readToken(token);
  if (frame === null) throw new TypeError('test: no token');
  return frame.bytes.slice(frame.tailAt);
}
/** A token of these item contents with a right MAC under `key`. */
export const remac = (contents: readonly Uint8Array[], key: Uint8Array = K): string =>
  tokenText(newToken(key, contents));
/** A token with raw caveats (values, encoded canonically) appended under the issuer's key. */
export const withRawCaveats = (token: string, ...caveats: readonly Cbor[]): string =>
  remac([...itemsOf(token), ...caveats.map((c) => encodeCbor(c))]);

// Arbitraries.

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

const some = <T>(from: readonly T[], min: number, max: number): fc.Arbitrary<T[]> =>
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
    { kind: 'subpath', roots: ['/'] },
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
);

/** Any caveat at all, whatever the request. */
export const restrictionArb: fc.Arbitrary<Restriction> = fc.oneof(
  fc.record({ type: fc.constant('time' as const), expires: fc.integer({ min: T0, max: T0 + 1900 }) }),
  fc.record({ type: fc.constant('time' as const), notBefore: fc.integer({ min: T0 - 100, max: T0 + 900 }) }),
  fc.record({ type: fc.constant('audience' as const), audiences: some(AUDIENCES, 0, 3) }),
  fc.record({ type: fc.constant('tools' as const), tools: some(PATTERNS, 0, 6) }),
  fc.record({ type: fc.constant('deny' as const), tools: some(PATTERNS, 1, 2) }),
  fc.record({ type: fc.constant('data' as const), labels: some(LABELS_USED, 0, 4) }),
  fc.record({
    type: fc.constant('args' as const),
    tools: some(PATTERNS, 1, 4),
    args: fc
      .dictionary(fc.constantFrom('q', 'n', 'path', 'url', 'to', 'ip', 'extra'), constraintArb, {
        minKeys: 1,
        maxKeys: 2,
      })
      .map((d) => new Map(Object.entries(d))),
    closed: fc.boolean(),
  }),
  fc.record({ type: fc.constant('budget' as const), budgets: fc.array(budgetArb, { maxLength: 2 }) }),
  fc.record({ type: fc.constant('depth' as const), delegations: fc.integer({ min: 0, max: 3 }) }),
  fc.record({
    type: fc.constant('http' as const),
    methods: some(['GET', 'POST'], 0, 2),
    paths: some(['/v1/*', '/admin', '/*'], 0, 2),
  }),
  fc.record({ type: fc.constant('net' as const), cidrs: some(['10.0.0.0/8', '::1/128', '0.0.0.0/0'], 0, 2) }),
  fc.constant<Restriction>({ type: 'once' }),
  fc.record({ type: fc.constant('note' as const), text: fc.constantFrom('for the report', 'Zweck: Suche') }),
  fc.record({
    type: fc.constant('flow' as const),
    tools: some(PATTERNS, 1, 3),
    rule: fc.constantFrom('refuse' as const, 'named' as const, 'approval' as const),
  }),
);

/** A caveat that lets `s` through, by a road of its own and not by asking the evaluator. */
export function kindRestrictionArb({ call: c, facts: f, args }: Scene): fc.Arbitrary<Restriction> {
  const names = Object.keys(args).filter((n) => (KINDLY[n]?.length ?? 0) > 0);
  const list: fc.Arbitrary<Restriction>[] = [
    fc.integer({ min: 1, max: 900 }).map((n) => ({ type: 'time', expires: f.now + n })),
    fc
      .integer({ min: 0, max: 900 })
      .map((n) => ({ type: 'time', notBefore: f.now - n, expires: f.now + 1000 })),
    some(AUDIENCES.slice(1), 0, 2).map((more) => ({ type: 'audience', audiences: [AUDIENCE, ...more] })),
    some(PATTERNS, 0, 3).map((more) => ({ type: 'tools', tools: [...new Set([c.tool, ...more])] })),
    some(
      TOOLS.filter((t) => t !== c.tool),
      1,
      2,
    ).map((tools) => ({ type: 'deny', tools })),
    some(LABELS_USED, 0, 2).map((more) => ({
      type: 'data',
      labels: [...new Set([...(f.data ?? []), ...more])],
    })),
    budgetArb.map((b): Restriction => {
      const room = b.unit === 'calls' || b.unit === 'external' ? 1 : 60;
      return { type: 'budget', budgets: [{ ...b, limit: b.limit + room }] };
    }),
    fc.integer({ min: 2, max: 5 }).map((delegations) => ({ type: 'depth', delegations })),
    fc.constant<Restriction>({ type: 'note', text: 'kind' }),
    fc.constant<Restriction>({ type: 'once' }),
  ];
  if (names.length > 0) {
    list.push(
      fc.constantFrom(...names).chain((name) =>
        fc.constantFrom(...KINDLY[name]!).map((k): Restriction => ({
          type: 'args',
          tools: [c.tool],
          args: new Map([[name, k]]),
          closed: false,
        })),
      ),
    );
  }
  if (c.http?.target.startsWith('/v1/search') === true) {
    list.push(fc.constant<Restriction>({ type: 'http', methods: [c.http.method], paths: ['/v1/*'] }));
  }
  if (f.address === '10.1.2.3') list.push(fc.constant<Restriction>({ type: 'net', cidrs: ['10.0.0.0/8'] }));
  if (f.flow !== undefined && (f.flow.untrusted.length === 0 || f.flow.approved)) {
    list.push(fc.constant<Restriction>({ type: 'flow', tools: [c.tool], rule: 'refuse' }));
  }
  return fc.oneof(...list);
}

/** One step of a derivation. */
export type Step =
  | { readonly kind: 'attenuate'; readonly restrictions: readonly Restriction[] }
  | { readonly kind: 'delegate'; readonly restrictions: readonly Restriction[] };

export interface Lineage extends Scene {
  readonly spec: Partial<HolderGrantSpec>;
  readonly steps: readonly Step[];
}

/** A scene, a grant that mostly allows it, and a derivation of one to six steps that mostly go on allowing it. */
export const lineageArb: fc.Arbitrary<Lineage> = sceneArb.chain((scene) => {
  const restriction = fc.oneof(
    { weight: 5, arbitrary: kindRestrictionArb(scene) },
    { weight: 1, arbitrary: restrictionArb },
  );
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('attenuate' as const, 'attenuate' as const, 'delegate' as const),
    restrictions: fc.array(restriction, { maxLength: 2 }),
  });
  const spec: fc.Arbitrary<Partial<HolderGrantSpec>> = fc.record({
    tools: fc.oneof(
      { weight: 8, arbitrary: some(PATTERNS, 0, 3).map((more) => [...new Set([scene.call.tool, ...more])]) },
      { weight: 1, arbitrary: some(PATTERNS, 0, 4) },
    ),
    data: fc.constantFrom(['public', 'internal'], ['public', 'internal:research', 'internal:hr', 'internal']),
    deny: fc.oneof(
      { weight: 6, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: some(PATTERNS, 1, 1) },
    ),
    budgets: fc.oneof(
      { weight: 3, arbitrary: fc.constant<Budget[]>([]) },
      {
        weight: 2,
        arbitrary: fc.array(
          budgetArb.map((b) => ({ ...b, limit: b.limit + 3 })),
          { maxLength: 2 },
        ),
      },
    ),
    delegations: fc.constantFrom(0, 2, 4),
  });
  return fc
    .record({ spec, steps: fc.array(step, { minLength: 1, maxLength: 5 }) })
    .map((made) => ({ ...scene, ...made }));
});

/** A lineage in which every step hands the token on, so that its chain is as long as its steps are many. */
export const chainArb: fc.Arbitrary<Lineage> = lineageArb.map((l) => ({
  ...l,
  spec: { ...l.spec, delegations: 16 },
  steps: l.steps.map(({ restrictions }) => ({
    kind: 'delegate',
    restrictions: restrictions.filter((r) => r.type !== 'depth'),
  })),
}));

/** A token of a lineage, and who holds it. */
export interface Generation {
  readonly token: string;
  readonly by: Signer<'holder'>;
}

/** Every token of a lineage, root first; steps that can't be made (depth, counters) are left out. */
export function generations(l: Lineage, seal?: Signer<'issuer'>): Generation[] {
  const out: Generation[] = [{ token: mintBase(l.spec, seal), by: holder(0) }];
  let next = 1;
  for (const { kind, restrictions } of l.steps) {
    const { token, by } = out.at(-1)!;
    try {
      if (kind === 'attenuate') out.push({ token: attenuate(token, ...restrictions), by });
      else {
        const to = holder(next);
        out.push({
          token: delegate(token, { to: to.publicKey, label: `agent ${next}`, time: T0, restrictions }, by),
          by: to,
        });
        next++;
      }
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
    }
  }
  return out;
}
