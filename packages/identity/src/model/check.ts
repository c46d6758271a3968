// An artifact on disk, from measuring to admission: measured and attested by who vouches for it, measured and checked
// again by who is to run it.
import { isDenial, nobleProvider, type Denial, type Provider, type Signer } from '@ambit/core';
import type { Operator } from '../operator/operator.ts';
import { admit } from './admit.ts';
import { attest, checkArtifact, verifyAttestation, type VerifiedAttestation } from './attestation.ts';
import { modelDigestText } from './digest.ts';
import { bundleText, envelopeText } from './dsse.ts';
import type { Manifest } from './manifest.ts';
import { measure, type MeasureOptions } from './measure.ts';

/** Measures an artifact; `digest` is as people write it. */
export async function digestModel(
  path: string,
  options: MeasureOptions = {},
): Promise<{ readonly artifact: Manifest; readonly digest: string }> {
  const artifact = await measure(path, options);
  return { artifact, digest: modelDigestText(artifact.digest) };
}

/** Measures an artifact and attests it: `text` is the attestation to write, bare DSSE or a Sigstore bundle. */
export async function signModel(
  path: string,
  model: string,
  by: Signer<'model'>,
  options: MeasureOptions & { readonly bundle?: boolean } = {},
): Promise<{ readonly artifact: Manifest; readonly digest: string; readonly text: string }> {
  const { artifact, digest } = await digestModel(path, options);
  const envelope = attest(model, artifact, by);
  return { artifact, digest, text: options.bundle === true ? bundleText(envelope) : envelopeText(envelope) };
}

/**
 * The artifact on disk, the attestation, and whether the operator
 * admits the model. Every refusal is a denial with its code.
 */
export async function verifyModel(
  path: string,
  attestationText: string,
  operator: Operator,
  options: MeasureOptions & { readonly provider?: Provider } = {},
): Promise<{ readonly ok: true; readonly attestation: VerifiedAttestation } | Denial> {
  const attestation = verifyAttestation(
    attestationText,
    operator.config.signers,
    options.provider ?? nobleProvider,
  );
  if (!attestation.ok) return attestation;
  const measured = await measure(path, options);
  const same = checkArtifact(attestation, measured);
  if (!same.ok) return same;
  const admitted = admit(operator, attestation.model, measured, attestation);
  if (isDenial(admitted)) return admitted;
  return { ok: true, attestation };
}
