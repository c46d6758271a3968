// The parts of a record that a verified token supplies: layers, holder chain, ids. And the little that may be said
// of one that did not verify: a digest, a size, a key id (docs/design.md section 9).
import { nativeSha256, toBase64url } from '../core.ts';
import type { Draft, TokenFacts } from './record.ts';

/** What core's `TokenView` has, as far as a record needs it. */
export interface TokenLike {
  readonly tokenId: string;
  readonly keyId: string;
  readonly issuer: string;
  readonly audience: string | null;
  readonly expires: number;
  readonly operator: { readonly id: string; readonly config: string | null };
  readonly model: { readonly id: string; readonly digest: string };
  readonly session: string;
  readonly user: string;
  readonly chain: readonly { readonly id: string; readonly holder: string; readonly label?: string }[];
  readonly sealedBy: string | null;
  readonly digest: string;
}

/** Layers, agent and token of a verified token. `personal` turns the user's name into what may be logged (see `pseudonym`). */
export function fromToken(
  token: TokenLike,
  personal: (name: string) => string = (name) => name,
): Pick<Draft, 'operator' | 'model' | 'session' | 'user' | 'agent' | 'token'> {
  const agent = token.chain.findLast((node) => node.label !== undefined)?.label;
  return {
    operator: {
      name: token.operator.id,
      ...(token.operator.config === null ? {} : { config: token.operator.config }),
    },
    model: { name: token.model.id, digest: token.model.digest },
    session: token.session,
    user: personal(token.user),
    ...(agent === undefined ? {} : { agent }),
    token: {
      issuer: token.issuer,
      key: token.keyId,
      id: token.tokenId,
      ...(token.audience === null ? {} : { audience: token.audience }),
      chain: token.chain.map(({ id, holder, label }) => ({
        node: id,
        holder,
        ...(label === undefined ? {} : { label }),
      })),
      ...(token.sealedBy === null ? {} : { sealed: true }),
      expires: token.expires,
    },
  };
}

/** All that may be logged of what was presented and did not verify. `key` is the key id it names, if it could be read. */
export function unverifiedToken(presented: string | Uint8Array, key?: string): TokenFacts {
  const bytes = typeof presented === 'string' ? Buffer.from(presented) : presented;
  return {
    digest: toBase64url(nativeSha256(bytes)),
    size: bytes.length,
    ...(key === undefined ? {} : { key }),
    unverified: true,
  };
}
