// The caveat `seal`: the issuer's signature. Its attacks are F10 and F11 (`../attacks/forging.test.ts`).
import { expect, test } from 'vitest';
import { attenuate, delegate, restrict } from '@ambit/core';
import { sealOf, unverifiedContents } from '../../src/token/contents.ts';
import { holder, issuerSigner, mintBase, NOW, outcome } from '../sample.ts';

const seal = (token: string): unknown => sealOf(unverifiedContents(token).caveats)?.type;

test('it is found behind what the issuer appended, and before what holders append', () => {
  const sealed = mintBase({ restrictions: [restrict.note('n')] }, issuerSigner);
  expect(unverifiedContents(sealed).caveats.map((c) => c.type)).toEqual(['note', 'seal']);
  expect(seal(attenuate(sealed, restrict.note('m')))).toBe('seal');
  const to = { to: holder(1).publicKey, label: 'x', time: NOW };
  expect(seal(delegate(sealed, to, holder(0)))).toBe('seal');
  expect(seal(mintBase())).toBeUndefined();
  expect(seal(delegate(mintBase(), to, holder(0)))).toBeUndefined();
});

test('it decides nothing for a call: what is allowed and refused without it is so with it', () => {
  for (const restrictions of [[], [restrict.tools('other')], [restrict.calls(0)]]) {
    const without = outcome(mintBase({ restrictions }));
    expect(outcome(mintBase({ restrictions }, issuerSigner))).toBe(without);
    expect(without === 'ok').toBe(restrictions.length === 0);
  }
});
