// What a response of the monitor refuses. A response only takes away: it denies, demands a person's approval of effects,
// or a signature.
import { ACTIONS, type Action, type BehaviorResponse } from '@ambit/behavior';
import { deny, matchTool, type Denial, type VerifiedToken } from '@ambit/core';

/** A call under a response. */
export interface UnderResponse {
  readonly tool: string;
  /** The tool changes something. */
  readonly effect: boolean;
  /** A person approved this very call. */
  readonly approved: boolean;
  readonly proof: VerifiedToken['proof'];
}

const atLeast = (action: Action, wanted: Action): boolean =>
  ACTIONS.indexOf(action) >= ACTIONS.indexOf(wanted);

/** The denial, or null to let the call pass. */
export function refusedBy(
  { action, because, restrictions }: BehaviorResponse,
  { tool, effect, approved, proof }: UnderResponse,
): Denial | null {
  if (action.startsWith('revoke')) return deny('behavior_narrowed', because.sentence);
  for (const restriction of restrictions) {
    // Denials are all that responses are made of; another kind would have to be understood first.
    const denies =
      restriction.type !== 'deny' || restriction.tools.some((pattern) => matchTool(pattern, tool));
    if (denies) return deny('behavior_narrowed', because.sentence);
  }
  if (atLeast(action, 'approval') && effect && !approved) return deny('approval_required', because.sentence);
  return atLeast(action, 'signed_proof') && proof !== 'signed' ? deny('proof_signature_required') : null;
}
