// K3: cost of every kind of caveat against long input of every text that a call or its facts have. The whole of it is
// measured, from untrusted input to the decision: ten times the bytes cost about ten times the time (law L16).
// (Constraints on arguments have cost.test.ts.)
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  authorize,
  delegate,
  mintBearer,
  mint,
  parseCall,
  prove,
  restrict,
  type Caveat,
  type Facts,
} from '../../src/index.ts';
import { cpu, SHAPES } from '../cost-cases.ts';
import {
  AUDIENCE,
  baseSpec,
  facts,
  holder,
  issuerSigner,
  keyring,
  LONG,
  NOW,
  TestLedger,
  verifierWith,
} from '../sample.ts';

const { holder: _, ...spec } = baseSpec;
const bearer = mintBearer(keyring, { ...spec, tools: ['*'], data: ['a'], delegations: 0 });
const names = <T = string>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (__, i) => make(i));

function delegated(): string {
  let token = mint(keyring, { ...baseSpec, tools: ['*'], data: ['a'], delegations: 16 });
  for (let i = 0; i < 16; i++)
    token = delegate(token, { to: holder(i + 1).publicKey, label: `d${i}`, time: NOW }, holder(i));
  return token;
}

/** The heaviest caveat of each kind that a token has room for; a kind without an entry does not compile. */
const HEAVY: { readonly [K in Caveat['type']]: () => string } = {
  time: () => attenuate(bearer, ...names(120, String).map((i) => restrict.expires(NOW + 300 + Number(i)))),
  audience: () => attenuate(bearer, restrict.audience(...names(250, (i) => `s${i}.example`), AUDIENCE)),
  tools: () => attenuate(bearer, restrict.tools(...names(250, (i) => `${'a'.repeat(40)}${i}.*`), 'a*')),
  deny: () => attenuate(bearer, restrict.deny(...names(250, (i) => `${'a'.repeat(40)}${i}.*`))),
  args: () =>
    attenuate(bearer, restrict.args(['*'], { x: { kind: 'length', max: 100_000 } }, { closed: true })),
  data: () => attenuate(bearer, restrict.data(...names(255, (i) => `${'a'.repeat(30)}${i}`), 'a')),
  budget: () =>
    attenuate(bearer, ...names(15, (i) => restrict.sum(`n${i}`, 1e6, [`b${i}`])), restrict.calls(1e6)),
  depth: () => attenuate(bearer, ...names(120, String).map((i) => restrict.depth(Number(i)))),
  delegate: delegated,
  seal: () => mint(keyring, { ...baseSpec, tools: ['*'], data: ['a'] }, issuerSigner),
  http: () =>
    attenuate(
      bearer,
      restrict.http(['GET', 'PUT'], [...names(200, (i) => `/srv/${'a'.repeat(40)}${i}/*`), '/*']),
    ),
  net: () =>
    attenuate(bearer, restrict.net(...names(250, (i) => `2001:db8:${i.toString(16)}::/48`), '0.0.0.0/0')),
  once: () => attenuate(bearer, restrict.once()),
  note: () => attenuate(bearer, ...names(14, (i) => 'n'.repeat(1000 + i)).map((n) => restrict.note(n))),
  flow: () =>
    attenuate(bearer, restrict.flow('refuse', ...names(250, (i) => `${'b'.repeat(40)}${i}.*`), 'a*')),
};

/** Texts of `SHAPES` alone, and lists of them. */
const texts = Object.entries(SHAPES).filter(([, make]) => typeof make(100) === 'string');
const pieces = (text: string): string[] => text.match(/.{1,40}/gsu) ?? [];
const good = {
  tool: 'a',
  args: { x: 'y' },
  http: { method: 'GET', origin: 'https://a.example', target: '/srv' },
};
const known: Facts = facts({
  data: ['a'],
  address: '10.0.0.1',
  external: true,
  bytes: 1,
  flow: { untrusted: [], destinationsNamed: true, approved: true },
});

