// The caveat `delegate`: who holds the token from here on. Its attacks are the group D (`../attacks/delegation.test.ts`).
import { expect, test } from 'vitest';
import { attenuate, delegate, mintBearer, restrict } from '@ambit/core';
import { currentHolder, unverifiedContents } from '../../src/token/contents.ts';
import { baseSpec, holder, keyring, mintBase, NOW, provedAt, search, verifierWith } from '../sample.ts';

const to = (n: number, more: object = {}): Parameters<typeof delegate>[1] => ({
  to: holder(n).publicKey,
  label: `agent ${n}`,
  time: NOW,
  ...more,
});
const verdict = (token: string, by: number): string => {
  const proof = provedAt(token, NOW, search, holder(by));
  const answer = verifierWith().verify({ token, proof, call: search, now: NOW });
  return answer.ok ? 'ok' : answer.code;
};

test('the last delegatee holds the token, whatever else stands behind it', () => {
  const holds = (token: string): Uint8Array | undefined => currentHolder(unverifiedContents(token));
  const base = mintBase({ delegations: 2 });
  expect(holds(base)).toEqual(holder(0).publicKey.bytes);
  const first = attenuate(delegate(base, to(1), holder(0)), restrict.note('n'));
  expect(holds(first)).toEqual(holder(1).publicKey.bytes);
  const second = attenuate(delegate(first, to(2), holder(1)), restrict.note('n'));
  expect(holds(second)).toEqual(holder(2).publicKey.bytes);
  const { holder: _, ...bearer } = baseSpec;
  expect(holds(mintBearer(keyring, { ...bearer, delegations: 0 }))).toBeUndefined();
  expect(verdict(second, 2)).toBe('ok');
});

test("label and time are the delegator's claims, and decide nothing", () => {
  for (const more of [{ time: 0 }, { time: NOW + 1e6 }, { label: 'agent 0' }, { label: 'iam.acme.com' }])
    expect(verdict(delegate(mintBase(), to(1, more), holder(0)), 1), JSON.stringify(more)).toBe('ok');
});
