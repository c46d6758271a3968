// Faults planted by hand that every other test let live: each test here fails under one of them.
import { describe, expect, it, vi } from 'vitest';
import {
  attenuate,
  authorize,
  mintBearer,
  prove,
  restrict,
  type Charges,
  type Constraint,
  type Ledger,
} from '../src/index.ts';
import { readToken } from '../src/token/frame.ts';
import { LIMITS } from '../src/limits.ts';
import {
  AUDIENCE,
  baseSpec,
  COLD,
  facts,
  holder,
  keyring,
  makeCall,
  mintBase,
  NOW,
  search,
  verifierWith,
  withRawCaveats,
} from './sample.ts';

const reads = (token: string, verifier = verifierWith(COLD)): string => {
  const found = verifier.identify(token);
  return found.ok ? 'ok' : found.code;
};

describe('texts of tokens are remembered with the test that they passed', () => {
  it('E11 a name that passed as an audience is no tool pattern', () => {
    const audience = 2;
    const tools = 3;
    expect(reads(withRawCaveats(mintBase(), [audience, ['a b']]))).toBe('ok');
    expect(reads(withRawCaveats(mintBase(), [audience, ['a b']], [tools, ['a b']]))).toBe('token_invalid');
  });

  it('E11 a text does not inherit the pass of the one whose place it takes', () => {
    // More patterns than the table has places: each place holds a text that passed as a pattern.
    for (let i = 0; i < 12; i++) {
      const names = Array.from({ length: 250 }, (_, k) => `t${i}-${k}`);
      expect(reads(attenuate(mintBase(), restrict.tools(...names)))).toBe('ok');
    }
    for (let i = 0; i < 50; i++)
      expect(reads(withRawCaveats(mintBase(), [3, [`t ${i}`]]))).toBe('token_invalid');
  });
});

it('P8 a bearer token takes no proof', () => {
  const { holder: _, ...spec } = baseSpec;
  const token = mintBearer(keyring, { ...spec, delegations: 0 });
  const verifier = verifierWith({ bearer: true });
  const proof = prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0));
  expect(verifier.verify({ token, call: search, now: NOW }).ok).toBe(true);
  expect(verifier.verify({ token, proof, call: search, now: NOW })).toMatchObject({
    ok: false,
    code: 'proof_invalid',
  });
});

it('C1 every escape that a path may not hold', () => {
  const token = attenuate(mintBase(), restrict.http(['GET'], ['/public/*']));
  const escapes = [
    '2e',
    '2f',
    '5c',
    '25',
    '7f',
    ...Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0')),
  ];
  for (const escape of escapes.flatMap((e) => [e, e.toUpperCase()])) {
    const target = `/public/a%${escape}b`;
    const call = makeCall({
      tool: 'web_search',
      http: { method: 'GET', origin: 'https://a.example', target },
    });
    const proof = prove(token, call, { audience: AUDIENCE, time: NOW }, holder(0));
    const shown = verifierWith().verify({ token, proof, call, now: NOW });
    if (!shown.ok) throw new Error(shown.message);
    expect(authorize(shown.token, facts(), { apply: () => ({ ok: true }) }), target).toMatchObject({
      code: 'http_refused',
    });
  }
});

it('P4 the ledger is given the later of the two times', () => {
  const times: number[] = [];
  const ledger: Ledger = {
    apply: (_: Charges, now: number) => {
      times.push(now);
      return { ok: true };
    },
  };
  const token = mintBase();
  const proof = prove(token, search, { audience: AUDIENCE, time: NOW }, holder(0));
  for (const now of [NOW - 50, NOW + 50]) {
    const shown = verifierWith().verify({ token, proof, call: search, now: NOW });
    if (!shown.ok) throw new Error(shown.message);
    authorize(shown.token, facts({ now }), ledger);
  }
  expect(times).toEqual([NOW, NOW + 50]);
});

it('E9 a constraint nested deeper than any verifier reads is not written', () => {
  const nested = (depth: number): Constraint =>
    depth === 1 ? { kind: 'length', min: 1 } : { kind: 'each', constraint: nested(depth - 1) };
  const write = (depth: number): string =>
    attenuate(mintBase(), restrict.args(['web_search'], { q: nested(depth) }));
  expect(reads(write(4))).toBe('ok');
  expect(() => write(5)).toThrow(/nested deeper/);
});

it('E8 a text longer than any token is refused before it is decoded', () => {
  const encode = vi.spyOn(TextEncoder.prototype, 'encodeInto');
  try {
    expect(readToken(`amb1_${'A'.repeat(2 * LIMITS.tokenBytes)}`)).toBeNull();
    expect(encode).not.toHaveBeenCalled();
    expect(readToken(mintBase())).not.toBeNull();
    expect(encode).toHaveBeenCalled();
  } finally {
    encode.mockRestore();
  }
});
