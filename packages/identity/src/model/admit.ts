// Whether a model may act for an operator: admitted by the configuration, attested by a signer the configuration
// trusts for it, the very artifact that runs, and not revoked. Each refusal has its own code (attack I1).
import { deny, equal, fromHex, toBase64url, toHex, type Denial } from '@ambit/core';
import type { LayerName } from '../operator/layer.ts';
import type { AdmittedModel, Operator } from '../operator/operator.ts';
import { checkArtifact, isVerifiedAttestation, type VerifiedAttestation } from './attestation.ts';
import { modelDigestText } from './digest.ts';
import type { Manifest } from './manifest.ts';

/**
 * What is asked of the revocation list; `Revocations` of `@ambit/state` has this shape. Only what is named here
 * is asked, so the lists of nodes and holders are empty.
 */
export interface RevocationView {
  isRevoked(subject: {
    readonly issuer: string;
    readonly token: string;
    readonly key: string;
    readonly operator?: string | undefined;
    readonly model?: string | undefined;
    readonly session?: string | undefined;
    readonly user?: string | undefined;
    readonly nodes: readonly string[];
    readonly holders: readonly string[];
  }):
    | { readonly ok: true }
    | { readonly ok: false; readonly code: Denial['code']; readonly entry?: { readonly kind: string } };
}

/** Who acts, by name; what the revocation list is asked about. `model` is the artifact's digest in hexadecimal. */
export interface Actors {
  readonly issuer: string;
  readonly operator: string;
  readonly model: string;
  readonly session: string;
  readonly user: string;
}

// Nothing is asked about nodes and holders here, and no token or key id is empty.
const NONE: readonly string[] = Object.freeze([]);

/**
 * A denial when operator, model, session or user is revoked, with the layer that is; or when the list can't be
 * trusted, which is the operator's decision.
 */
export function checkRevoked(
  view: RevocationView,
  who: Actors,
): { readonly layer: LayerName; readonly denial: Denial } | null {
  const { issuer, operator, model, session, user } = who;
  const answer = view.isRevoked({
    issuer,
    token: '',
    key: '',
    operator,
    model: listName(model),
    session,
    user,
    nodes: NONE,
    holders: NONE,
  });
  if (answer.ok) return null;
  const kind = answer.entry?.kind;
  if (answer.code === 'revoked' && kind === 'model') {
    return { layer: 'model', denial: deny('model_revoked', `sha256:${model}`) };
  }
  const layer = kind === 'user' || kind === 'session' ? kind : 'operator';
  return { layer, denial: deny(answer.code, kind) };
}

// The list names digests in base64url, token views in hexadecimal; the few models in use are converted once.
const names = new Map<string, string>();
function listName(hex: string): string {
  const known = names.get(hex);
  if (known !== undefined) return known;
  const bytes = fromHex(hex);
  if (bytes?.length !== 32) throw new TypeError('model digest: expected 64 hexadecimal digits');
  if (names.size >= 1024) names.clear();
  const name = toBase64url(bytes);
  names.set(hex, name);
  return name;
}

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
