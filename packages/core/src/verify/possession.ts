// Proof of possession: the current holder's signature or session MAC over this very call (docs/design.md
// section 5).
import { ownOf } from '../bare.ts';
import { chargeId } from '../charge-id.ts';
import type { SequenceClaim } from '../charges.ts';
import { deny, type Denial } from '../codes.ts';
import { readProofBriefly, type Proof, type SignedProof } from '../proof/proof.ts';
import type { SessionTable } from '../proof/session-table.ts';
import { signedMessage } from '../proof/statement.ts';
import { partsOf, type AuthenticToken } from './authentic.ts';
import type { Config, Presentation } from './options.ts';

/** How the holder was proved; `bearer` when there is none. */
export type ProofKind = 'signed' | 'session' | 'bearer';

/** The nonce of a signed proof. How long it is claimed for follows from the time at which it is charged. */
export interface ReplayClaim {
  readonly id: string;
  /** The proof's own time, Unix seconds. */
  readonly time: number;
}

/** A proof that holds, and what the ledger still has to claim for it. */
export interface Proved {
  readonly ok: true;
  readonly kind: ProofKind;
  readonly replay: ReplayClaim | null;
  readonly sequence: SequenceClaim | null;
}

/** Checks the proof of a presentation. `now` is the highest time the verifier has seen. */
export function checkProof(
  token: AuthenticToken,
  p: Presentation,
  config: Config,
  sessions: SessionTable | null,
  now: number,
): Proved | Denial {
  const { holder, prefixes } = partsOf(token);
  const shown = ownOf(p, 'proof');
  if (shown !== undefined && typeof shown !== 'string') throw new TypeError('proof: expected a text');
  if (holder === undefined) {
    if (shown !== undefined) return deny('proof_invalid', 'a bearer token takes no proof');
    return { ok: true, kind: 'bearer', replay: null, sequence: null };
  }
  if (shown === undefined) return deny('proof_missing');
  const proof = readProofBriefly(shown);
  if (proof === null) return deny('proof_invalid', 'malformed');
  const late = checkTime(proof, config, now);
  if (late !== null) return late;
  // In order: the ledger will ask for D(0), and the running hash should not have to start again for it.
  prefixes.at(0);
  if (proof.kind === 'signed') return checkSigned(proof, holder, prefixes.all(), p, config);
  if (config.needsSignedProof(p.call.tool)) return deny('proof_signature_required');
  if (sessions === null) return deny('proof_signature_required', 'this verifier takes no session proofs');
  const use = {
    call: p.call,
    token: prefixes.all(),
    root: prefixes.at(0),
    holder,
    tokenExpires: token.expires,
    now,
    skew: config.skew,
  };
  const verdict = proof.kind === 'session' ? sessions.use(proof, use) : sessions.opening(proof, use);
  return verdict.ok ? { ok: true, kind: 'session', replay: null, sequence: verdict.claim } : verdict;
}

function checkTime(proof: Proof, config: Config, now: number): Denial | null {
  if (proof.time > now + config.skew) return deny('proof_expired', 'from the future');
  return proof.time < now - config.proofAge ? deny('proof_expired', 'too old') : null;
}

function checkSigned(
  proof: SignedProof,
  holder: Uint8Array,
  digest: Uint8Array,
  p: Presentation,
  config: Config,
): Proved | Denial {
  const { audience } = config;
  const fields = { audience, token: digest, time: proof.time, freshness: proof.nonce };
  if (!config.provider.verify(holder, signedMessage(fields, p.call), proof.signature))
    return deny('proof_invalid');
  const replay = { id: replayId(holder, audience, proof.nonce), time: proof.time };
  return { ok: true, kind: 'signed', replay, sequence: null };
}

/**
 * The key a nonce is claimed under: (holder key, audience, nonce), as a digest (docs/design.md section 3,
 * "State keys").
 */
function replayId(holder: Uint8Array, audience: string, nonce: Uint8Array): string {
  return chargeId(['replay', holder, audience, nonce]);
}
