// DSSE 1.0.2, the Dead Simple Signing Envelope: PAE, the JSON envelope, Ed25519 signatures. `keyid` is an
// unauthenticated hint: it orders the attempts and decides nothing. Bytes are verified before they are parsed,
// and what is parsed is what was verified.
import { concat, fromBase64url, fromUtf8, toBase64url, sha256, utf8 } from '@ambit/core';
import type { AsyncSigner, Label, Provider, PublicKey, Signer } from '@ambit/core';

/** A payload, its type, and who signed it. */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[];
}

/** Bounds of an envelope: an artifact of 100,000 files takes about 25 MB. */
const ENVELOPE_CHARACTERS = 64 * 1024 * 1024;
const SIGNATURES = 16;

const DSSE: Label = Object.freeze({ name: 'dsse', bytes: utf8('DSSEv1 ') });

// What follows `DSSEv1 ` in the PAE, so that a signer that signs label || message signs the PAE exactly.
function paeRest(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8(payloadType);
  return concat(utf8(`${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/** The pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(payload) SP payload`. */
export const pae = (payloadType: string, payload: Uint8Array): Uint8Array =>
  concat(DSSE.bytes, paeRest(payloadType, payload));

// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) without the key itself.
const SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** The key id other DSSE tools use: `SHA256:` and unpadded base64 of SHA-256 over the SubjectPublicKeyInfo. */
export const keyid = (key: PublicKey): string =>
  `SHA256:${toBase64url(sha256(SPKI, key.bytes)).replaceAll('-', '+').replaceAll('_', '/')}`;

/** An envelope with one signature. */
export function sealEnvelope(payloadType: string, payload: Uint8Array, by: Signer<'model'>): Envelope {
  return signed(payloadType, payload, by.publicKey, by.sign(DSSE, paeRest(payloadType, payload)));
}

/** The same by a signer that answers later. */
export async function sealEnvelopeLater(
  payloadType: string,
  payload: Uint8Array,
  by: AsyncSigner<'model'>,
): Promise<Envelope> {
  return signed(payloadType, payload, by.publicKey, await by.sign(DSSE, paeRest(payloadType, payload)));
}

function signed(payloadType: string, payload: Uint8Array, key: PublicKey, sig: Uint8Array): Envelope {
  if (sig.length !== 64)
    throw new TypeError(`signature: expected 64 bytes from the signer, got ${sig.length}`);
  return { payloadType, payload, signatures: [{ keyid: keyid(key), sig }] };
}

/**
 * The name of the trusted key by which the envelope is signed; `unknown` when no signature claims or passes a
 * trusted key; `invalid` when one claims a trusted key and does not verify under it.
 */
export function envelopeSigner(
  envelope: Envelope,
  trusted: ReadonlyMap<string, PublicKey<'model'>>,
  provider: Provider,
): { readonly by: string } | 'unknown' | 'invalid' {
  const message = pae(envelope.payloadType, envelope.payload);
  let claimed = false;
  for (const { keyid: hint, sig } of envelope.signatures) {
    const candidates = [...trusted].map(([name, key]) => ({ name, key, hinted: keyid(key) === hint }));
    claimed ||= candidates.some((c) => c.hinted);
    candidates.sort((a, b) => Number(b.hinted) - Number(a.hinted));
    for (const { name, key } of candidates) if (provider.verify(key.bytes, message, sig)) return { by: name };
  }
  return claimed ? 'invalid' : 'unknown';
}

/** The JSON form. */
export const envelopeText = (e: Envelope): string =>
  `${JSON.stringify({
    payload: base64(e.payload),
    payloadType: e.payloadType,
    signatures: e.signatures.map(({ keyid: id, sig }) => ({ keyid: id, sig: base64(sig) })),
  })}\n`;

/** The same inside a Sigstore bundle (media type v0.3), as the OpenSSF model signing command writes and reads it. */
export const bundleText = (e: Envelope): string =>
  `${JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: e.signatures[0]?.keyid ?? '' }, tlogEntries: [] },
    dsseEnvelope: JSON.parse(envelopeText(e)) as unknown,
  })}\n`;

/** Reads an envelope, bare or inside a Sigstore bundle; null for anything else. Unknown fields are ignored, as DSSE has it. */
export function readEnvelope(text: string): Envelope | null {
  if (text.length > ENVELOPE_CHARACTERS) return null;
  let value = jsonObject(text);
  const inner = value?.['dsseEnvelope'];
  if (isObject(inner)) value = inner;
  if (value === null || typeof value['payloadType'] !== 'string') return null;
  const payload = unbase64(value['payload']);
  const list = value['signatures'];
  if (payload === null || !Array.isArray(list) || list.length === 0 || list.length > SIGNATURES) return null;
  const signatures: { keyid: string; sig: Uint8Array }[] = [];
  for (const entry of list as readonly unknown[]) {
    if (!isObject(entry)) return null;
    const sig = unbase64(entry['sig']);
    const id = entry['keyid'] ?? '';
    if (sig === null || typeof id !== 'string') return null;
    signatures.push({ keyid: id, sig });
  }
  return { payloadType: value['payloadType'], payload, signatures };
}

/** The object that UTF-8 JSON holds; null for anything else. */
export function jsonObject(source: string | Uint8Array): Readonly<Record<string, unknown>> | null {
  const text = typeof source === 'string' ? source : fromUtf8(source);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a parsed value is a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const base64 = (bytes: Uint8Array): string => {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
};

// Standard or URL-safe, padded or not (DSSE: "either standard or URL-safe encoding is allowed").
function unbase64(value: unknown): Uint8Array | null {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(value)) return null;
  return fromBase64url(
    value
      .replace(/(?<!=)=+$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
  );
}
