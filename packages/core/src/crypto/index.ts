// The primitives, in one place: nothing outside this folder, `node.ts` and `sodium.ts` imports a library of
// cryptography.
export type { Provider } from './provider.ts';
export { Sha256, sha256 } from './sha256.ts';
export { chain, chainFrom, chainStart, hmacSha256 } from './chain.ts';
export { hkdfSha256 } from './hkdf.ts';
export { HmacKey } from './keyed.ts';
export { nobleProvider } from './noble.ts';
export { randomBytes } from './random.ts';
