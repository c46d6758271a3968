// Who signs: a key in memory, or a KMS, HSM or non-extractable WebCrypto key behind the same two members. A
// signer takes (label, message) and signs label || message, so that it can refuse what it is not meant for.
import { concat } from '../bytes.ts';
import { nobleProvider, type Provider } from '../crypto/index.ts';
import type { Label } from '../labels.ts';
import { publicKey, type PublicKey, type PublicUse, type SecretKey } from './key.ts';

/** Signs label || message with Ed25519 (RFC 8032); 64 bytes. */
export interface Signer<U extends PublicUse = PublicUse> {
  readonly publicKey: PublicKey<U>;
  sign(label: Label, message: Uint8Array): Uint8Array;
}

/** The same, for keys that answer later. */
export interface AsyncSigner<U extends PublicUse = PublicUse> {
  readonly publicKey: PublicKey<U>;
  sign(label: Label, message: Uint8Array): Promise<Uint8Array>;
}

/** A signer over a secret key in memory. */
export function signer<U extends 'holder' | 'issuer' | 'model'>(
  secret: SecretKey<U>,
  provider: Provider = nobleProvider,
): Signer<U> {
  const pub = publicKey(secret, provider);
  // One copy for the signer's life: providers keep the imported key by this array (half the cost of a signature).
  const seed = secret.unsafeBytes();
  return Object.freeze({
    publicKey: pub,
    sign: (label: Label, message: Uint8Array): Uint8Array =>
      provider.sign(seed, concat(label.bytes, message)),
  });
}

/**
 * Something to be signed, and what to do with the signature. The synchronous and the asynchronous form of
 * every function that signs are the same plan, carried out now or later.
 */
export interface SigningPlan<T> {
  readonly label: Label;
  readonly message: Uint8Array;
  finish(signature: Uint8Array): T;
}

const signature = (bytes: Uint8Array): Uint8Array => {
  if (!(bytes instanceof Uint8Array) || bytes.length !== 64)
    throw new TypeError('signature: expected 64 bytes from the signer');
  return bytes;
};

/** Carries a plan out now. */
export const signNow = <T>(plan: SigningPlan<T>, by: Signer): T =>
  plan.finish(signature(by.sign(plan.label, plan.message)));

/** Carries a plan out with a signer that answers later. */
export const signLater = async <T>(plan: SigningPlan<T>, by: AsyncSigner): Promise<T> =>
  plan.finish(signature(await by.sign(plan.label, plan.message)));
