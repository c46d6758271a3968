// Text forms and signatures: those that are good, and those that only look so.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  encodeCbor,
  evidence,
  nobleProvider,
  offerText,
  toBase64url,
  toHex,
  VerificationKey,
  decodeCbor,
  fromBase64url,
} from '@ambit/core';

/** Text forms that are read, and such that are not: { form, use?, text, valid }. */
export function textEdges({ keys, derived, offer, base, K }) {
  const out = [];
  const change = (text, at, to) => text.slice(0, at) + to + text.slice(at + to.length);
  const flip = (text) => change(text, text.length - 8, text.at(-8) === 'A' ? 'B' : 'A');
  const form = (name, text, more = {}) => {
    const put = (what, t, valid) => out.push({ form: name, ...more, description: what, text: t, valid });
    put('as it is', text, true);
    put('one character changed', flip(text), false);
    put('cut by one character', text.slice(0, -1), false);
    put('one character more', `${text}A`, false);
    put('padding', `${text}=`, false);
    put('a line feed', `${text}\n`, false);
    put('a space in front', ` ${text}`, false);
    put('the prefix in upper case', change(text, 0, 'AMB'), false);
    return put;
  };
  const holder = keys.find((k) => k.name === 'holder A');
  const root = keys.find((k) => k.use === 'root');
  const put = form('public key', holder.publicText, { use: 'holder' });
  put('of another use', holder.publicText.replace('holder', 'issuer'), false);
  put('a secret key', holder.secretText, false);
  form('secret key', root.secretText, { use: 'root' });
  const text = derived[0].text;
  const verification = form('verification key', text);
  const payload = (value) =>
    new VerificationKey('i', 'k', 'a', new Uint8Array(32)).unsafeText().slice(0, 20) +
    toBase64url(withSum('ambsec_verification_', encodeCbor(value)));
  verification('of a domain', payload(['i', 'k', null, K, false]), false);
  verification('an audience that is no name', payload(['i', 'k', 'a\u0007', K, false]), false);
  verification('without the mark of retirement', payload(['i', 'k', 'a', K]), false);
  verification('31 bytes', payload(['i', 'k', 'a', K.slice(1), false]), false);
  verification('retired', payload(['i', 'k', 'a', K, true]), true);
  const body = (value) => `ambo1_${toBase64url(encodeCbor(value))}`;
  const o = (what, value, valid) => out.push({ form: 'offer', description: what, text: body(value), valid });
  out.push({ form: 'offer', description: 'as it is', text: offerText(offer), valid: true });
  o(
    'a key of zeros: not asked before a session is opened',
    ['a', new Uint8Array(32), new Uint8Array(16)],
    true,
  );
  o('an audience that is no name', ['', new Uint8Array(32), new Uint8Array(16)], false);
  o('a key of 31 bytes', ['a', new Uint8Array(31), new Uint8Array(16)], false);
  o('an epoch of 15 bytes', ['a', new Uint8Array(32), new Uint8Array(15)], false);
  o('a member more', ['a', new Uint8Array(32), new Uint8Array(16), null], false);
  o('not a list', 'a', false);
  const e = (what, t, valid) => out.push({ form: 'evidence', description: what, text: t, valid });
  const whole = evidence(base);
  e('as it is', whole, true);
  e('a token', base, false);
  e("a token under evidence's prefix", `ambe1_${base.slice(5)}`, false);
  e('cut', whole.slice(0, -4), false);
  e('padding', `${whole}=`, false);
  const [version, grant, caveats] = decodeCbor(fromBase64url(whole, 6)).value;
  const made = (value) => `ambe1_${toBase64url(encodeCbor(value))}`;
  e('version 2', made([2, grant, caveats]), false);
  e('129 caveats', made([version, grant, Array.from({ length: 129 }, () => encodeCbor([13, null]))]), false);
  e('a malformed caveat', made([version, grant, [encodeCbor([16, null])]]), false);
  e('a grant that is none', made([version, new Uint8Array(0), []]), false);
  const counters = (n) => Array.from({ length: n }, () => encodeCbor([7, [[1, 9, 0, null, null, null]]]));
  e('128 caveats', made([version, grant, counters(128)]), true);
  const notes = (n) => [
    ...Array.from({ length: 15 }, () => encodeCbor([14, 'x'.repeat(1000)])),
    encodeCbor([14, 'x'.repeat(n)]),
  ];
  const room = 16_384 - fromBase64url(made([version, grant, notes(900)]), 6).length + 900;
  e('16,384 bytes', made([version, grant, notes(room)]), true);
  e('16,385 bytes', made([version, grant, notes(room + 1)]), false);
  return out;
}

