// Faults planted by hand that every other test let live: each test here fails under one of them.
import { expect, it, vi } from 'vitest';
import { authorize, mintBearer, prove, type Charges, type Ledger } from '../src/index.ts';
import { readToken } from '../src/token/frame.ts';
import { LIMITS } from '../src/limits.ts';
import {
  verifiedAt,
  AUDIENCE,
  baseSpec,
  facts,
  holder,
  keyring,
  mintBase,
  NOW,
  search,
  verifierWith,
} from './sample.ts';

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

it('P4 the ledger is given the later of the two times', () => {
  const times: number[] = [];
  const ledger: Ledger = {
    apply: (_: Charges, now: number) => {
      times.push(now);
      return { ok: true };
    },
  };
  const token = mintBase();
  authorize(verifiedAt(token, NOW), facts({ now: NOW - 50 }), ledger);
  authorize(verifiedAt(token, NOW), facts({ now: NOW + 50 }), ledger);
  expect(times).toEqual([NOW, NOW + 50]);
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
