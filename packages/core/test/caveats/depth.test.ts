// The caveat `depth`: how many delegations follow. The chains that exceed it are attack D3 (`../attacks/delegation.test.ts`).
import { expect, test } from 'vitest';
import { attenuate, delegate, inspect, restrict, type Caveat } from '@ambit/core';
import { delegationsLeft, unverifiedContents } from '../../src/token/contents.ts';
import { holder, mintBase, NOW, outcome } from '../sample.ts';

const to = (n: number): Caveat => ({
  type: 'delegate',
  to: holder(n).publicKey.bytes,
  label: 'x',
  time: 1,
  nonce: new Uint8Array(16),
  fields: new Uint8Array(1),
  signature: new Uint8Array(64),
});

test('D3 each counts the delegations behind it, and the least of all is left', () => {
  const { grant } = unverifiedContents(mintBase());
  const left = (delegations: number, ...caveats: Caveat[]): number =>
    delegationsLeft({ ...grant, delegations }, caveats);
  expect(left(3)).toBe(3);
  expect(left(3, to(1), to(2))).toBe(1);
  expect(left(3, restrict.depth(1), to(1))).toBe(0);
  expect(left(3, restrict.depth(9), to(1))).toBe(2);
  expect(left(3, to(1), restrict.depth(0))).toBe(0);
  expect(left(1, to(1), to(2))).toBe(-1);
  expect(left(3, restrict.depth(0), to(1))).toBe(-1);
  expect(left(0)).toBe(0);
});

test('0 ends delegation, and the token works as before; what is delegated already goes on', () => {
  const last = attenuate(mintBase({ delegations: 3 }), restrict.depth(0));
  const further = { to: holder(1).publicKey, label: 'x', time: NOW };
  expect(() => delegate(last, further, holder(0))).toThrow(
    expect.objectContaining({ code: 'delegation_exceeded' }),
  );
  expect(outcome(last)).toBe('ok');
  const child = delegate(mintBase({ delegations: 3 }), { ...further, restrictions: [] }, holder(0));
  expect(inspect(attenuate(child, restrict.depth(0))).delegationsLeft).toBe(0);
});
