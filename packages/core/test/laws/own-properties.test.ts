// R11b, L2: nothing in core looks an absent field up in Object.prototype. Asked of the reads themselves: while a token is
// made, narrowed, delegated, proved, verified, authorized and shown, Object.prototype has a getter of every name that
// core's sources mention, and each getter tells who asked. What is found so is the kind; a list of fields would forget one.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  authorize,
  createVerifier,
  delegate,
  diff,
  effectiveAuthority,
  evaluate,
  explain,
  inspect,
  listCounters,
  mint,
  mintBearer,
  parseCall,
  ProofSession,
  prove,
  restrict,
  type Constraint,
  type Restriction,
} from '../../src/index.ts';
import { compileConstraint, describeConstraint } from '../../src/args/index.ts';
import { AUDIENCE, baseSpec, bytes16, facts, holder, issuerSigner, keyring, NOW, seals, TestLedger, x25519Secret } from '../sample.ts'; // prettier-ignore

const src = fileURLToPath(new URL('../../src/', import.meta.url));
const files = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory() ? files(join(dir, e.name)) : [join(dir, e.name)],
  );

/** Every name that stands where a property's could, but for what descriptors and Object.prototype itself have, and `toJSON`, which snapshots refuse. */
const NAMES = [
  ...new Set(files(src).flatMap((path) => readFileSync(path, 'utf8').match(/[A-Za-z_$][\w$]*/g) ?? [])),
].filter(
  (name) =>
    !(name in {}) &&
    ![
      'get',
      'set',
      'value',
      'writable',
      'enumerable',
      'configurable',
      'then',
      'stack',
      'toJSON',
      'return',
    ].includes(name),
);

