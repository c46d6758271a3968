// Attack catalogue E: one encoding is accepted. Each malformed item stands behind a right MAC, so that the parser is
// what refuses it. (E13 is in fuzz.test.ts.)
import { describe, expect, test } from 'vitest';
import {
  attenuate,
  concat,
  decodeCbor,
  encodeCbor,
  evidence,
  fromBase64url,
  fromHex,
  inspect,
  readProof,
  restrict,
  toBase64url,
  utf8,
  type Cbor,
} from '@ambit/core';
import { bytes16, COLD, itemsOf, K, mintBase, NOW, remac, tailOf, verifierWith } from '../sample.ts';
import { tokenText } from '../../src/token/frame.ts';
import { newToken } from '../../src/token/mac.ts';

const verdict = (token: string): string => {
  const answer = verifierWith(COLD).identify(token);
  return answer.ok ? 'ok' : answer.code;
};
const hex = (h: string): Uint8Array => Uint8Array.from(Buffer.from(h.replaceAll(' ', ''), 'hex'));
const grant = itemsOf(mintBase())[0]!;
const raw = (...caveats: readonly Uint8Array[]): string => remac([grant, ...caveats]);
// One pair of the grant's map replaced by raw bytes.
function grantWith(at: Uint8Array, by: Uint8Array): string {
  const i = Buffer.from(grant).indexOf(Buffer.from(at));
  if (i < 0) throw new Error('test: not found');
  return remac([concat(grant.slice(0, i), by, grant.slice(i + at.length))]);
}
const pair = (key: number, value: Cbor): Uint8Array => concat(encodeCbor(key), encodeCbor(value));

test('the pieces that are bent below are sound', () => {
  expect(verdict(remac([grant]))).toBe('ok');
  expect(verdict(grantWith(pair(-9, 3), pair(-9, 4)))).toBe('ok');
  expect(verdict(raw(hex('820182f61a69a45000')))).toBe('ok');
  expect(verdict(raw(hex('820e6178')))).toBe('ok');
  expect(
    verdict(
      raw(
        encodeCbor([
          5,
          [
            ['web_search'],
            new Map([
              ['q', [4, 1, null]],
              ['r', [11]],
            ]),
            true,
          ],
        ]),
      ),
    ),
  ).toBe('ok');
});

test("E1 duplicate map keys: in the grant, in the holder's key, among arguments", () => {
  expect(verdict(remac([concat(Uint8Array.of(grant[0]! + 1), grant.slice(1), pair(-9, 3))]))).toBe(
    'token_invalid',
  );
  expect(verdict(remac([concat(Uint8Array.of(grant[0]! + 1), pair(1, 'acme-iam'), grant.slice(1))]))).toBe(
    'token_invalid',
  );
  expect(verdict(grantWith(hex('a3 0101 2006'), hex('a3 0101 0101')))).toBe('token_invalid');
  expect(verdict(raw(hex('820583 816a7765625f736561726368 a2 6171 8304 01f6 6171 8304 02f6 f4')))).toBe(
    'token_invalid',
  );
});

test('E2 keys out of order', () => {
  const a = pair(-8, [[1, 9, 0, null, null, null]]);
  const with8 = itemsOf(mintBase({ budgets: [{ unit: 'calls', limit: 9 }] }))[0]!;
  const i = Buffer.from(with8).indexOf(Buffer.from(a));
  const swapped = concat(with8.slice(0, i), pair(-9, 3), a);
  expect(swapped).toHaveLength(with8.length);
  expect(verdict(remac([with8]))).toBe('ok');
  expect(verdict(remac([swapped]))).toBe('token_invalid');
  expect(verdict(grantWith(hex('0101 2006'), hex('2006 0101')))).toBe('token_invalid');
  expect(verdict(raw(hex('820583 816a7765625f736561726368 a2 6172 810b 6171 810b f4')))).toBe(
    'token_invalid',
  );
  // Shorter keys first, whatever their letters: `b` before `aa`.
  expect(verdict(raw(hex('820583 816a7765625f736561726368 a2 6162 810b 626161 810b f4')))).toBe('ok');
  expect(verdict(raw(hex('820583 816a7765625f736561726368 a2 626161 810b 6162 810b f4')))).toBe(
    'token_invalid',
  );
});

