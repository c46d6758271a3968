// Federation: another operator's sealed token, found genuine by signatures alone, is worth at most what this
// operator's configuration accepts of it, regardless of what it grants. Its seal key must be one of those named
// for that operator here, its issuer the one named (docs/design.md sections 3 and 5; attack F10).
import { deny, isExpired, toBase64url, type Denial, type SealKey, type VerifiedToken } from '@ambit/core';
import type { Configuration, ToolFacts } from '../config/configuration.ts';
import type { Operator } from '../operator/operator.ts';
import type { Actor } from './actor.ts';

/** The seal keys and issuers that a verifier of this operator's services is configured with. */
export function verifierSeals(c: Configuration): {
  readonly seals: readonly SealKey[];
  readonly federated: readonly string[];
} {
  const own = [...c.keys.values()].map((key): SealKey => ({
    issuer: c.issuer,
    operators: [c.operator],
    key,
  }));
  const others = [...c.federation].flatMap(([id, f]) =>
    [...f.keys.values()].map((key): SealKey => ({ issuer: f.issuer, operators: [id], key })),
  );
  return {
    seals: [...own, ...others],
    federated: [...new Set([...c.federation.values()].map((f) => f.issuer))],
  };
}

/** A denial when this operator does not accept the call from the other operator's token; null when it does. */
export function checkFederated(operator: Operator, actor: Actor, tool: string, now: number): Denial | null {
  const other = operator.federated(actor.operator.id);
  if (other === undefined) return deny('not_federated', actor.operator.id);
  if (actor.verifiedBy !== 'signatures' || actor.issuer !== other.entry.issuer) {
    return deny('not_federated', `issuer ${actor.issuer} for operator ${actor.operator.id}`);
  }
  if (![...other.entry.keys.values()].some((key) => toBase64url(key.bytes) === actor.sealedBy)) {
    return deny('seal_required', `by a key named for ${actor.operator.id}`);
  }
  const { life, delegations } = other.layer.ceilings;
  if (life !== undefined && isExpired(actor.issuedAt + life, now)) {
    return deny('expired', `tokens of ${actor.operator.id} are accepted for ${life} s`);
  }
  if (delegations !== undefined && actor.chain.length - 1 > delegations) {
    return deny(
      'delegation_exceeded',
      `tokens of ${actor.operator.id} are accepted after ${delegations} delegations`,
    );
  }
  const { data } = operator.facts(tool);
  // What is accepted from others is never more than what this operator allows its own agents.
  return operator.layer.check(tool, data) ?? other.layer.check(tool, data);
}

/** A federated token narrowed to what is accepted of it. */
export type Federated = { readonly ok: true; readonly facts: ToolFacts } | Denial;

/** Whether the call that `token` was verified for is within what this operator accepts from the other one. */
export function federate(operator: Operator, token: VerifiedToken, now: number): Federated {
  const denial = checkFederated(operator, token.view, token.call.tool, Math.max(now, token.now));
  return denial ?? { ok: true, facts: operator.facts(token.call.tool) };
}
