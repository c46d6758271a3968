// L5 Provenance: every delegation is signed by the key that held the token before, over everything that precedes
// it, and the chain of holders can be read from the token.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCbor, inspect, toBase64url, type Cbor } from '@ambit/core';
import { readToken } from '../../src/token/frame.ts';
import { readContents } from '../../src/token/contents.ts';
import {
  chainArb,
  COLD,
  generations,
  ISSUER,
  issuerSigner,
  itemsOf,
  lineageArb,
  remac,
  seals,
  verifierWith,
} from '../sample.ts';

// A lineage of lineageArb delegates by chance, one of chainArb always: so that no seed is short of chains.
const mixedArb = fc.oneof(lineageArb, chainArb);

test('L5 the chain of a verified token is the chain of its delegators', () => {
  let longest = 0;
  fc.assert(
    fc.property(mixedArb, (l) => {
      const family = generations(l);
      const keys = [...new Set(family.map((g) => toBase64url(g.by.publicKey.bytes)))];
      const genuine = verifierWith().identify(family.at(-1)!.token);
      if (!genuine.ok) throw new Error(genuine.code);
      const { chain, holder } = genuine.token.view;
      expect(chain.map((n) => n.holder)).toEqual(keys);
      expect(holder).toBe(keys.at(-1));
      expect(chain.map((n) => n.label)).toEqual([
        undefined,
        ...keys.slice(1).map((_, i) => `agent ${i + 1}`),
      ]);
      expect(new Set(chain.map((n) => n.id)).size).toBe(keys.length);
      expect(inspect(family.at(-1)!.token).nodes).toEqual(chain.map((n) => n.id));
      longest = Math.max(longest, chain.length);
    }),
    { numRuns: 150 },
  );
  expect(longest).toBeGreaterThan(3);
});

// With the issuer's own key one can MAC a chain that says anything; the signatures still tell.
test('L5 nobody but the holder before can have signed: any change to what precedes or stands in a delegation denies', () => {
  let [runs, tried] = [0, 0];
  fc.assert(
    fc.property(mixedArb, fc.nat(), fc.nat(), fc.nat(255), (l, which, where, flip) => {
      runs++;
      const token = generations(l).at(-1)!.token;
      const contents = itemsOf(token);
      const parsed = readContents(readToken(token)!)!;
      const last = parsed.caveats.findLastIndex((c) => c.type === 'delegate');
      if (last < 0) return;
      tried++;
      // Flip one byte somewhere in front of the last delegation's end, and MAC it again.
      const i = which % (last + 2);
      const changed = contents.map((c) => c.slice());
      const at = where % changed[i]!.length;
      changed[i]![at]! ^= (flip % 255) + 1;
      for (const options of [COLD, { ...COLD, keys: [], federated: [ISSUER], seals }]) {
        const answer = verifierWith(options).identify(remac(changed));
        expect(answer.ok).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
  expect(tried / runs).toBeGreaterThan(1 / 3);
});

test('L5 each field of a delegation is signed: key, label, time, nonce', () => {
  let changed = 0;
  fc.assert(
    fc.property(mixedArb, (l) => {
      const token = generations(l, issuerSigner).at(-1)!.token;
      const contents = itemsOf(token);
      const { caveats } = readContents(readToken(token)!)!;
      caveats.forEach((c, i) => {
        if (c.type !== 'delegate') return;
        const key = c.to.slice();
        key[0]! ^= 1;
        const nonce = c.nonce.slice();
        nonce[15]! ^= 1;
        const variants: readonly Cbor[][] = [
          [key, c.label, c.time, c.nonce],
          [c.to, `${c.label}x`, c.time, c.nonce],
          [c.to, c.label, c.time + 1, c.nonce],
          [c.to, c.label, c.time, nonce],
        ];
        for (const fields of variants) {
          const other = contents.slice();
          other[i + 1] = encodeCbor([9, [encodeCbor(fields), c.signature]]);
          expect(verifierWith(COLD).identify(remac(other))).toMatchObject({
            ok: false,
            code: 'delegation_invalid',
          });
          changed++;
        }
      });
    }),
    { numRuns: 60 },
  );
  expect(changed).toBeGreaterThan(100);
});
