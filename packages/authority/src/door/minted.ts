// A token that this process has just minted, as a record of the log names it: the one who minted it need not verify it.
import type { TokenLike } from '@ambit/audit';
import { toBase64url, toHex, type Inspection } from '@ambit/core';

/** The parts that a record takes. */
export function mintedToken(t: Inspection): TokenLike {
  const { grant: g } = t;
  return {
    tokenId: t.tokenId,
    keyId: g.keyId,
    issuer: g.issuer,
    audience: g.audience ?? null,
    expires: t.expires,
    operator: {
      id: g.operator.id,
      config: g.operator.config === undefined ? null : toHex(g.operator.config),
    },
    model: { id: g.model.id, digest: toHex(g.model.digest) },
    session: g.session,
    user: g.user,
    chain: g.holder === undefined ? [] : [{ id: t.nodes[0]!, holder: toBase64url(g.holder) }],
    sealedBy: t.sealed ? 'issuer' : null,
    digest: t.digest,
  };
}
