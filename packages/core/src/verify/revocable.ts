// What of a token a revocation can name, in the spelling of the lists (docs/design.md section 6): one builder for
// services that ask about a token in use and for issuers that ask about the names of one to be minted.
import { fromHex, toBase64url } from '../bytes.ts';

/** Everything of one token that can be revoked. */
export interface RevocationSubject {
  readonly issuer: string;
  readonly token: string;
  readonly key: string;
  readonly operator?: string | undefined;
  /** The model's digest in base64url. */
  readonly model?: string | undefined;
  readonly session?: string | undefined;
  readonly user?: string | undefined;
  /** D(0) and the D(i+1) of every delegation. */
  readonly nodes: readonly string[];
  /** Every holder key in the chain. */
  readonly holders: readonly string[];
}

/** Who acts; a `TokenView` is one. Without `tokenId`, `keyId` and `chain` only names are asked about. */
export interface Revocable {
  readonly issuer: string;
  readonly operator: { readonly id: string };
  /** `digest`: 64 hexadecimal digits. */
  readonly model: { readonly digest: string };
  readonly session: string;
  readonly user: string;
  readonly tokenId?: string;
  readonly keyId?: string;
  readonly chain?: readonly { readonly id: string; readonly holder: string }[];
}

/** What to ask a revocation list. Throws TypeError for a digest of another form. No token or key id is empty. */
export function revocationSubject(of: Revocable): RevocationSubject {
  const digest = fromHex(of.model.digest);
  if (digest?.length !== 32) throw new TypeError('model digest: expected 64 hexadecimal digits');
  const { issuer, session, user, tokenId = '', keyId = '', chain = [] } = of;
  return {
    issuer,
    token: tokenId,
    key: keyId,
    operator: of.operator.id,
    model: toBase64url(digest),
    session,
    user,
    nodes: chain.map((node) => node.id),
    holders: chain.map((node) => node.holder),
  };
}
