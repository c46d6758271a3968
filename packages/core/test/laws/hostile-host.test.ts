// L2, L6, L9 in a hostile host process: what is absent stays absent when Object.prototype has been written to, facts are
// not decisions, types are checked where untyped callers come in, and nothing that leaves core can be changed.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  Arguments,
  attenuate,
  authorize,
  effectiveAuthority,
  evaluate,
  inspect,
  listCounters,
  parseCall,
  parseJson,
  prove,
  restrict,
  snapshotJson,
} from '../../src/index.ts';
import type { AuthenticToken, Call, Facts } from '../../src/index.ts';
import { parseConstraint } from '../../src/args/index.ts';
import {
  AUDIENCE,
  facts,
  holder,
  makeCall,
  mintBase,
  NOW,
  search,
  TestLedger,
  verifierWith,
} from '../sample.ts';

interface Vector {
  readonly name: string;
  readonly steps: readonly { readonly expect: unknown }[];
}
const folder = new URL('../../../../test/vectors/', import.meta.url);
const generator = (await import(new URL('generate.mjs', folder).href)) as {
  run(v: Vector): readonly unknown[];
};

/** Runs `what` while Object.prototype has `name`; the property is gone before anybody else looks. */
function polluted<T>(name: string, value: unknown, what: () => T): T {
  Reflect.defineProperty(Object.getPrototypeOf({}) as object, name, {
    value,
    configurable: true,
    enumerable: false,
    writable: true,
  });
  try {
    return what();
  } finally {
    delete (Object.prototype as { [name: string]: unknown })[name];
  }
}

// Every optional field of grant, caveats, constraints, facts, options, and of answers.
const FIELDS: readonly (readonly [string, unknown])[] = [
  ['ok', true],
  ['ok', false],
  ['amount', 0],
  ['data', ['secret', 'public', 'internal']],
  ['data', []],
  ['external', false],
  ['bytes', 0],
  ['address', '10.0.0.1'],
  ['flow', { untrusted: [], destinationsNamed: true, approved: true }],
  ['http', { method: 'GET', origin: 'https://x', target: '/' }],
  ['bodyDigest', new Uint8Array(32)],
  ['proof', 'ambp1_x'],
  ['audience', AUDIENCE],
  ['holder', new Uint8Array(32)],
  ['config', new Uint8Array(32)],
  ['operators', []],
  ['deny', []],
  ['tools', ['zzz']],
  ['window', 1],
  ['argument', 'n'],
  ['pool', 'p'],
  ['budgets', []],
  ['delegations', 16],
  ['notBefore', 0],
  ['expires', 1e12],
  ['min', -1e9],
  ['max', 1e9],
  ['schemes', ['http']],
  ['ports', [1]],
  ['paths', ['/']],
  ['bearer', true],
  ['requireSeal', true],
  ['federated', ['acme-iam']],
  ['signedProofTools', ['*']],
  ['proofAge', 1e9],
  ['skew', 1e9],
  ['cache', { tokens: 0, delegations: 0 }],
  ['shared', true],
  ['epoch', new Uint8Array(16)],
  ['perHolder', 1],
  ['perRoot', 1],
  ['total', 1],
  ['unverified', true],
  ['caveat', 7],
  ['left', 7],
];

describe('R11b the decision vectors give the same answers with a polluted Object.prototype', () => {
  const vectors = (
    process.env['AMBIT_LONG'] === '1' ? ['decisions.json', 'proofs.json', 'tokens.json'] : ['decisions.json']
  ).flatMap(
    // Without prototypes, so that what the runner reads of a vector is what is in it; facts as a host would give them.
    (file) =>
      JSON.parse(readFileSync(new URL(file, folder), 'utf8'), (name, x: unknown) =>
        typeof x === 'object' && x !== null && !Array.isArray(x) && name !== 'facts'
          ? Object.assign(Object.create(null) as object, x)
          : x,
      ) as Vector[],
  );
  // What an answer decides; a test's own reading of `caveat` from a plain object would see the pollution.
  const decided = (answers: readonly unknown[]): readonly string[] =>
    answers.map((a) => (a as { readonly code: string }).code);
  it.each(FIELDS)('%s = %j', (name, value) => {
    const wrong: string[] = [];
    for (const v of vectors) {
      const got = polluted(name, value, () => {
        try {
          return decided(generator.run(v));
        } catch (error) {
          return [String(error)];
        }
      });
      const wanted = decided(v.steps.map((s) => s.expect));
      if (JSON.stringify(got) !== JSON.stringify(wanted)) wrong.push(`${v.name}: ${JSON.stringify(got)}`);
    }
    expect(wrong).toEqual([]);
  });
});