describe('E3, E4, E5 heads', () => {
  test('E3 integers and lengths longer than needed, everywhere', () => {
    for (const item of [
      '82 1801 82f61a69a45000',
      '82 01 82f61b0000000069a45000',
      '9802 01 82f61a69a45000',
      '82 0e 780178',
      '82 0e 79000178',
      '82 0e 7a0000000178',
      '82 08 1802',
      '82 08 190002',
      '82 08 1a00000002',
      '82 08 1b0000000000000002',
    ]) {
      expect(verdict(raw(hex(item)))).toBe('token_invalid');
    }
    // Outside: the version, the head of the token, of the list, of an item, of the tail.
    const bytes = newToken(K, [grant]);
    for (const [at, by] of [
      [0, '9804'],
      [1, '1801'],
    ] as const) {
      expect(verdict(tokenText(concat(bytes.slice(0, at), hex(by), bytes.slice(at + 1))))).toBe(
        'token_invalid',
      );
    }
    const list = bytes.length - 34 - 1;
    expect(bytes[list]).toBe(0x80);
    expect(verdict(tokenText(concat(bytes.slice(0, list), hex('9800'), bytes.slice(list + 1))))).toBe(
      'token_invalid',
    );
    expect(verdict(tokenText(concat(bytes.slice(0, list + 1), hex('590020'), bytes.slice(list + 3))))).toBe(
      'token_invalid',
    );
  });

  test('E4 indefinite lengths and reserved heads', () => {
    for (const item of [
      '9f 08 02 ff',
      '82 0e 7f6178ff',
      '82 03 9f6178ff',
      '82 09 82 5f40ff 5840',
      '82 05 83 816178 bfff f5',
      '82 08 1c',
      '82 08 1d',
      '82 08 1e',
      '82 08 1f',
      '82 08 ff',
    ]) {
      expect(verdict(raw(hex(item)))).toBe('token_invalid');
    }
    // A reserved head read as an argument of very many bytes, nearly all of them zero.
    for (const head of [0x1c, 0x1d, 0x1e, 0x1f]) {
      for (const size of [16, 32, 64, 99, 128]) {
        const argument = new Uint8Array(size);
        argument.set(hex('0000000200000000').slice(3), size - 5);
        expect(verdict(raw(concat(hex('82 08'), Uint8Array.of(head), argument)))).toBe('token_invalid');
        expect(decodeCbor(concat(Uint8Array.of(head), argument))).toBeNull();
      }
    }
  });

  test('E5 tags, floats, undefined, other simple values, big and negative numbers', () => {
    for (const value of [
      'c102',
      'c24102',
      'f93c00',
      'fa3f800000',
      'fb3ff0000000000000',
      'f7',
      'f4',
      'f6',
      'e0',
      'f820',
      'f8ff',
      '20',
      '1b0020000000000000',
      '3b001fffffffffffff',
      '4102',
      '6132',
      '8102',
      'a0',
    ]) {
      expect(verdict(raw(hex(`8208${value}`)))).toBe('token_invalid');
      expect(verdict(grantWith(pair(-9, 3), concat(encodeCbor(-9), hex(value))))).toBe('token_invalid');
    }
    expect(verdict(raw(hex('8208 1b001fffffffffffff')))).toBe('ok');
  });
});

