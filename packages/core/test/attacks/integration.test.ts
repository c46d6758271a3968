// Attack catalogue G5 (a forgotten await) and G9 (a secret in a log, an error, a dump), as far as core goes; G9 in
// breadth is law L12.
import { inspect as show } from 'node:util';
import { expect, test } from 'vitest';
import {
  evaluate,
  authorize,
  createVerifier,
  prove,
  proveLater,
  publicKey,
  SecretKey,
  signer,
  type AsyncSigner,
} from '@ambit/core';
import {
  AUDIENCE,
  facts,
  holder,
  keyring,
  mintBase,
  NOW,
  search,
  TestLedger,
  verifierWith,
} from '../sample.ts';

test('G5 verification and clearing are synchronous: there is no promise to forget', () => {
  const proof = prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0));
  const verified = verifierWith().verify({ token: mintBase(), proof, call: search, now: NOW });
  expect(verified).not.toHaveProperty('then');
  if (!verified.ok) throw new Error(verified.code);
  const decision = authorize(verified.token, facts(), new TestLedger());
  expect(decision).not.toHaveProperty('then');
  expect(decision.ok).toBe(true);
});

test('G5 what is assessed and not charged is no `true`, and a promise is no proof', async () => {
  const proof = prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0));
  const verified = verifierWith().verify({ token: mintBase(), proof, call: search, now: NOW });
  if (!verified.ok) throw new Error(verified.code);
  expect(evaluate(verified.token, facts()).ok).not.toBe(true);
  const kms: AsyncSigner<'holder'> = {
    publicKey: holder(0).publicKey,
    sign: async (l, m) => holder(0).sign(l, m),
  };
  const later = proveLater(mintBase(), search, { audience: AUDIENCE, time: NOW }, kms);
  expect(() =>
    verifierWith().verify({ token: mintBase(), proof: later as never, call: search, now: NOW }),
  ).toThrow(TypeError);
  const answer = verifierWith().verify({ token: mintBase(), proof: await later, call: search, now: NOW });
  expect(answer.ok).toBe(true);
});

test('G5 an async ledger in place of a synchronous one does not pass for a yes', () => {
  const proof = prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0));
  const verified = verifierWith().verify({ token: mintBase(), proof, call: search, now: NOW });
  if (!verified.ok) throw new Error(verified.code);
  let asked = 0;
  const right = { apply: () => (asked++, { ok: true as const }) };
  const wrong = { apply: async () => right.apply() };
  expect(authorize(verified.token, facts(), wrong as never)).toMatchObject({
    ok: false,
    code: 'store_unavailable',
  });
  expect(asked).toBe(1);
  // The promise is all that is wrong with it.
  expect(authorize(verified.token, facts(), right).ok).toBe(true);
  expect(asked).toBe(2);
});

test('G9 keys print as what they are', () => {
  const secret = SecretKey.generate('holder');
  const spelled = [secret.unsafeText(), Buffer.from(secret.unsafeBytes()).toString('hex')];
  const verification = keyring.exportFor(AUDIENCE)[0]!;
  const things = [
    secret,
    signer(secret),
    verification,
    keyring,
    createVerifier({ audience: AUDIENCE, keys: [verification] }),
  ];
  for (const thing of things) {
    const text = `${show(thing, { depth: 9, showHidden: true })} ${JSON.stringify(thing)} ${(thing as { toString(): string }).toString()}`;
    for (const s of spelled) expect(text).not.toContain(s);
    expect(text).not.toContain(verification.unsafeText().slice(20));
  }
  expect(String(secret)).toBe('[holder secret key]');
  expect(publicKey(secret).toString()).toMatch(/^ambpub_holder_/);
});
