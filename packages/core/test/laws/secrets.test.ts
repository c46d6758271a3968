// L12 Secrets stay secret: no key, tail or whole token in any error, denial, JSON or inspect output, and no
// intermediate tail, nor a digest of one, anywhere. (Also attack G9.)
import { inspect as show } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  evaluate,
  attenuate,
  authorize,
  createVerifier,
  delegate,
  deriveKey,
  diff,
  effectiveAuthority,
  explain,
  hmacSha256,
  inspect,
  LABELS,
  ProofSession,
  prove,
  PublicKey,
  SecretKey,
  sha256,
  toBase64url,
  toHex,
  VerificationKey,
  type VerifiedToken,
} from '@ambit/core';
import {
  AUDIENCE,
  generations,
  holder,
  issuerSecret,
  itemsOf,
  K,
  keyring,
  lineageArb,
  mintBase,
  NOW,
  rootKey,
  search,
  tailOf,
  TestLedger,
  verifierWith,
  x25519Secret,
} from '../sample.ts';

// How a secret could be spelled.
const spellings = (b: Uint8Array): string[] => [
  toHex(b),
  toHex(b).toUpperCase(),
  toBase64url(b),
  Buffer.from(b).toString('base64'),
  [...b].join(','),
  [...b].join(', '),
  JSON.stringify(b),
];

const keys = [
  rootKey.unsafeBytes(),
  issuerSecret.unsafeBytes(),
  x25519Secret.unsafeBytes(),
  K,
  new Uint8Array(32).fill(0x40),
];

function tails(token: string): Uint8Array[] {
  const contents = itemsOf(token);
  const out = [hmacSha256(K, LABELS.grant.bytes, Uint8Array.of(1), contents[0]!)];
  for (const c of contents.slice(1)) out.push(hmacSha256(out.at(-1)!, c));
  return out;
}

function expectClean(text: string, secrets: readonly string[]): void {
  const shown = secrets.filter((s) => text.includes(s));
  expect(shown.length, `secrets that show in: ${text.slice(0, 300)}`).toBe(0);
}

const shownAs = (x: unknown): string =>
  [
    show(x, { depth: 12, showHidden: true, getters: true }),
    x instanceof Error ? `${x.stack} ${x.message}` : '',
    JSON.stringify(x, (_, v: unknown) => (v instanceof Map ? [...v] : v)),
  ].join('\n');

test('L12 nothing that a decision, an explanation, a view, a charge or an inspection shows holds a secret', () => {
  let looked = 0;
  fc.assert(
    fc.property(lineageArb, fc.nat(), (l, flip) => {
      const { token, by } = generations(l).at(-1)!;
      const chain = tails(token);
      expect(chain.at(-1)).toEqual(tailOf(token));
      const secrets = [...keys, ...chain, ...chain.map((t) => sha256(t))].flatMap(spellings);
      secrets.push(token, token.slice(5));
      const v = verifierWith();
      const proof = prove(token, l.call, { audience: AUDIENCE, time: l.facts.now }, by);
      const verified = v.verify({ token, proof, call: l.call, now: l.facts.now });
      const seen = (show: (token: VerifiedToken) => unknown): unknown =>
        verified.ok ? show(verified.token) : null;
      const at = 5 + (flip % (token.length - 5));
      const forged = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      const things: unknown[] = [
        verified,
        seen((t) => t.view),
        v,
        v.identify(token),
        v.identify(forged),
        v.verify({ token, proof: forged, call: l.call, now: l.facts.now }),
        seen((t) => evaluate(t, l.facts)),
        seen((t) => authorize(t, l.facts, new TestLedger())),
        seen((t) => explain(t, l.facts)),
        inspect(token),
        effectiveAuthority(token),
        diff(generations(l)[0]!.token, token),
        keyring,
        rootKey,
        deriveKey(keyring.issuer, keyring.current, AUDIENCE),
        by,
      ];
      for (const thing of things) {
        expectClean(shownAs(thing), secrets);
        looked++;
      }
    }),
    { numRuns: 60 },
  );
  expect(looked).toBeGreaterThan(500);
});

test('L12 no exception repeats what was handed in', () => {
  const token = mintBase();
  const secretText = rootKey.unsafeText();
  const verification = keyring.exportFor(AUDIENCE)[0]!.unsafeText();
  const secrets = [
    secretText,
    verification,
    token,
    secretText.slice(12, 40),
    verification.slice(30, 60),
    token.slice(-43),
    ...keys.flatMap(spellings),
  ];
  const broken: (() => unknown)[] = [
    () => SecretKey.parse('holder', secretText),
    () => SecretKey.parse('root', `${secretText}x`),
    () => SecretKey.parse('root', secretText.slice(0, -1)),
    () => PublicKey.parse('holder', secretText),
    () => VerificationKey.parse(secretText),
    () => VerificationKey.parse(verification.slice(0, -2)),
    () => inspect(secretText),
    () => inspect(`${token} `),
    () => inspect(token.slice(0, -3)),
    () => attenuate(secretText),
    () => attenuate(token, { type: 'time' }),
    () => delegate(token, { to: holder(1).publicKey, label: 'x', time: NOW }, holder(2)),
    () => delegate(token, { to: holder(0).publicKey, label: 'x', time: NOW }, holder(0)),
    () => prove(token, search, { audience: AUDIENCE, time: NOW }, holder(3)),
    () => createVerifier({ audience: 'other', keys: keyring.exportFor(AUDIENCE) }),
    () => keyring.domainKeys()[0]!.unsafeText(),
  ];
  for (const f of broken) {
    let thrown: unknown = null;
    try {
      f();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Error);
    expectClean(shownAs(thrown), secrets);
  }
});

test('L12 a proof session and its verifier show no key; the kept state says unsafe in its name', () => {
  const v = verifierWith({ proofSessions: { key: x25519Secret } });
  const session = ProofSession.open(v.sessionOffer!, { time: NOW }, holder(0));
  const state = session.unsafeState();
  const secrets = [state.key, ...keys.flatMap(spellings)];
  const proof = session.prove(mintBase(), search, NOW);
  const verified = v.verify({ token: mintBase(), proof, call: search, now: NOW });
  for (const thing of [session, v, v.sessionOffer, verified, proof]) expectClean(shownAs(thing), secrets);
});
