// The portable provider: @noble/curves, the default wherever no native one is configured; 13 to 30 times slower.
// noble's own `verify` multiplies by the cofactor (RFC 8032 allows that) and would accept what OpenSSL refuses,
// so the equation is written out here without it.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equal } from '../bytes.ts';
import type { Provider } from './provider.ts';
import { expect32, isStrictPeer, isStrictSignature } from './strict.ts';

const { Point } = ed25519;

/** Ed25519 and X25519 by @noble/curves. */
export const nobleProvider: Provider = {
  name: 'noble',
  verify(publicKey, message, signature) {
    if (!isStrictSignature(publicKey, signature)) return false;
    let key;
    try {
      key = Point.fromBytes(publicKey);
    } catch {
      return false; // Not on the curve.
    }
    const r = signature.subarray(0, 32);
    const s = bytesToNumberLE(signature.subarray(32));
    const k = Point.Fn.create(bytesToNumberLE(sha512(concat(r, publicKey, message))));
    // [S]B - [k]A must be R, byte for byte (RFC 8032, section 5.1.7, step 3, the stronger form).
    const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
    return equal(expected.toBytes(), r);
  },
  sign(seed, message) {
    expect32('seed', seed);
    return ed25519.sign(message, seed);
  },
  publicKey(seed) {
    expect32('seed', seed);
    return ed25519.getPublicKey(seed);
  },
  x25519(secret, peer) {
    expect32('secret', secret);
    return isStrictPeer(peer) ? x25519.getSharedSecret(secret, peer) : null;
  },
  x25519PublicKey(secret) {
    expect32('secret', secret);
    return x25519.getPublicKey(secret);
  },
};