const shown = (token: string, call: Call, verifier = verifierWith()) => {
  const proof = prove(token, call, { audience: AUDIENCE, time: NOW }, holder(0));
  const answer = verifier.verify({ token, proof, call, now: NOW });
  if (!answer.ok) throw new Error(answer.message);
  return answer.token;
};

describe('R11 facts are no decision', () => {
  it('facts with an `ok` of their own decide nothing', () => {
    const none = shown(mintBase({ tools: [] }), search);
    const said = { ...facts(), ok: true } as unknown as Facts;
    expect(authorize(none, said, new TestLedger())).toMatchObject({ ok: false, code: 'tool_not_granted' });
    expect(polluted('ok', true, () => authorize(none, facts(), new TestLedger()).ok)).toBe(false);
  });

  it('no answer is told by `in`', () => {
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    const walk = (dir: string): string[] =>
      readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
        e.isDirectory() ? walk(join(dir, e.name)) : [join(dir, e.name)],
      );
    const files = readdirSync(root).flatMap((name) => walk(join(root, name, 'src')));
    expect(files.length).toBeGreaterThan(200);
    const places = files
      .filter((path) => /'ok' in /.test(readFileSync(path, 'utf8')))
      .map((p) => relative(root, p));
    expect(places).toEqual([]);
  });
});

describe('R12, R19 types are checked where untyped callers come in', () => {
  const token = mintBase();
  // What an untyped caller may hand in.
  const as = (x: unknown): never => x as never;
  it('R12 a time that is a text is no time', () => {
    const verifier = verifierWith();
    const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
    expect(() => verifier.verify({ token, proof, call: search, now: as(String(NOW)) })).toThrow(RangeError);
    expect(() => evaluate(shown(token, search), facts({ now: as(String(NOW)) }))).toThrow(RangeError);
    expect(() => evaluate(shown(token, search), facts({ data: as('public') }))).toThrow(TypeError);
  });

  it('R19 what is no text is refused by name, not by accident', () => {
    const verifier = verifierWith();
    for (const proof of [7, {}, ['x'], null]) {
      expect(() => verifier.verify({ token, proof: as(proof), call: search, now: NOW })).toThrow(
        /proof: expected a text/,
      );
    }
    const http = { method: 'GET', origin: 'https://a.example', target: '/a' };
    for (const wrong of [
      { method: ['GET'] },
      { target: ['/a'] },
      { origin: ['https://a.example'] },
      { origin: 'https://a\ud800.example' },
      { bodyDigest: 'x'.repeat(32) },
    ]) {
      expect(parseCall({ tool: 'a', http: as({ ...http, ...wrong }) })).toMatchObject({
        ok: false,
        code: 'request_invalid',
      });
    }
  });
});