test('E6 bad UTF-8, overlong, surrogates, NUL and other controls in texts', () => {
  for (const text of [
    '80',
    'c080',
    'c1bf',
    'e08080',
    'eda080',
    'edbfbf',
    'f08080af',
    'f4908080',
    'f5808080',
    'fe',
    'c3',
    'e282',
    '00',
    '0a',
    '0d',
    '1b',
    '7f',
    'c285',
    'e280a8',
    'e280ae',
  ]) {
    const note = concat(hex('820e'), Uint8Array.of(0x60 | (text.length / 2)), hex(text));
    expect(verdict(raw(note))).toBe('token_invalid');
  }
  expect(verdict(raw(encodeCbor([14, 'Müller — 日本 🦀'])))).toBe('ok');
  expect(verdict(raw(encodeCbor([14, ''])))).toBe('token_invalid');
  expect(() => attenuate(mintBase(), restrict.note('a\0b'))).toThrow(
    expect.objectContaining({ code: 'input_invalid' }),
  );
  expect(() => attenuate(mintBase(), restrict.note('\ud800'))).toThrow();
});

test('E7 trailing bytes; two tokens one after the other', () => {
  expect(verdict(raw(concat(hex('820802'), Uint8Array.of(0))))).toBe('token_invalid');
  expect(verdict(remac([concat(grant, Uint8Array.of(0xf6))]))).toBe('token_invalid');
  const bytes = newToken(K, [grant]);
  expect(verdict(tokenText(concat(bytes, Uint8Array.of(0))))).toBe('token_invalid');
  expect(verdict(tokenText(concat(bytes, bytes)))).toBe('token_invalid');
  expect(verdict(mintBase() + mintBase().slice(5))).toBe('token_invalid');
  expect(verdict(mintBase() + mintBase())).toBe('token_invalid');
});

test('E7 a head that counts more or fewer members than there are', () => {
  expect(verdict(raw(hex('82 0d f6')))).toBe('ok');
  for (const item of [
    '83 0d f6',
    '81 0d f6',
    '80 0d f6',
    '82 01 83 f6 1a69a45000',
    '82 01 81 f6 1a69a45000',
    '82 03 82 6178',
    '82 03 80 6178',
  ]) {
    expect(verdict(raw(hex(item)))).toBe('token_invalid');
  }
  for (const by of [-1, 1]) {
    expect(verdict(remac([concat(Uint8Array.of(grant[0]! + by), grant.slice(1))]))).toBe('token_invalid');
  }
});

test('E8 declared lengths of 2^32 and 2^63 over ten bytes', () => {
  for (const major of [2, 3, 4, 5]) {
    for (const n of [
      '1a ffffffff',
      '1b 0000000100000000',
      '1b 7fffffffffffffff',
      '1b ffffffffffffffff',
      '1b 001fffffffffffff',
      '19 ffff',
    ]) {
      const head = hex(n);
      head[0]! |= major << 5;
      const item = concat(head, new Uint8Array(10));
      expect(decodeCbor(item)).toBeNull();
      expect(verdict(raw(concat(hex('8203'), item)))).toBe('token_invalid');
      expect(verdict(tokenText(concat(hex('8401'), item)))).toBe('token_invalid');
      expect(verdict(tokenText(item))).toBe('token_invalid');
      expect(readProof(`ambp1_${toBase64url(concat(hex('840100'), item))}`)).toBeNull();
    }
  }
});

test('E9 nesting of 100,000, as far as sizes let it in', () => {
  for (const opening of ['81', 'a100', '82']) {
    const deep = Buffer.from(opening.repeat(100_000), 'hex');
    expect(decodeCbor(deep)).toBeNull();
    expect(verdict(tokenText(deep))).toBe('token_invalid');
    expect(verdict(raw(concat(hex('8205'), deep.subarray(0, 15_000))))).toBe('token_invalid');
    expect(verdict(remac([concat(hex('a1 00'), deep.subarray(0, 15_000))]))).toBe('token_invalid');
  }
});

