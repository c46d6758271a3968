// Who acts, as a token says it.
import type { TokenView } from '@ambit/core';

/** The fields of a token that name its layers: a `TokenView` has them. */
export type Actor = Pick<
  TokenView,
  | 'verifiedBy'
  | 'issuer'
  | 'operator'
  | 'model'
  | 'session'
  | 'user'
  | 'issuedAt'
  | 'expires'
  | 'sealedBy'
  | 'tools'
  | 'data'
  | 'deny'
> & {
  /** The chain of holders, root first. */
  readonly chain: readonly unknown[];
};