describe('R10, R20 what leaves core is frozen or a copy', () => {
  /** The first thing reachable from `x` that could be changed, by its path; bytes are looked at apart. */
  function loose(x: unknown, path = 'it', seen = new Set<unknown>()): string | null {
    if (typeof x !== 'object' || x === null || seen.has(x)) return null;
    seen.add(x);
    if (x instanceof Uint8Array) return `${path}: bytes`;
    if (x instanceof Map)
      return [...x.values()].map((v) => loose(v, `${path}{}`, seen)).find((p) => p !== null) ?? null;
    if (!Object.isFrozen(x)) return path;
    for (const name of Reflect.ownKeys(x)) {
      const descriptor = Object.getOwnPropertyDescriptor(x, name)!;
      const found = 'value' in descriptor ? loose(descriptor.value, `${path}.${String(name)}`, seen) : null;
      if (found !== null) return found;
    }
    return null;
  }
  const budget = restrict.budget({ unit: 'sum', argument: 'n', limit: 5, window: 60, tools: ['web_search'] });
  const rule = restrict.args(['web_search'], {
    q: {
      kind: 'all',
      constraints: [
        { kind: 'length', max: 9 },
        { kind: 'oneOf', values: ['macaroons', { a: [1] }] },
      ],
    },
    u: {
      kind: 'each',
      constraint: { kind: 'url', hosts: ['*'], ports: [1], paths: ['/'], schemes: ['https'] },
    },
  });
  const token = attenuate(
    mintBase({ budgets: [{ unit: 'calls', limit: 9, tools: ['web_search'] }] }),
    budget,
    rule,
    restrict.expires(NOW + 60),
  );
  const verified = shown(token, search);
  const authenticToken = (): AuthenticToken => {
    const found = verifierWith().identify(token);
    if (!found.ok) throw new Error(found.message);
    return found.token;
  };
  const inspected = inspect(token);

  it.each<[string, () => unknown]>([
    ['view', () => verified.view],
    [
      'grant lists',
      () =>
        [inspected.grant.tools, inspected.grant.budgets, inspected.grant.deny, inspected.grant.data]
          .map((l) => loose(l))
          .find((l) => l !== null),
    ],
    ['grant', () => (Object.isFrozen(inspected.grant) ? null : 'grant')],
    ['caveats', () => loose(inspected.caveats)],
    [
      'authority',
      () =>
        effectiveAuthority(token)
          .budgets.map((b) => loose(b))
          .find((l) => l !== null),
    ],
    [
      'counters',
      () =>
        listCounters(authenticToken(), NOW)
          .counters.map((c) => loose(c))
          .find((l) => l !== null),
    ],
    ['call', () => search],
    ['arguments', () => search.args.value],
    ['constraint', () => parseConstraint([2, '{"a":[1]}', '"x"'])],
    ['json', () => (parseJson('{"a":[{"b":1}]}') as { value: unknown }).value],
    ['snapshot', () => (snapshotJson({ a: [{ b: 1 }] }) as { value: unknown }).value],
  ])('%s', (_, make) => {
    const x = make();
    expect(typeof x === 'string' ? x : loose(x)).toBeFalsy();
  });

  it('R10 a counter that is shown is not the rule that is enforced', () => {
    const verifier = verifierWith();
    const one = mintBase({ budgets: [{ unit: 'calls', limit: 1, tools: ['web_search'] }] });
    const found = verifier.identify(one);
    if (!found.ok) throw new Error(found.message);
    const { counters } = listCounters(found.token, NOW);
    expect(() => ((counters[0]!.budget as { limit: number }).limit = 1000)).toThrow(TypeError);
    expect(() => (counters[0]!.budget.tools as string[]).push('zzz')).toThrow(TypeError);
    const ledger = new TestLedger();
    expect(authorize(shown(one, search, verifier), facts(), ledger).ok).toBe(true);
    expect(authorize(shown(one, search, verifier), facts(), ledger).ok).toBe(false);
  });

  it('R20 digests handed out are copies', () => {
    const call = makeCall({
      tool: 'web_search',
      http: {
        method: 'GET',
        origin: 'https://a.example',
        target: '/a',
        bodyDigest: new Uint8Array(32).fill(5),
      },
    });
    call.http!.bodyDigest!.fill(9);
    expect(call.http!.bodyDigest![0]).toBe(5);
    Arguments.empty.digest().fill(0);
    expect(Arguments.empty.digest().some((b) => b !== 0)).toBe(true);
    // Taken again from a call, the digest is still there.
    const again = parseCall({ tool: 'web_search', http: call.http! });
    expect(again.ok && again.call.http!.bodyDigest![0]).toBe(5);
  });
});

describe('R17 denials are short', () => {
  it('however long the lists of a token are', () => {
    const long = Array.from({ length: 200 }, (_, i) => `${'label'.repeat(10)}:n${i}`);
    const token = mintBase({ data: long });
    const denial = authorize(shown(token, search), facts({ data: ['other'] }), new TestLedger());
    expect(denial).toMatchObject({ ok: false, code: 'data_refused' });
    expect(denial.ok ? '' : denial.message.length).toBeLessThan(900);
    const call = makeCall({
      tool: 'web_search',
      http: { method: 'GET', origin: 'https://a.example', target: '/b' },
    });
    for (const caveat of [
      restrict.net(...long.map((_, i) => `10.0.${i}.0/24`)),
      restrict.http(
        ['POST'],
        long.map((_, i) => `/${'a'.repeat(50)}${i}`),
      ),
      restrict.audience(...long),
    ]) {
      const said = authorize(
        shown(attenuate(mintBase(), caveat), call),
        facts({ address: '10.1.1.1' }),
        new TestLedger(),
      );
      expect(said.ok).toBe(false);
      expect(JSON.stringify(said).length).toBeLessThan(900);
    }
  });
});
