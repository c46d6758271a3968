// Whether a model may act for an operator: admitted by the configuration, attested by a signer the configuration
// trusts for it, the very artifact that runs, and not revoked. Each refusal has its own code (attack I1).
import { deny, equal, revocationSubject, toHex } from '@ambit/core';
import type { Denial, Revocable, RevocationSubject } from '@ambit/core';
import type { LayerName } from '../operator/layer.ts';
import type { AdmittedModel, Operator } from '../operator/operator.ts';
import { checkArtifact, isVerifiedAttestation, type VerifiedAttestation } from './attestation.ts';
import { modelDigestText } from './digest.ts';
import type { Manifest } from './manifest.ts';

/** What is asked of the revocation list; `Revocations` of `@ambit/state` has this shape. */
export interface RevocationView {
  isRevoked(subject: RevocationSubject): RevocationAnswer;
  /** Where the list is too long to be held: asks about a subject first; null: `isRevoked` can be asked at once. */
  ask?(subject: RevocationSubject): Promise<RevocationAnswer> | null;
}

type RevocationAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: Denial['code']; readonly entry?: { readonly kind: string } };

/** Who the layers are. */
export type LayerNames = Pick<Revocable, 'issuer' | 'operator' | 'model' | 'session' | 'user'>;

const namesOf = ({ issuer, operator, model, session, user }: LayerNames): RevocationSubject =>
  revocationSubject({ issuer, operator, model, session, user });

/**
 * A view that `checkRevoked` can be given for `who`, and for nobody else: what has to be asked of a server is asked
 * here. For `grantFor` and `explainLayers`, which don't wait.
 */
export async function askedView(view: RevocationView, who: LayerNames): Promise<RevocationView> {
  const subject = namesOf(who);
  const asking = view.ask?.(subject) ?? null;
  if (asking === null) return view;
  const answer = await asking;
  const about = JSON.stringify(subject);
  return {
    isRevoked: (other) =>
      JSON.stringify(other) === about ? answer : { ok: false, code: 'revocations_stale' },
  };
}

/** The layer that a revocation of this kind is about; null for a token, node, holder or key. */
export function layerOfRevocation(kind: string | undefined): LayerName | null {
  return kind === 'operator' || kind === 'model' || kind === 'session' || kind === 'user' ? kind : null;
}

/**
 * A denial when operator, model, session or user is revoked, with the layer that is; or when the list can't be
 * trusted, which is the operator's decision. For tokens in use the authorizer of `@ambit/state` asks.
 */
export function checkRevoked(
  view: RevocationView,
  who: LayerNames,
): { readonly layer: LayerName; readonly denial: Denial } | null {
  const answer = view.isRevoked(namesOf(who));
  if (answer.ok) return null;
  const kind = answer.entry?.kind;
  const layer = layerOfRevocation(kind) ?? 'operator';
  if (answer.code === 'revoked' && layer === 'model')
    return { layer, denial: modelRevoked(who.model.digest) };
  return { layer, denial: deny(answer.code, kind) };
}

/** The denial for a revoked model. `digest`: hexadecimal. */
export const modelRevoked = (digest: string): Denial => deny('model_revoked', `sha256:${digest}`);

/** Whether the configuration in force admits a model with this digest (32 bytes, or hexadecimal). */
export function checkModel(
  operator: Operator,
  id: string,
  digest: Uint8Array | string,
): AdmittedModel | Denial {
  const model = operator.model(id);
  if (model === undefined) return deny('model_unknown', id);
  const hex = typeof digest === 'string' ? digest : toHex(digest);
  const { digests } = model.entry;
  if (digests !== null && !digests.includes(`sha256:${hex}`)) {
    return deny('model_unknown', `${id} is not admitted with the digest sha256:${hex}`);
  }
  return model;
}

/**
 * Admits the model `id` whose running artifact was measured as `measured` (its manifest, or its digest alone),
 * by an attestation that `verifyAttestation` made.
 */
export function admit(
  operator: Operator,
  id: string,
  measured: Manifest | Uint8Array,
  attestation: VerifiedAttestation | null,
): AdmittedModel | Denial {
  const digest = measured instanceof Uint8Array ? measured : measured.digest;
  const model = operator.model(id);
  if (model === undefined) return deny('model_unknown', id);
  if (attestation === null) return deny('model_unattested', 'none was given');
  if (!isVerifiedAttestation(attestation))
    throw new TypeError('attestation: expected what verifyAttestation made');
  const trusted = model.entry.signers.flatMap((name) => operator.config.signers.get(name) ?? []);
  const key = attestation.key.bytes;
  if (!trusted.some((k) => equal(k.bytes, key))) {
    return deny('model_signer_unknown', `${attestation.signer} does not attest ${id}`);
  }
  if (attestation.model !== id)
    return deny('model_unattested', `the attestation is for ${attestation.model}`);
  if (measured instanceof Uint8Array) {
    if (!equal(attestation.artifact.digest, digest)) {
      return deny('model_tampered', `attested ${modelDigestText(attestation.artifact.digest)}`);
    }
  } else {
    const same = checkArtifact(attestation, measured);
    if (!same.ok) return same;
  }
  return checkModel(operator, id, digest);
}