const { Point } = ed25519;
const eighth = Point.fromBytes(
  Uint8Array.from(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
);
const ORDER = Point.CURVE().n;
const little = (bytes) => bytes.toReversed().reduce((n, b) => n * 256n + BigInt(b), 0n);
const le32 = (n) => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));

/** Ed25519: keys and R with a part of small order, which are not refused, and where k has to be reduced. */
export function signatureEdges(sha512, fromText) {
  const out = [];
  const put = (description, publicKey, message, signature, valid) => {
    if (nobleProvider.verify(publicKey, message, signature) !== valid)
      throw new Error(`signature: ${description}`);
    out.push({
      description,
      publicKey: toHex(publicKey),
      message: toHex(message),
      signature: toHex(signature),
      valid,
    });
  };
  const message = fromText('ambit');
  const a = 0x123456789abcdef123456789abcdef123456789abcdef123456789abcdefn;
  const A = Point.BASE.multiply(a).add(eighth);
  const key = A.toBytes();
  /** A signature under the key with a part of small order: nonces are tried until k is as wanted. */
  const crafted = (wanted, torsion = 0) => {
    for (let r = 3n; ; r += 2n) {
      const R =
        torsion === 0
          ? Point.BASE.multiply(r)
          : Point.BASE.multiply(r).add(eighth.multiplyUnsafe(BigInt(torsion)));
      const full = little(sha512(R.toBytes(), key, message));
      const k = full % ORDER;
      if (wanted(Number(full % 8n), Number(k % 8n)))
        return Uint8Array.from([...R.toBytes(), ...le32((r + k * a) % ORDER)]);
    }
  };
  put(
    'mixed-order key: k reduced is a multiple of 8, not reduced it is none',
    key,
    message,
    crafted((full, k) => k === 0 && full !== 0),
    true,
  );
  put(
    'mixed-order key: k is a multiple of 8 only where it is not reduced',
    key,
    message,
    crafted((full, k) => k !== 0 && full === 0),
    false,
  );
  put(
    'mixed-order key: k is none; the equation with the cofactor would hold',
    key,
    message,
    crafted((full, k) => k !== 0 && full !== 0),
    false,
  );
  put(
    'mixed-order key and R, whose parts of small order cancel',
    key,
    message,
    crafted((full, k) => k === 7 && full !== 7, 1),
    true,
  );
  const small = eighth.toBytes();
  put(
    'a key of small order',
    small,
    message,
    crafted((_, k) => k === 0),
    false,
  );
  put(
    'a key that is not canonical',
    Uint8Array.from([0xee, ...new Uint8Array(30).fill(0xff), 0x7f]),
    message,
    new Uint8Array(64),
    false,
  );
  // Keys and R of small order under which the equation holds: only that they are refused says no.
  const low = (n) => le32(n + 2n ** 255n - 19n);
  const under = (publicKey, R, S) => [publicKey, message, Uint8Array.from([...R, ...le32(S)])];
  const kOf = (R, publicKey) => little(sha512(R, publicKey, message)) % ORDER;
  const R3 = Point.BASE.multiply(3n).toBytes();
  put('the neutral point for a key', ...under(le32(1n), R3, 3n), false);
  put('the neutral point for a key, as 2^255-18', ...under(low(1n), R3, 3n), false);
  put('the neutral point for a key, with its sign set', ...under(le32(1n + 2n ** 255n), R3, 3n), false);
  const good = Point.BASE.multiply(a).toBytes();
  put('a key of prime order', ...under(good, R3, (3n + kOf(R3, good) * a) % ORDER), true);
  for (const [name, R] of [
    ['the neutral point for R', le32(1n)],
    ['the neutral point for R, as 2^255-18', low(1n)],
  ])
    put(name, ...under(good, R, (kOf(R, good) * a) % ORDER), false);
  const eighths = (r) => Point.BASE.multiply(r).toBytes();
  let r = 3n;
  while (kOf(eighths(r), small) % 8n !== 0n) r += 2n;
  put('a key of order 8, k a multiple of 8', ...under(small, eighths(r), r), false);
  put('a key that is no point', new Uint8Array(32).fill(2), message, new Uint8Array(64), false);
  return out;
}

const withSum = (prefix, payload) =>
  Uint8Array.from([...payload, ...shaOf(Buffer.concat([Buffer.from(prefix), payload])).subarray(0, 4)]);
const shaOf = (bytes) => createHash('sha256').update(bytes).digest();