test('E10 __proto__, constructor, toString as names', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    const token = mintBase({
      user: name,
      session: name,
      operator: { id: name },
      tools: ['web_search', name],
    });
    expect(inspect(token).grant.user).toBe(name);
    const args = attenuate(
      token,
      restrict.args(['web_search'], Object.fromEntries([[name, { kind: 'absent' }]])),
    );
    expect(verdict(args)).toBe('ok');
    expect(verdict(raw(encodeCbor([name, null])))).toBe('token_invalid');
    expect(verdict(raw(encodeCbor([5, [['web_search'], new Map([['q', [name]]]), false]])))).toBe(
      'token_invalid',
    );
  }
  expect(Object.prototype).not.toHaveProperty('polluted');
});

test('E11 unknown versions, fields, caveats, constraints: see L2; types that only look like known ones', () => {
  const caveat = (type: Uint8Array): Uint8Array => concat(Uint8Array.of(0x82), type, encodeCbor([null, NOW]));
  // The form itself is right: with the type that it is written for it is a caveat.
  expect(verdict(raw(caveat(encodeCbor(1))))).toBe('ok');
  const types = ['1', 'time', [1], null, true].map((type) => encodeCbor(type));
  // What our encoder does not write: 1.5 and 1.0 as floats of two bytes, 1 in two bytes, 1 under a tag, undefined.
  const foreign = ['f93e00', 'f93c00', '1801', 'c101', 'f7'].map((hex) => fromHex(hex)!);
  for (const type of [...types, ...foreign]) {
    expect(verdict(raw(caveat(type))), Buffer.from(type).toString('hex')).toBe('token_invalid');
  }
});

describe('E12 base64', () => {
  const good = mintBase();
  test('padding, white space, the other alphabet', () => {
    for (const bad of [
      `${good}=`,
      `${good}==`,
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${good.slice(0, 40)}\n${good.slice(40)}`,
      `${good.slice(0, 40)} ${good.slice(40)}`,
      `${good.slice(0, 40)}+${good.slice(41)}`,
      `${good.slice(0, 40)}/${good.slice(41)}`,
      `${good.slice(0, 40)}.${good.slice(41)}`,
      `${good.slice(0, 40)}\0${good.slice(41)}`,
      `${good.slice(0, 40)}\u00e9${good.slice(41)}`,
      `${good.slice(0, 40)}\u0141${good.slice(41)}`,
      `${good}A`,
    ]) {
      expect(verdict(bad)).toBe('token_invalid');
    }
  });
  test('one text a byte string: non-canonical last bits', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let extra = 0; extra < 3; extra++) {
      const text = mintBase({ session: 'x'.repeat(20 + extra) });
      const last = alphabet.indexOf(text.at(-1)!);
      const bits = ((text.length - 5) * 6) % 8;
      for (let i = 1; i < 1 << bits; i++)
        expect(verdict(text.slice(0, -1) + alphabet[last ^ i]!)).toBe('token_invalid');
      expect(verdict(text)).toBe('ok');
    }
  });
  test('every length modulo four decodes to what was encoded, or not at all', () => {
    for (let n = 0; n < 70; n++) {
      const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 37 + n) & 255);
      const text = toBase64url(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64url'));
      expect(fromBase64url(text)).toEqual(bytes);
      expect(fromBase64url(`xy${text}`, 2)).toEqual(bytes);
      if (n % 3 === 0) expect(fromBase64url(`${text}A`)).toBeNull();
    }
  });
});

test('E the evidence form is its token without the tail, byte for byte', () => {
  const token = attenuate(mintBase({ tokenId: bytes16(5) }), restrict.calls(1));
  const whole = fromBase64url(token, 5)!;
  const kept = fromBase64url(evidence(token)!, 6)!;
  expect(kept).toEqual(concat(Uint8Array.of(0x83), whole.slice(1, -34)));
  expect(Buffer.from(kept).includes(Buffer.from(tailOf(token)))).toBe(false);
  expect(evidence(`${token}A`)).toBeNull();
  expect(utf8(evidence(token)!).length).toBeLessThan(token.length);
});