/** Runs `what` while each of NAMES can be read from Object.prototype as `answer(name)`; who in core did so. */
function watched(what: () => void, answer: (name: string) => unknown = () => undefined): readonly string[] {
  const readers = new Set<string>();
  const limit = Error.stackTraceLimit;
  for (const name of NAMES) {
    Reflect.defineProperty(Object.prototype, name, {
      configurable: true,
      enumerable: false,
      get(this: unknown) {
        Error.stackTraceLimit = 2;
        const frame = new Error(name).stack!.split('\n')[2] ?? '';
        Error.stackTraceLimit = limit;
        if (!frame.includes('core/src/')) return undefined;
        readers.add(`${name} by ${frame.replace(/.*core\/src\//, '').replace(/\)$/, '')}`);
        return answer(name);
      },
      set(this: object, value: unknown) {
        Reflect.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }
  try {
    what();
  } finally {
    for (const name of NAMES) delete (Object.prototype as { [name: string]: unknown })[name];
  }
  return [...readers].toSorted();
}

const CONSTRAINTS: readonly Constraint[] = [
  { kind: 'equals', value: 'x' },
  { kind: 'oneOf', values: ['x', { a: 1 }] },
  { kind: 'range', min: 0 },
  { kind: 'range', max: 9 },
  { kind: 'length', max: 9 },
  { kind: 'pattern', pattern: 'x+' },
  { kind: 'subpath', roots: ['/srv'] },
  { kind: 'url', hosts: ['a.example'] },
  { kind: 'cidr', networks: ['10.0.0.0/8'] },
  { kind: 'email', domains: ['a.example'] },
  { kind: 'each', constraint: { kind: 'length', min: 1 } },
  { kind: 'all', constraints: [{ kind: 'length', min: 1 }, { kind: 'range', max: 3 }] }, // prettier-ignore
  { kind: 'absent' },
];
const RESTRICTIONS: readonly Restriction[] = [
  restrict.expires(NOW + 500),
  restrict.notBefore(NOW - 500),
  restrict.audience(AUDIENCE),
  restrict.tools('*'),
  restrict.deny('zzz'),
  restrict.args(['other'], Object.fromEntries(CONSTRAINTS.map((c, i) => [`a${i}`, c]))),
  restrict.args(['web_search'], { q: { kind: 'length', max: 99 } }),
  restrict.data('public'),
  restrict.calls(5),
  restrict.budget({ unit: 'sum', argument: 'n', limit: 5, tools: ['other'] }),
  restrict.externalCalls(5),
  restrict.depth(3),
  restrict.http(['GET'], ['/*']),
  restrict.net('10.0.0.0/8'),
  restrict.once(),
  restrict.note('why'),
  restrict.flow('named', 'other'),
];

/** All that core makes and asks, with what is random given, so that two runs write the same bytes. */
function everything(): readonly unknown[] {
  const fixed = { tokenId: bytes16(1), issuedAt: NOW, expires: NOW + 900 };
  const spec = { ...baseSpec, ...fixed, restrictions: [restrict.note('first')], delegations: 2 };
  const { holder: _, ...unbound } = { ...baseSpec, ...fixed, delegations: 0 };
  const budgets = [{ unit: 'calls' as const, limit: 9 }];
  const plain = mint(keyring, { ...spec, budgets });
  const sealed = mint(keyring, spec, issuerSigner);
  const bearer = mintBearer(keyring, unbound);
  const narrow = attenuate(sealed, ...RESTRICTIONS);
  const to = { to: holder(1).publicKey, label: 'b', time: NOW, nonce: bytes16(2) };
  const derived = delegate(narrow, { ...to, restrictions: [restrict.calls(2)] }, holder(0));
  const http = { method: 'GET', origin: 'https://a.example', target: '/a' };
  const made = [
    parseCall({ tool: 'web_search', args: { q: 'x' }, http }),
    parseCall({ tool: 'web_search', args: '{"q":"x"}' }),
    parseCall({ tool: 'web_search' }),
    parseCall({ tool: 'a b' }),
    parseCall({ tool: 'a', http: { ...http, method: 'get' } }),
  ];
  const call = made[0]!.ok ? made[0]!.call : undefined;
  const at = { audience: AUDIENCE, time: NOW, nonce: bytes16(3) };
  const signed = prove(derived, call!, at, holder(1));
  const verifier = createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    bearer: true,
    seals,
    proofSessions: { key: x25519Secret, unsafeEpoch: bytes16(4) },
  });
  const timing = { time: NOW, life: 60, nonce: bytes16(5), unsafeEphemeral: x25519Secret };
  const session = ProofSession.open(verifier.sessionOffer!, timing, holder(1));
  const known = facts({ address: '10.1.1.1', flow: { untrusted: [], destinationsNamed: false, approved: false } }); // prettier-ignore
  const decisions = [
    verifier.verify({ token: derived, proof: signed, call: call!, now: NOW }),
    verifier.verify({ token: derived, proof: session.prove(derived, call!, NOW), call: call!, now: NOW }),
    verifier.verify({ token: derived, call: call!, now: NOW }),
    verifier.verify({ token: bearer, call: call!, now: NOW }),
    verifier.verify({ token: plain, proof: prove(plain, call!, at, holder(0)), call: call!, now: NOW }),
    verifier.verify({ token: `${bearer}x`, call: call!, now: NOW }),
  ].map((shown) => {
    if (!shown.ok) return { code: shown.code, unverified: shown.unverified === true };
    const v = shown.token;
    const before = evaluate(v, known);
    const said = explain(v, known).map(({ name, outcome, code, detail }) => [name, outcome, code, detail]);
    const decision = authorize(v, known, new TestLedger());
    return [before.ok, said, decision.ok ? decision.charges : decision.code, v.view, authorize(v, known)];
  });
  const found = verifier.identify(derived);
  return [
    plain,
    sealed,
    bearer,
    narrow,
    derived,
    made.map((m) => (m.ok ? m.call : m.code)),
    signed,
    decisions,
    found.ok ? listCounters(found.token, NOW) : found.code,
    inspect(derived),
    effectiveAuthority(derived),
    diff(sealed, derived),
    CONSTRAINTS.map((c) => [describeConstraint(c), c.kind === 'absent' ? null : compileConstraint(c)('x')]),
  ];
}

describe('R11b nothing absent is looked up in Object.prototype', () => {
  it('while tokens are made, narrowed, delegated, proved, verified, authorized and shown', () => {
    expect(NAMES.length).toBeGreaterThan(1000);
    const clean = JSON.stringify(everything());
    let got = '';
    const readers = watched(() => {
      const all = everything();
      got = JSON.stringify(all);
    });
    expect(readers).toEqual([]);
    expect(got).toBe(clean);
  });
});
