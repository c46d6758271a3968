// The seam for public-key cryptography. Three providers implement it: noble (portable, the default),
// node:crypto (`@ambit/core/node`) and sodium-native (`@ambit/core/sodium`). All three give the same answer
// for every input, the crafted ones included (attacks D6, P6), because `strict.ts` decides the edge cases
// before any of them is asked.

/**
 * Ed25519 (RFC 8032, section 5.1.7, the cofactorless equation, and nothing that is not canonical) and X25519
 * (RFC 7748, all-zero shared secrets refused). Every method is synchronous. A provider may cache key objects.
 */
export interface Provider {
  readonly name: string;
  /** Whether `signature` (64 bytes) over `message` is by `publicKey` (32 bytes). False, never an exception, for any other shape. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The 64-byte Ed25519 signature by the 32-byte `seed`. Throws TypeError on another length. */
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** The 32-byte Ed25519 public key of a 32-byte seed. */
  publicKey(seed: Uint8Array): Uint8Array;
  /** The 32-byte X25519 shared secret, or null when the peer's point is non-canonical, of small order, or of another length. */
  x25519(secret: Uint8Array, peer: Uint8Array): Uint8Array | null;
  /** The 32-byte X25519 public key of a 32-byte secret. */
  x25519PublicKey(secret: Uint8Array): Uint8Array;
}
