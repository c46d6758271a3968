// The libsodium provider, over the optional peer `sodium-native`: verifies and signs about twice as fast as
// node:crypto. sodium-native 5.1.0 checks the equation without the cofactor, as the other providers do; later
// libsodium multiplies by it, and would accept signatures that they refuse. So each library is asked once about
// such a signature, and refused if it takes it.
import { createRequire } from 'node:module';
import { fromHex, utf8 } from './bytes.ts';
import { PerSecret } from './crypto/keycache.ts';
import type { Provider } from './crypto/provider.ts';
import { expect32, isStrictPeer, isStrictSignature } from './crypto/strict.ts';

/** What of `sodium-native` is used; outputs come first, as in libsodium. */
export interface Sodium {
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_scalarmult(shared: Uint8Array, secret: Uint8Array, peer: Uint8Array): void;
  crypto_scalarmult_base(publicKey: Uint8Array, secret: Uint8Array): void;
}

const isSodium = (value: unknown): value is Sodium =>
  typeof value === 'object' &&
  value !== null &&
  'crypto_sign_verify_detached' in value &&
  'crypto_sign_detached' in value &&
  'crypto_sign_seed_keypair' in value &&
  'crypto_scalarmult' in value &&
  'crypto_scalarmult_base' in value;

function load(): Sodium {
  try {
    const sodium: unknown = createRequire(import.meta.url)('sodium-native');
    if (isSodium(sodium)) return sodium;
    throw new TypeError('sodium-native: expected its Ed25519 and X25519 functions');
  } catch (cause) {
    throw new Error('sodium-native: not installed; install it, or use nodeProvider of @ambit/core/node', {
      cause,
    });
  }
}

// A of prime order; R = [r]B + a point of order 8; S = r + k a: true with the cofactor only.
const COFACTORED = {
  publicKey: 'a6cfb4ddf2a76f93ab881cd378941bb7ba60a4b03a0725144bae50e56b244e13',
  message: 'ambit',
  signature:
    '3581471665eaf6f5dd47e49f0739c2c6806879a5b3465553ae4e46421dab0d5964cc71c53d32c86181916b6674326a5906721f6cd6048c9c24d47ed3aa6e1706',
};

/**
 * Ed25519 and X25519 by libsodium; without an argument `sodium-native` is loaded. Throws Error when it is not
 * installed or when it verifies by another equation.
 */
export function sodiumProvider(sodium: Sodium = load()): Provider {
  const known = COFACTORED;
  if (
    sodium.crypto_sign_verify_detached(bytes(known.signature), utf8(known.message), bytes(known.publicKey))
  ) {
    throw new Error('sodium-native: this version verifies with the cofactor; use 5.1.0, or nodeProvider');
  }
  const secretKeys = new PerSecret<Uint8Array>();
  const secretKey = (seed: Uint8Array): Uint8Array => {
    expect32('seed', seed);
    return secretKeys.get(seed, (copy) => {
      const out = new Uint8Array(64);
      sodium.crypto_sign_seed_keypair(new Uint8Array(32), out, copy);
      return out;
    });
  };
  return {
    name: 'sodium',
    verify: (publicKey, message, signature) =>
      isStrictSignature(publicKey, signature) &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
    sign(seed, message) {
      const out = new Uint8Array(64);
      sodium.crypto_sign_detached(out, message, secretKey(seed));
      return out;
    },
    // libsodium's secret key is the seed and then the public key.
    publicKey: (seed) => secretKey(seed).slice(32),
    x25519(secret, peer) {
      expect32('secret', secret);
      if (!isStrictPeer(peer)) return null;
      const out = new Uint8Array(32);
      sodium.crypto_scalarmult(out, secret, peer);
      return out;
    },
    x25519PublicKey(secret) {
      expect32('secret', secret);
      const out = new Uint8Array(32);
      sodium.crypto_scalarmult_base(out, secret);
      return out;
    },
  };
}

function bytes(hex: string): Uint8Array {
  const out = fromHex(hex);
  if (out === null) throw new TypeError('hex: expected digits');
  return out;
}
