// What other packages may use. Interim: the contracts and primitives that exist so far.
export * from './bytes.ts';
export * from './call.ts';
export * from './charges.ts';
export * from './codes.ts';
export * from './labels.ts';
export * from './limits.ts';
export * from './cbor/index.ts';
export * from './crypto/index.ts';
export type { Provider } from './crypto/provider.ts';
