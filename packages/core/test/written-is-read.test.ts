// Whatever mint, attenuate and delegate write, a verifier reads (findings B1, B2): over the whole vocabulary at its
// limits. What can't be read must not be written: the holder would have a token that is refused everywhere, for good.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AmbitError, attenuate, delegate, mint, restrict } from '@ambit/core';
import type { Budget, Constraint, HolderGrantSpec, Restriction } from '@ambit/core';
import {
  baseSpec,
  COLD,
  holder,
  issuerSigner,
  keyring,
  LONG,
  mintBase,
  NOW,
  seals,
  verifierWith,
} from './sample.ts';

const verifier = verifierWith({ ...COLD, seals });

// Lengths around every limit of a text, in characters of one, two, three and four bytes, and some that no name may hold.
const sizes = fc.constantFrom(0, 1, 2, 85, 127, 128, 255, 256, 257, 1022, 1023, 1024, 1025);
const units = fc.constantFrom(
  'a',
  'A',
  '\u00e9',
  '\u4e00',
  '\u{1f980}',
  '\u0301',
  '\u200b',
  '\u202e',
  '\ud800',
  '\u0000',
  '\u2028',
  '.',
  '-',
  '1',
  '%',
  '\ufeff',
);
const text = fc.tuple(sizes, units).map(([n, unit]) => unit.repeat(n).slice(0, 1100));
const around = (prefix: string, suffix = ''): fc.Arbitrary<string> =>
  fc
    .tuple(sizes, units)
    .map(([n, unit]) => prefix + unit.repeat(Math.max(0, n - prefix.length - suffix.length)) + suffix);
const oneOf = (...texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts);
const number = fc.constantFrom(
  -1,
  -0,
  0,
  1,
  0.5,
  16,
  17,
  1023,
  1024,
  65535,
  65536,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53 - 1),
  1e-7,
  Number.NaN,
  Number.POSITIVE_INFINITY,
);
const whole = fc.constantFrom(0, 1, 16, 23, 24, 255, 256, 2 ** 32, 2 ** 53 - 1);
const count = fc.constantFrom(0, 1, 2, 23, 24, 255, 256, 257);
/** A list whose items are all `item`, or of which one is `odd`. */
const listOf = (item: fc.Arbitrary<string>, odd: fc.Arbitrary<string> = item): fc.Arbitrary<string[]> =>
  fc
    .tuple(count, item, odd, fc.boolean())
    .map(([n, x, y, mixed]) => Array.from({ length: n }, (_, i) => (mixed && i === n - 1 ? y : x)));

const tool = fc.oneof(
  oneOf('a', 'a.b/c', 'a.*', 'a/*', 'a*', '*', 'a..b'),
  around('t', '*'),
  around('t.', '.*'),
  text,
);
const label = fc.oneof(oneOf('public', 'a:b.c'), text);
const pathPattern = fc.oneof(
  oneOf('/', '/*', '/a/*', '/a//*', '/a%20b', '/a/..;/b'),
  around('/'),
  around('/', '/*'),
  text,
);
const cidr = fc.oneof(
  oneOf(
    '10.0.0.0/8',
    '0.0.0.0/0',
    '::/0',
    '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/128',
    '::ffff:10.0.0.0/104',
    '10.0.0.1/8',
  ),
  text,
);
const patterns = fc.oneof(
  oneOf('', 'a{1023}', 'a{1022}', '(a?){340}', '(a?){341}', 'a|', '[^]', '\\_', '[\\d-z]', '(a{1025}){0}'),
  text,
);
const json: fc.Arbitrary<never> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  text,
  number,
  fc.constantFrom(1019, 1020, 1021, 1022, 1023).map((n) => 'a'.repeat(n)),
  fc.constant([[[[[[[[[]]]]]]]]]),
) as fc.Arbitrary<never>;
const bounds = fc.record({ min: number, max: number }, { requiredKeys: [] });
const host = fc.oneof(
  oneOf(
    'a.example',
    '*.a.example',
    '*',
    '[2001:db8::1]',
    '[::ffff:102:304]',
    '[::ffff:1.2.3.4]',
    '10.0.0.1',
    'A.example',
  ),
  around('h.').map((h) => h.slice(0, 255)),
  text,
);
const leaf: fc.Arbitrary<Constraint> = fc.oneof(
  json.map((value): Constraint => ({ kind: 'equals', value })),
  fc.array(json, { maxLength: 3 }).map((values): Constraint => ({ kind: 'oneOf', values })),
  count.map((n): Constraint => ({ kind: 'oneOf', values: Array.from({ length: n }, (_, i) => i) })),
  bounds.map((b): Constraint => ({ kind: 'range', ...b })),
  bounds.map((b): Constraint => ({ kind: 'length', ...b })),
  patterns.map((pattern): Constraint => ({ kind: 'pattern', pattern })),
  listOf(fc.oneof(oneOf('/', '/srv', '/srv/'), around('/'))).map((roots): Constraint => ({
    kind: 'subpath',
    roots,
  })),
  fc
    .record(
      {
        hosts: listOf(host),
        schemes: listOf(oneOf('https', 'ws', 'ftp')),
        ports: fc.array(number, { maxLength: 3 }),
        paths: listOf(around('/')),
      },
      { requiredKeys: ['hosts'] },
    )
    .map((u): Constraint => ({ kind: 'url', ...u })),
  listOf(cidr).map((networks): Constraint => ({ kind: 'cidr', networks })),
  listOf(host).map((domains): Constraint => ({ kind: 'email', domains })),
  fc.constant<Constraint>({ kind: 'absent' }),
);
const constraint: fc.Arbitrary<Constraint> = fc
  .tuple(leaf, fc.array(fc.constantFrom('each', 'all', 'many'), { maxLength: 4 }))
  .map(([inner, wraps]) =>
    wraps.reduce<Constraint>(
      (c, wrap) =>
        wrap === 'each'
          ? { kind: 'each', constraint: c }
          : { kind: 'all', constraints: wrap === 'all' ? [c, c] : [c] },
      inner,
    ),
  );
