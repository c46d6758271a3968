// L4 No backtracking: whoever holds a derived token can't recover its parent's authority, whatever public bytes and
// service they use. A right tail for fewer items would have to be computed from later ones.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  attenuate,
  concat,
  evidence,
  hkdfSha256,
  hmacSha256,
  inspect,
  LABELS,
  restrict,
  sha256,
  utf8,
} from '@ambit/core';
import { readToken, tokenText, writeFrame } from '../../src/token/frame.ts';
import { Prefixes } from '../../src/token/prefix.ts';
import { COLD, generations, itemsOf, lineageArb, mintBase, tailOf, verifierWith } from '../sample.ts';

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((x, i) => x ^ b[i % b.length]!);

// Everything of 32 bytes that the holder of `child` could think of as a tail.
function guesses(child: string): Uint8Array[] {
  const contents = itemsOf(child);
  const tail = tailOf(child);
  const prefixes = new Prefixes(readToken(child)!);
  const out: Uint8Array[] = [
    tail,
    new Uint8Array(32),
    new Uint8Array(32).fill(255),
    sha256(tail),
    hmacSha256(tail, tail),
  ];
  contents.forEach((item, i) => {
    const d = prefixes.at(i);
    out.push(
      d,
      xor(d, tail),
      sha256(item),
      hmacSha256(tail, item),
      hmacSha256(item, tail),
      hmacSha256(d, item),
    );
    out.push(
      hmacSha256(new Uint8Array(32), item),
      hmacSha256(new Uint8Array(0), LABELS.grant.bytes, Uint8Array.of(1), item),
    );
    out.push(xor(tail, hmacSha256(tail, item)), hkdfSha256(tail, undefined, item));
  });
  return out;
}

test('L4 no tail for any ancestor comes out of a descendant', () => {
  let narrowed = 0;
  fc.assert(
    fc.property(lineageArb, (l) => {
      const family = generations(l);
      const child = family.at(-1)!.token;
      const contents = itemsOf(child);
      if (contents.length > 1) narrowed++;
      const v = verifierWith();
      // The verifier has seen them all: a cache of parents must not help either.
      for (const g of family) expect(v.identify(g.token).ok).toBe(true);
      for (let n = 1; n < contents.length; n++) {
        for (const guess of guesses(child)) {
          expect(v.identify(tokenText(writeFrame(contents.slice(0, n), guess)))).toMatchObject({
            code: 'token_invalid',
          });
        }
      }
    }),
    { numRuns: 60 },
  );
  expect(narrowed).toBeGreaterThan(25);
});

test('L4 what was narrowed stays narrowed: the parent is not among what a child can be made into', () => {
  const parent = mintBase();
  const child = attenuate(parent, restrict.tools('web_search'), restrict.calls(1));
  const contents = itemsOf(child);
  const v = verifierWith(COLD);
  const without = [[contents[0]!], [contents[0]!, contents[1]!], [contents[0]!, contents[2]!]];
  for (const some of without) {
    const text = tokenText(writeFrame(some, tailOf(child)));
    expect(v.identify(text)).toMatchObject({ ok: false, code: 'token_invalid', unverified: true });
  }
});

test('L4 evidence is no way back: it has no tail, and nothing clears or derives from it', () => {
  const token = attenuate(mintBase(), restrict.calls(1));
  const text = evidence(token)!;
  expect(text.startsWith('ambe1_')).toBe(true);
  expect(verifierWith().identify(text)).toMatchObject({ ok: false, code: 'token_invalid' });
  expect(() => attenuate(text, restrict.calls(9))).toThrow(/evidence/);
  expect(inspect(text).digest).toBe(inspect(token).digest);
  expect(concat(...itemsOf(token)).length).toBeLessThan(utf8(text).length);
});
