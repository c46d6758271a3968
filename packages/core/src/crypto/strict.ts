// The edge cases of Ed25519 and X25519 on which libraries differ, decided once, before any provider is asked
// (attacks D6, P6). RFC 8032 leaves open small-order points and RFC 7748 wants non-canonical ones accepted; here
// both are refused, so that a key, a signature and a peer each have one encoding and no meaning of their own.
// What is left, whether [S]B = R + [k]A holds without a cofactor, every provider must answer by itself.
import { fromHex } from '../bytes.ts';

function constant(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  if (bytes === null) throw new TypeError('hex: expected digits');
  return bytes;
}

// Little-endian, as on the wire.
const FIELD = constant('edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'); // p = 2^255 - 19
const ORDER = constant('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'); // L
const ZERO = constant('0000000000000000000000000000000000000000000000000000000000000000');
const ONE = constant('0100000000000000000000000000000000000000000000000000000000000000');
const MINUS_ONE = constant('ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f');

/** y of the eight points of small order: (0, 1); (0, -1); order 4; the two y of order 8. Every sign of x. */
const SMALL_EDWARDS: readonly Uint8Array[] = [
  ONE,
  MINUS_ONE,
  ZERO,
  constant('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
  constant('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'),
];

/** u of small order on the curve and its twist: order 1 or 2; order 4 on the curve, on the twist; order 8. */
const SMALL_MONTGOMERY: readonly Uint8Array[] = [
  ZERO,
  ONE,
  MINUS_ONE,
  constant('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
  constant('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
];

/** Whether the 32 bytes at `at`, the last one masked by `mask`, are a number below `limit`. */
function below(bytes: Uint8Array, at: number, mask: number, limit: Uint8Array): boolean {
  let byte = bytes[at + 31]! & mask;
  let i = 31;
  while (i > 0 && byte === limit[i]!) byte = bytes[at + --i]!;
  return byte < limit[i]!;
}

function among(bytes: Uint8Array, mask: number, table: readonly Uint8Array[]): boolean {
  for (const entry of table) {
    let i = 0;
    while (i < 31 && bytes[i] === entry[i]) i++;
    if (i === 31 && (bytes[31]! & mask) === entry[31]) return true;
  }
  return false;
}

// x = 0 has the y of (0, 1) and (0, -1) only, so the table covers "minus zero" as well.
const isStrictPoint = (bytes: Uint8Array): boolean =>
  below(bytes, 0, 0x7f, FIELD) && !among(bytes, 0x7f, SMALL_EDWARDS);

/**
 * Whether `publicKey` is 32 bytes that a holder or issuer may have as Ed25519 key: y < p and not of small order.
 * Whether it lies on the curve a provider finds out; verification under one that does not is false everywhere.
 */
export const isStrictKey = (publicKey: Uint8Array): boolean =>
  publicKey.length === 32 && isStrictPoint(publicKey);

/** Whether an Ed25519 key and signature may go to a provider: lengths, canonical A, R and S, no small order. */
export const isStrictSignature = (publicKey: Uint8Array, signature: Uint8Array): boolean =>
  signature.length === 64 &&
  isStrictKey(publicKey) &&
  below(signature, 32, 0xff, ORDER) &&
  isStrictPoint(signature);

/** Whether an X25519 peer may go to a provider: 32 bytes, high bit clear, u < p, not of small order. */
export const isStrictPeer = (peer: Uint8Array): boolean =>
  peer.length === 32 && below(peer, 0, 0xff, FIELD) && !among(peer, 0xff, SMALL_MONTGOMERY);

/** Throws TypeError unless `bytes` are 32, as all secrets of Ed25519 and X25519 are. */
export function expect32(name: string, bytes: Uint8Array): void {
  if (bytes.length !== 32) throw new TypeError(`${name}: expected 32 bytes, got ${bytes.length}`);
}
