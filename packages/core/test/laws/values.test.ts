// L9 A decision is a value: whatever text is shown, the answer is { ok: false, code }, and nothing throws.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CODES, fromBase64url, toBase64url } from '@ambit/core';
import { AUDIENCE, holder, mintBase, NOW, search, verifierWith, x25519Secret } from '../sample.ts';
import { prove } from '@ambit/core';

const good = mintBase();
const proof = prove(good, search, { audience: AUDIENCE, time: NOW, nonce: new Uint8Array(16) }, holder(0));

const textArb = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.base64String({ maxLength: 400 }).map((s) => `amb1_${s}`),
  fc.uint8Array({ maxLength: 400 }).map((b) => `amb1_${toBase64url(b)}`),
  fc.uint8Array({ maxLength: 200 }).map((b) => `ambp1_${toBase64url(b)}`),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, to]) => {
    const bytes = fromBase64url(good, 5)!;
    bytes[at % bytes.length] = to;
    return `amb1_${toBase64url(bytes)}`;
  }),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, to]) => {
    const bytes = fromBase64url(proof, 6)!;
    bytes[at % bytes.length] = to;
    return `ambp1_${toBase64url(bytes)}`;
  }),
  fc.constantFrom(good, proof, ''),
);

test('L9 no text makes verification throw, and every refusal has a code of the table', () => {
  const v = verifierWith({ bearer: true, proofSessions: { key: x25519Secret } });
  fc.assert(
    fc.property(textArb, fc.option(textArb, { nil: undefined }), (token, p) => {
      const answer = v.verify({ token, proof: p, call: search, now: NOW });
      if (answer.ok) {
        expect([token, p]).toEqual([good, proof]);
        return;
      }
      expect(CODES[answer.code]).toBeDefined();
      expect(answer.message.length).toBeGreaterThan(10);
    }),
    { numRuns: 5000 },
  );
});

test('L9 misuse throws: a clock that is none, a token that is no text', () => {
  const v = verifierWith();
  for (const now of [Number.NaN, -1, Infinity, -Infinity]) {
    expect(() => v.verify({ token: good, proof, call: search, now })).toThrow(RangeError);
  }
  expect(() => v.identify(7 as never)).toThrow(TypeError);
});