/** Where a text can stand. The first four are a caller's; the rest are what a host states, and may copy from one. */
const PLACES: { readonly [place: string]: (text: string) => readonly [call: object, facts: Facts] } = {
  'the name of the tool': (text) => [{ ...good, tool: text }, known],
  'the target of the request': (text) => [{ ...good, http: { ...good.http, target: `/${text}` } }, known],
  'an argument': (text) => [{ ...good, args: { x: text } }, known],
  'the name of an argument': (text) => [{ ...good, args: { [text]: 1 } }, known],
  'names of arguments': (text) => [{ ...good, args: Object.fromEntries(pieces(text).map((k, i) => [k + String(i), i])) }, known], // prettier-ignore
  'the address': (text) => [good, { ...known, address: text }],
  'labels of data': (text) => [good, { ...known, data: pieces(text) }],
  'labels that came in': (text) => [good, { ...known, flow: { ...known.flow!, untrusted: pieces(text) } }],
};

const verifier = verifierWith({ bearer: true });

/** From input to decision; the code, or 'ok'. */
function decide(token: string, [input, stated]: readonly [object, Facts]): string {
  const parsed = parseCall(input as Parameters<typeof parseCall>[0]);
  if (!parsed.ok) return parsed.code;
  const { call } = parsed;
  const held = token === tokens.seal ? 0 : token === tokens.delegate ? 16 : null;
  const proof =
    held === null ? undefined : prove(token, call, { audience: AUDIENCE, time: NOW }, holder(held));
  const shown = verifier.verify({ token, proof, call, now: NOW });
  if (!shown.ok) return shown.code;
  const decision = authorize(shown.token, stated, new TestLedger());
  return decision.ok ? 'ok' : decision.code;
}

const tokens = Object.fromEntries(Object.entries(HEAVY).map(([type, make]) => [type, make()])) as {
  readonly [K in Caveat['type']]: string;
};

describe('K3 ten times the input costs about ten times the time', () => {
  it('a short text in each place reaches a decision; only what is no address is refused', () => {
    const codes = Object.entries(PLACES).map(([place, at]) => [place, decide(tokens.net, at('a'))]);
    expect(Object.fromEntries(codes)).toEqual({
      ...Object.fromEntries(Object.keys(PLACES).map((place) => [place, 'ok'])),
      'the address': 'net_refused',
    });
    for (const type of Object.keys(HEAVY) as Caveat['type'][])
      expect(decide(tokens[type], [good, known]), type).toBe('ok');
    expect(texts.length).toBeGreaterThanOrEqual(18);
  });

  it.each(Object.keys(HEAVY) as Caveat['type'][])('L16 %s', { timeout: 300_000 }, (type) => {
    const token = tokens[type];
    const slow: string[] = [];
    let decided = 0;
    for (const [place, at] of Object.entries(PLACES)) {
      for (const [shape, make] of texts) {
        const large = at(make(65_000) as string);
        const cost = cpu(() => decide(token, large), 1);
        decided++;
        // What takes no longer than reading its bytes a few times says nothing about growth.
        if (cost < 2) continue;
        const small = at(make(6500) as string);
        const tenth = cpu(() => decide(token, small), 3);
        const whole = cpu(() => decide(token, large), 3);
        const ratio = whole / Math.max(tenth, 0.2);
        if (process.env['AMBIT_SHOW'] === '1') console.log(`${type}, ${place}, ${shape}: ${whole.toFixed(1)} ms, ${ratio.toFixed(1)} x`); // prettier-ignore
        if (ratio > (LONG ? 12 : 30)) slow.push(`${place}, ${shape}: ten times the size costs ${ratio.toFixed(1)} times`); // prettier-ignore
      }
    }
    expect(decided).toBe(Object.keys(PLACES).length * texts.length);
    expect(slow).toEqual([]);
  });
});
