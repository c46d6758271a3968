// A model's attestation: a DSSE envelope around an in-toto Statement v1 whose predicate is that of OpenSSF
// model signing 1.0 (https://model_signing/signature/v1.0): one subject, the files with their digests in order.
// We add the sizes, which its readers ignore, and name the subject by the model id, which is what binds an
// artifact to a name: an attestation for one model can't be shown for another (attack I1).
import { deny, equal, fromHex, nobleProvider, toHex, utf8 } from '@ambit/core';
import type { AsyncSigner, Denial, Provider, PublicKey, Signer } from '@ambit/core';
import {
  envelopeSigner,
  isObject,
  jsonObject,
  readEnvelope,
  sealEnvelope,
  sealEnvelopeLater,
  type Envelope,
} from './dsse.ts';
import { modelDigestText } from './digest.ts';
import {
  comparePaths,
  isManifestPath,
  manifest,
  openssfRoot,
  SELF,
  type Manifest,
  type ManifestFile,
} from './manifest.ts';

export const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://model_signing/signature/v1.0';

/** The statement's bytes: what is signed. */
export function attestationStatement(model: string, artifact: Manifest): Uint8Array {
  return utf8(
    JSON.stringify({
      _type: STATEMENT_TYPE,
      subject: [{ name: model, digest: { sha256: toHex(openssfRoot(artifact.files)) } }],
      predicateType: PREDICATE_TYPE,
      predicate: {
        serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false, ignore_paths: [] },
        resources: artifact.files.map((f) => ({
          name: f.path,
          algorithm: 'sha256',
          digest: toHex(f.sha256),
          size: f.size,
        })),
      },
    }),
  );
}

/** Attests that `artifact` is the model `model`. */
export const attest = (model: string, artifact: Manifest, by: Signer<'model'>): Envelope =>
  sealEnvelope(PAYLOAD_TYPE, attestationStatement(model, artifact), by);

/** The same by a signer that answers later. */
export const attestLater = (model: string, artifact: Manifest, by: AsyncSigner<'model'>): Promise<Envelope> =>
  sealEnvelopeLater(PAYLOAD_TYPE, attestationStatement(model, artifact), by);

const made = new WeakSet<object>();

/** An attestation that was verified: by whom, for which model, over which artifact. Made by `verifyAttestation` alone. */
export interface VerifiedAttestation {
  readonly ok: true;
  readonly model: string;
  /** The name of the signer in the configuration. */
  readonly signer: string;
  /** The signer's key: what a configuration that renames its signers still has to trust. */
  readonly key: PublicKey<'model'>;
  readonly artifact: Manifest;
}

/** Whether a value is one that `verifyAttestation` made, and not only of its shape. */
export const isVerifiedAttestation = (value: object): boolean => made.has(value);

/**
 * Verifies the text of an attestation under the trusted signers. Denials: `model_signer_unknown` when no one
 * trusted signed it, `model_unattested` when it is malformed, wrongly signed, or no statement about a model.
 */
export function verifyAttestation(
  text: string,
  trusted: ReadonlyMap<string, PublicKey<'model'>>,
  provider: Provider = nobleProvider,
): VerifiedAttestation | Denial {
  const envelope = readEnvelope(text);
  if (envelope === null) return deny('model_unattested', 'no DSSE envelope');
  if (envelope.payloadType !== PAYLOAD_TYPE)
    return deny('model_unattested', `the payload type is not ${PAYLOAD_TYPE}`);
  const by = envelopeSigner(envelope, trusted, provider);
  if (by === 'unknown') return deny('model_signer_unknown');
  if (by === 'invalid') return deny('model_unattested', 'the signature does not verify');
  const read = readStatement(envelope.payload);
  if (typeof read === 'string') return deny('model_unattested', read);
  const verified: VerifiedAttestation = Object.freeze({
    ok: true,
    ...read,
    signer: by.by,
    key: trusted.get(by.by)!,
  });
  made.add(verified);
  return verified;
}

/** The model and artifact a signed payload states, or why it states none. */
function readStatement(
  payload: Uint8Array,
): { readonly model: string; readonly artifact: Manifest } | string {
  const value = jsonObject(payload);
  if (value?.['_type'] !== STATEMENT_TYPE) return 'no in-toto statement v1';
  if (value['predicateType'] !== PREDICATE_TYPE) return `the predicate type is not ${PREDICATE_TYPE}`;
  const subjects = value['subject'];
  const subject: unknown = Array.isArray(subjects) && subjects.length === 1 ? subjects[0] : null;
  const predicate = value['predicate'];
  if (!isObject(subject) || !isObject(predicate) || typeof subject['name'] !== 'string')
    return 'no single subject';
  const digest = subject['digest'];
  const root = isObject(digest) ? hexDigest(digest['sha256']) : null;
  const serialization = predicate['serialization'];
  if (
    !isObject(serialization) ||
    serialization['method'] !== 'files' ||
    serialization['hash_type'] !== 'sha256'
  ) {
    return 'the serialization is not by files with sha256';
  }
  const files = readResources(predicate['resources']);
  if (files === null) return 'the resources are not files with sha256 digests and sizes, in order';
  if (root === null || !equal(root, openssfRoot(files)))
    return "the subject's digest is not that of the resources";
  const kind = files.length === 1 && files[0]!.path === SELF ? 'file' : 'directory';
  return { model: subject['name'], artifact: manifest(kind, files) };
}

function readResources(value: unknown): ManifestFile[] | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const files: ManifestFile[] = [];
  for (const entry of value as readonly unknown[]) {
    if (!isObject(entry)) return null;
    const { name, algorithm, digest, size } = entry;
    const hash = hexDigest(digest);
    if (typeof name !== 'string' || algorithm !== 'sha256' || hash === null) return null;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return null;
    if (!(isManifestPath(name) || (name === SELF && value.length === 1))) return null;
    const previous = files.at(-1);
    if (previous !== undefined && comparePaths(previous.path, name) >= 0) return null;
    files.push({ path: name, size, sha256: hash });
  }
  return files;
}

const hexDigest = (value: unknown): Uint8Array | null =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? fromHex(value) : null;

/** How a measured artifact differs from the attested one: at most 20 lines for people. */
function differences(attested: Manifest, measured: Manifest): readonly string[] {
  const before = new Map(attested.files.map((f) => [f.path, f]));
  const out: string[] = [];
  for (const file of measured.files) {
    const old = before.get(file.path);
    before.delete(file.path);
    if (old === undefined) out.push(`added ${file.path}`);
    else if (!equal(old.sha256, file.sha256)) out.push(`changed ${file.path}`);
  }
  for (const path of before.keys()) out.push(`missing ${path}`);
  return out.length <= 20 ? out : [...out.slice(0, 20), `and ${out.length - 20} more`];
}

/** Checks an artifact on disk against a verified attestation; `model_tampered` names what differs. */
export function checkArtifact(
  attestation: VerifiedAttestation,
  measured: Manifest,
): Denial | { readonly ok: true } {
  if (equal(attestation.artifact.digest, measured.digest) && attestation.artifact.kind === measured.kind)
    return { ok: true };
  const what = differences(attestation.artifact, measured).join(', ');
  return deny(
    'model_tampered',
    what === '' ? `attested ${modelDigestText(attestation.artifact.digest)}` : what,
  );
}
