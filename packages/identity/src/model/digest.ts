// The digest of a model artifact as text: `sha256:` and 64 lower-case hexadecimal digits, as registries and
// `model@sha256:...` references write it. In grants it is the 32 bytes.
import { AmbitError, fromHex, toHex } from '@ambit/core';

const PREFIX = 'sha256:';

/** Whether a text is a model digest. */
export const isModelDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

/** The text of a digest of 32 bytes. */
export function modelDigestText(digest: Uint8Array): string {
  if (digest.length !== 32) throw new TypeError(`model digest: expected 32 bytes, got ${digest.length}`);
  return PREFIX + toHex(digest);
}

/** The 32 bytes of a digest's text; AmbitError `input_invalid`. */
export function parseModelDigest(text: string): Uint8Array {
  const bytes = isModelDigest(text) ? fromHex(text.slice(PREFIX.length)) : null;
  if (bytes === null)
    throw new AmbitError('input_invalid', 'Expected a model digest: sha256: and 64 hexadecimal digits.');
  return bytes;
}
