// The portable provider: @noble/curves. Default everywhere; 13 to 30 times slower than the native ones.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import type { Provider } from './provider.ts';

/** Ed25519 and X25519 by @noble/curves. */
export const nobleProvider: Provider = {
  name: 'noble',
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return ed25519.verify(signature, message, publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
  sign: (seed, message) => ed25519.sign(message, seed),
  publicKey: (seed) => ed25519.getPublicKey(seed),
  x25519(secret, peer) {
    try {
      return x25519.getSharedSecret(secret, peer);
    } catch {
      return null;
    }
  },
  x25519PublicKey: (secret) => x25519.getPublicKey(secret),
};