const budget: fc.Arbitrary<Budget> = fc.record(
  {
    unit: fc.constantFrom(
      'calls' as const,
      'external' as const,
      'bytes' as const,
      'sum' as const,
      'cost' as const,
    ),
    sliding: fc.boolean(),
    limit: fc.oneof(whole, number),
    window: whole,
    argument: text,
    pool: text,
    tools: listOf(tool),
  },
  { requiredKeys: ['unit', 'limit'] },
);
const budgets = fc
  .tuple(budget, fc.constantFrom(0, 1, 2, 16, 17))
  .map(([b, n]) => Array.from({ length: n }, () => b));

type Types = Restriction['type'];
/** By kind; a caveat without an entry does not compile. */
const RESTRICTIONS: { readonly [T in Types]: fc.Arbitrary<Restriction> } = {
  time: fc
    .record({ notBefore: fc.oneof(whole, number), expires: fc.oneof(whole, number) }, { requiredKeys: [] })
    .map((t) => ({ type: 'time' as const, ...t })),
  audience: listOf(text).map((names) => restrict.audience(...names)),
  tools: listOf(tool).map((tools) => restrict.tools(...tools)),
  deny: listOf(tool).map((tools) => restrict.deny(...tools)),
  args: fc
    .tuple(
      listOf(tool),
      fc.oneof(
        fc.dictionary(fc.oneof(oneOf('q', '__proto__', 'constructor', '0'), text), constraint, {
          maxKeys: 2,
        }),
        count.map((n) =>
          Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, { kind: 'absent' as const }])),
        ),
      ),
      fc.boolean(),
    )
    .map(([tools, args, closed]) => restrict.args(tools, args, { closed })),
  data: listOf(label).map((labels) => restrict.data(...labels)),
  budget: budgets.map((list) => restrict.budget(...list)),
  depth: fc.oneof(whole, number).map((n) => restrict.depth(n)),
  http: fc
    .tuple(listOf(fc.oneof(oneOf('GET', 'get'), around('M'))), listOf(pathPattern))
    .map(([methods, paths]) => restrict.http(methods, paths)),
  net: listOf(cidr).map((cidrs) => restrict.net(...cidrs)),
  once: fc.constant(restrict.once()),
  note: fc.oneof(text, around('n')).map((words) => restrict.note(words)),
  flow: fc
    .tuple(fc.constantFrom('refuse' as const, 'named' as const, 'approval' as const), listOf(tool))
    .map(([rule, tools]) => restrict.flow(rule, ...tools)),
};

/** Whether `write` wrote a token; what it wrote must be read. A refusal to write says what is wrong (never a crash). */
function writes(write: () => string, ...more: readonly Restriction[]): boolean {
  let token: string;
  try {
    token = write();
  } catch (error) {
    // A wrong call is a TypeError or RangeError of ours, which names the parameter: `time: expected ...`.
    const ours =
      error instanceof AmbitError || (error instanceof Error && /^[a-z][\w ]*: /.test(error.message));
    if (!ours) throw error;
    return false;
  }
  const answer = verifier.identify(token);
  if (!answer.ok)
    throw new Error(`written, and not read: ${answer.message} ${JSON.stringify(more).slice(0, 400)}`);
  return true;
}

const RUNS = LONG ? 20_000 : 500;

test('findings B1, B2: every caveat that attenuate writes is read, and each is written as well as refused', () => {
  const written = new Map<string, number>();
  const refused = new Map<string, number>();
  const base = mintBase();
  for (const [type, arb] of Object.entries(RESTRICTIONS)) {
    fc.assert(
      fc.property(arb, (restriction) => {
        const tally = writes(() => attenuate(base, restriction), restriction) ? written : refused;
        tally.set(type, (tally.get(type) ?? 0) + 1);
      }),
      { numRuns: RUNS },
    );
  }
  const types = Object.keys(RESTRICTIONS);
  expect([...written.keys()].sort()).toEqual(types.toSorted());
  // `once` has no operand to get wrong.
  expect([...refused.keys()].sort()).toEqual(types.filter((type) => type !== 'once').toSorted());
});

