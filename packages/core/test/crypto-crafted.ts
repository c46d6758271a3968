// Signatures made by someone who knows the curve, to make libraries disagree (attack D6). Ours to build, because
// keys and nonces with a part of small order need scalars and points, which no signing API hands out.
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, utf8 } from '../src/bytes.ts';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;

/** The order of the base point, and the prime of the field. */
export const L: bigint = Point.CURVE().n;
export const P: bigint = Point.CURVE().p;

export const le = (n: bigint): Uint8Array => numberToBytesLE(n, 32);

/** i times a point of order 8, for i from 0 to 7: the torsion subgroup. */
const eighth = Point.fromBytes(fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')!);
export const TORSION: readonly Point[] = Array.from({ length: 8 }, (_, i) =>
  eighth.multiplyUnsafe(BigInt(i)),
);

/** Every 32 bytes that some decoder takes for a point of small order: 8 canonical ones, "-0" forms, y >= p. */
export const SMALL_ENCODINGS: readonly Uint8Array[] = (() => {
  const out = TORSION.map((t) => t.toBytes());
  const signed = (y: bigint): void => {
    for (const sign of [0n, 1n << 255n]) out.push(le(y | sign));
  };
  for (const y of [0n, 1n, P - 1n, P, P + 1n]) signed(y);
  return out;
})();

const number = (text: string): bigint => bytesToNumberLE(sha512(utf8(text))) % L;

/** A few keys and nonces, each with its eight variants by torsion: [i] is [scalar]B + i T. */
interface Scalar {
  readonly scalar: bigint;
  readonly variants: readonly Point[];
  readonly bytes: readonly Uint8Array[];
}
function scalars(name: string, count: number): Scalar[] {
  return Array.from({ length: count }, (_, n) => {
    const scalar = number(`${name} ${n}`);
    const point = Point.BASE.multiply(scalar);
    const variants = TORSION.map((t) => point.add(t));
    return { scalar, variants, bytes: variants.map((v) => v.toBytes()) };
  });
}
export const KEYS: readonly Scalar[] = scalars('key', 16);
export const NONCES: readonly Scalar[] = scalars('nonce', 16);

/** k of the verification equation, from the encodings as they are sent. */
export const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint =>
  bytesToNumberLE(sha512(concat(r, a, message))) % L;

export interface Crafted {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** The answer by RFC 8032 without the cofactor. */
  readonly valid: boolean;
}

/**
 * A = [a]B + iT, R = [r]B + jT, S = r + k a: the equation with the cofactor holds for every i and j, and without
 * it when jT = -k iT. That is known from k alone, with no curve arithmetic, so it is an answer of its own.
 */
export function mixed(key: Scalar, i: number, nonce: Scalar, j: number, message: Uint8Array): Crafted {
  const publicKey = key.bytes[i]!;
  const r = nonce.bytes[j]!;
  const k = challenge(r, publicKey, message);
  const signature = concat(r, le((nonce.scalar + k * key.scalar) % L));
  return { publicKey, message, signature, valid: (BigInt(j) + k * BigInt(i)) % 8n === 0n };
}

/** The same with any bytes for A and R, whose scalars (of the part of prime order) are said. */
export function forge(
  publicKey: Uint8Array,
  a: bigint,
  r: Uint8Array,
  rScalar: bigint,
  message: Uint8Array,
): Crafted {
  const k = challenge(r, publicKey, message);
  return { publicKey, message, signature: concat(r, le((rScalar + k * a) % L)), valid: false };
}
