// The statement is written straight into a scratch, and sessions MAC with precomputed pads: both compared with the
// general encoder and with HMAC, over names of every length and numbers of every size.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyDigest, concat, encodeCbor, hmacSha256, LABELS, sha256, utf8, type Cbor } from '@ambit/core';
import { HmacKey } from '../src/crypto/keyed.ts';
import { signedMessage, statement, statementScratch, writeStatement } from '../src/proof/statement.ts';
import { argsArb, makeCall } from './sample.ts';

const sizedUint = fc.nat(5).chain((i) =>
  fc.integer({
    min: [0, 24, 0x100, 0x10000, 2 ** 32, 2 ** 40][i]!,
    max: [23, 255, 0xffff, 2 ** 32 - 1, 2 ** 40, 2 ** 53 - 1][i]!,
  }),
);
const nameArb = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abz-.'), minLength: 1, maxLength: 256 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '日', '🦀'), minLength: 1, maxLength: 60 }),
  fc.constantFrom(
    'a'.repeat(22),
    'a'.repeat(23),
    'a'.repeat(24),
    'a'.repeat(255),
    'a'.repeat(256),
    'é'.repeat(128),
    `${'a'.repeat(22)}é`,
  ),
);
const bytesOf = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
const httpArb = fc.option(
  fc.record({
    method: fc.constantFrom('GET', 'POST'),
    origin: fc.constantFrom('https://a', 'https://search.acme.com:8443'),
    target: fc.string({ unit: fc.constantFrom(...'/ab?='), maxLength: 90 }).map((s) => `/${s}`),
    bodyDigest: fc.constantFrom(bodyDigest(utf8('x')), bodyDigest(utf8(''))),
  }),
  { nil: undefined },
);

test('a statement is [audience, D(n), tool, arguments, time, nonce or [session, number], context] in canonical CBOR', () => {
  fc.assert(
    fc.property(
      nameArb,
      bytesOf(32),
      fc.string({ unit: fc.constantFrom(...'abc_'), minLength: 1, maxLength: 256 }),
      argsArb,
      sizedUint,
      fc.oneof(bytesOf(16), fc.record({ session: bytesOf(32), sequence: sizedUint })),
      httpArb,
      (audience, token, tool, args, time, freshness, http) => {
        const c = makeCall({ tool, args, ...(http === undefined ? {} : { http }) });
        const context: Cbor =
          http === undefined ? null : [http.method, http.origin, http.target, http.bodyDigest ?? null];
        const expected = encodeCbor([
          audience,
          token,
          tool,
          sha256(LABELS.arguments.bytes, utf8(c.args.canonical())),
          time,
          freshness instanceof Uint8Array ? freshness : [freshness.session, freshness.sequence],
          sha256(LABELS.context.bytes, encodeCbor(context)),
        ]);
        const fields = { audience, token, time, freshness };
        expect(statement(fields, c)).toEqual(expected);
        expect(signedMessage(fields, c)).toEqual(concat(LABELS.statementSigned.bytes, expected));
        const length = writeStatement(LABELS.statementSession, fields, c);
        expect(statementScratch.slice(0, length)).toEqual(concat(LABELS.statementSession.bytes, expected));
      },
    ),
    { numRuns: 300 },
  );
});

test('a statement is canonical CBOR at the edges of each head, one by one: what a law may miss', () => {
  const token = new Uint8Array(32).fill(1);
  const c = makeCall({ tool: 'web_search' });
  const check = (n: number, audience: string): void => {
    for (const freshness of [new Uint8Array(16).fill(2), { session: token, sequence: n }]) {
      const expected = encodeCbor([
        audience,
        token,
        'web_search',
        sha256(LABELS.arguments.bytes, utf8('{}')),
        n,
        freshness instanceof Uint8Array ? freshness : [token, n],
        sha256(LABELS.context.bytes, encodeCbor(null)),
      ]);
      expect(statement({ audience, token, time: n, freshness }, c), `${n} ${audience}`).toEqual(expected);
    }
  };
  for (const n of [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) check(n, 'a');
  for (const n of [1, 22, 23, 24, 25, 255, 256]) check(5, 'a'.repeat(n));
  const others = ['é', `${'a'.repeat(21)}é`, `${'a'.repeat(22)}é`, '\u007f', '\u0080', 'é'.repeat(128)];
  for (const audience of others) check(5, audience);
});

test('HmacKey is HMAC-SHA-256, and verifies it and nothing else', () => {
  fc.assert(
    fc.property(bytesOf(32), fc.uint8Array({ maxLength: 300 }), fc.nat(255), (key, message, bit) => {
      const keyed = new HmacKey(key);
      const mac = hmacSha256(key, message);
      expect(keyed.mac(message)).toEqual(mac);
      expect(keyed.verify(message, message.length, mac)).toBe(true);
      mac[bit >> 3]! ^= 1 << (bit & 7);
      expect(keyed.verify(message, message.length, mac)).toBe(false);
      expect(keyed.verify(message, message.length, mac.slice(1))).toBe(false);
    }),
    { numRuns: 300 },
  );
});