test('findings B1, B2: the longest of each, named', () => {
  const longest: readonly (readonly [string, Restriction])[] = [
    ['a path of 256 bytes', restrict.http(['GET'], [`/${'x'.repeat(255)}`])],
    ['a path of 257 bytes', restrict.http(['GET'], [`/${'x'.repeat(256)}`])],
    ['a path of 1024 bytes', restrict.http(['GET'], [`/${'x'.repeat(1023)}`])],
    ['a path pattern of 1024 bytes', restrict.http(['GET'], [`/${'x'.repeat(1021)}/*`])],
    [
      '256 arguments',
      restrict.args(
        ['*'],
        Object.fromEntries(Array.from({ length: 256 }, (_, i) => [`a${i}`, { kind: 'absent' }])),
      ),
    ],
    ['256 tools', restrict.tools(...Array.from({ length: 256 }, (_, i) => `t${i}`))],
    ['a pattern of 1024 states', restrict.args(['*'], { v: { kind: 'pattern', pattern: 'a{1022}' } })],
  ];
  for (const [name, restriction] of longest)
    expect([name, writes(() => attenuate(mintBase(), restriction))]).toEqual([name, true]);
  const beyond: readonly (readonly [string, Restriction])[] = [
    ['a path of 1025 bytes', restrict.http(['GET'], [`/${'x'.repeat(1024)}`])],
    ['a path pattern of 1025 bytes', restrict.http(['GET'], [`/${'x'.repeat(1022)}/*`])],
    [
      '257 arguments',
      restrict.args(
        ['*'],
        Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`a${i}`, { kind: 'absent' }])),
      ),
    ],
    ['257 tools', restrict.tools(...Array.from({ length: 257 }, (_, i) => `t${i}`))],
    ['a pattern of 1025 states', restrict.args(['*'], { v: { kind: 'pattern', pattern: 'a{1023}' } })],
  ];
  for (const [name, restriction] of beyond)
    expect(() => attenuate(mintBase(), restriction), name).toThrow(AmbitError);
});

const grants: fc.Arbitrary<Partial<HolderGrantSpec>> = fc.record(
  {
    operator: fc.record({ id: text }),
    model: fc.record({ id: text, digest: fc.constantFrom(new Uint8Array(32), new Uint8Array(31)) }),
    session: text,
    user: text,
    tools: listOf(tool),
    data: listOf(label),
    deny: listOf(tool),
    budgets,
    delegations: number,
    issuedAt: fc.oneof(whole, number),
    expires: fc.oneof(whole, number),
    tokenId: fc.constantFrom(new Uint8Array(16), new Uint8Array(17)),
    restrictions: fc.array(fc.oneof(...Object.values(RESTRICTIONS)), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

test('findings B1, B2: every grant that mint writes is read, sealed or not', () => {
  let written = 0;
  fc.assert(
    // One field at a time as often as all at once, which are rarely all sound.
    fc.property(
      grants,
      fc.option(
        fc.constantFrom('user', 'tools', 'data', 'deny', 'budgets', 'delegations', 'restrictions', 'expires'),
      ),
      fc.boolean(),
      (spec, only, sealed) => {
        const some = only === null ? spec : { [only]: spec[only as keyof typeof spec] };
        const known = Object.fromEntries(Object.entries(some).filter(([, value]) => value !== undefined));
        if (writes(() => mint(keyring, { ...baseSpec, ...known }, sealed ? issuerSigner : undefined)))
          written++;
      },
    ),
    { numRuns: 2 * RUNS },
  );
  expect(written).toBeGreaterThan(RUNS / 4);
});

test('findings B1, B2: every delegation that delegate writes is read', () => {
  let written = 0;
  const token = mintBase({ delegations: 16 });
  fc.assert(
    fc.property(
      text,
      fc.oneof(whole, number),
      fc.array(fc.oneof(...Object.values(RESTRICTIONS)), { maxLength: 1 }),
      (words, time, restrictions) => {
        const link = { to: holder(1).publicKey, label: words, time, restrictions };
        if (writes(() => delegate(token, link, holder(0)))) written++;
      },
    ),
    { numRuns: RUNS },
  );
  expect(written).toBeGreaterThan(RUNS / 20);
  // The deepest chain, and one more.
  let chain = token;
  for (let i = 0; i < 16; i++)
    chain = delegate(chain, { to: holder(i + 1).publicKey, label: 'x', time: NOW }, holder(i));
  expect(writes(() => chain)).toBe(true);
  expect(() => delegate(chain, { to: holder(17).publicKey, label: 'x', time: NOW }, holder(16))).toThrow(
    AmbitError,
  );
});
