// L6 Crypto first, policy second: two steps, two types, at compile time and at run time; and before its MAC is
// checked nothing is read out of a token but sizes and selectors.
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { evaluate, authorize, encodeCbor, explain, forCaller, prove, type VerifiedToken } from '@ambit/core';
import {
  AUDIENCE,
  COLD,
  countingProvider,
  facts,
  holder,
  itemsOf,
  makeCall,
  mintBase,
  NOW,
  remac,
  search,
  tailOf,
  verifierWith,
} from '../sample.ts';
import { tokenText, writeFrame } from '../../src/token/frame.ts';

test('L6 the compiler refuses to clear what was not verified', { timeout: 120_000 }, () => {
  const file = fileURLToPath(new URL('./types.fixture.ts', import.meta.url));
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    types: ['node'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    customConditions: ['@ambit/source'],
    allowImportingTsExtensions: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    skipLibCheck: true,
  });
  const source = program.getSourceFile(file)!;
  const told = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  expect(told.map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' '))).toEqual([]);
  expect(source.text.match(/@ts-expect-error/g)).toHaveLength(8);
});

function verified(): VerifiedToken {
  const proof = prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0));
  const shown = verifierWith().verify({ token: mintBase(), proof, call: search, now: NOW });
  if (!shown.ok) throw new Error(shown.code);
  return shown.token;
}

describe('L6 at run time', () => {
  test('forged objects are misuse', () => {
    const real = verified();
    const genuine = verifierWith().identify(mintBase());
    if (!genuine.ok) throw new Error(genuine.code);
    const forgeries: readonly unknown[] = [
      null,
      undefined,
      'amb1_x',
      {},
      genuine.token,
      { ...real },
      Object.create(real),
      Object.create(Object.getPrototypeOf(real) as object),
      structuredClone({ call: 1 }),
      new Proxy(real, {}),
      JSON.parse(JSON.stringify(real)),
    ];
    for (const f of forgeries) {
      for (const use of [authorize, evaluate, explain]) {
        expect(() => use(f as VerifiedToken, facts())).toThrow(TypeError);
      }
    }
  });

  test('the constructors are shut, and what was verified stays what it is', () => {
    const real = verified();
    const genuine = verifierWith().identify(mintBase());
    if (!genuine.ok) throw new Error(genuine.code);
    const Open = real.constructor as new (...args: unknown[]) => VerifiedToken;
    const config = { audience: AUDIENCE, skew: 0 };
    const proved = { kind: 'signed', replay: null, sequence: null };
    expect(() => new Open(genuine.token, search, config, NOW, proved)).toThrow(TypeError);
    expect(() => new Open(Symbol('verified'), genuine.token, search, config, NOW, proved)).toThrow(TypeError);
    const Genuine = genuine.token.constructor as new (...args: unknown[]) => unknown;
    expect(() => new Genuine({ verifiedBy: 'mac' })).toThrow(TypeError);
    expect(() => new Genuine(Symbol('authentic'), { verifiedBy: 'mac' })).toThrow(TypeError);
    const other = makeCall({ tool: 'files.read' });
    expect(() => Object.assign(real, { call: other })).toThrow(TypeError);
    expect(Reflect.defineProperty(real, 'call', { value: other })).toBe(false);
    expect(Reflect.defineProperty(search, 'tool', { value: 'files.read' })).toBe(false);
    expect(Reflect.defineProperty(search, 'args', { value: other.args })).toBe(false);
    expect(real.call).toBe(search);
  });

  test('a call that call() did not make is misuse', () => {
    const v = verifierWith();
    const fake = { tool: 'web_search', args: search.args };
    expect(() => v.verify({ token: mintBase(), call: fake, now: NOW })).toThrow(TypeError);
    expect(() => prove(mintBase(), fake, { audience: AUDIENCE, time: NOW }, holder(0))).toThrow(TypeError);
  });

  test('arguments that Arguments did not check are taken anew, or refused', () => {
    const forged = Object.create(Object.getPrototypeOf(search.args) as object, {
      value: { value: { q: 1 } },
    }) as object;
    expect(() => makeCall({ tool: 'web_search', args: forged as never })).toThrow(/plain/);
  });

  test('a view is frozen all the way down and holds no bytes', () => {
    const v = verifierWith();
    const shown = v.identify(mintBase({ budgets: [{ unit: 'calls', limit: 1, tools: ['web_search'] }] }));
    if (!shown.ok) throw new Error(shown.code);
    const walk = (x: unknown): void => {
      if (typeof x !== 'object' || x === null) return;
      expect(x).not.toBeInstanceOf(Uint8Array);
      expect(Object.isFrozen(x)).toBe(true);
      Object.values(x).forEach(walk);
    };
    walk(shown.token.view);
  });
});

describe('L6 before the MAC', () => {
  const [grant] = itemsOf(mintBase());
  const junk = new Uint8Array(40).fill(0xff);

  test('caveats and the rest of the grant are not read: a bad MAC is what is found', () => {
    // Garbage after the selectors: refused for its MAC, and under a right MAC for its form.
    const cut = grant!.slice();
    cut.fill(0xff, grant!.length - 8);
    for (const contents of [[grant!, junk], [cut]]) {
      const bad = verifierWith(COLD).identify(tokenText(writeFrame(contents, new Uint8Array(32))));
      expect(bad).toMatchObject({ ok: false, code: 'token_invalid', unverified: true });
      expect(!bad.ok && bad.message).toContain('(MAC)');
      const good = verifierWith(COLD).identify(remac(contents));
      expect(good).toMatchObject({ ok: false, code: 'token_invalid' });
      expect(!good.ok && good.message).toContain('malformed grant or caveat');
    }
  });

  test('no signature is checked, and nothing tells one forgery from another', () => {
    const provider = countingProvider();
    const v = verifierWith({ ...COLD, provider });
    const token = mintBase({ expires: NOW - 1, tools: [] });
    const forged = tokenText(writeFrame(itemsOf(token), tailOf(mintBase())));
    const answers = [
      forged,
      `${forged}A`,
      'amb1_',
      'amb2_x',
      mintBase({ audience: 'mail.acme.com' }),
      tokenText(junk),
    ].map((t) => v.identify(t));
    for (const a of answers) {
      if (a.ok) throw new Error('verified');
      expect(forCaller(a)).toEqual({
        ok: false,
        code: 'token_invalid',
        message: expect.any(String) as string,
      });
      expect(JSON.stringify(forCaller(a))).toBe(JSON.stringify(forCaller(answers[0] as typeof a)));
    }
    expect(provider.calls).toBe(0);
  });

  test('the selectors choose one key, and no second is tried', () => {
    const v = verifierWith(COLD);
    const unknown = encodeCbor('k2');
    const at = Buffer.from(grant!).indexOf(Buffer.from(encodeCbor('k1')));
    const renamed = grant!.slice();
    renamed.set(unknown, at);
    const answer = v.identify(remac([renamed]));
    expect(!answer.ok && answer.message).toContain('unknown key id');
  });
});
