// Keys of signed notes (C2SP signed-note): verifier keys `name+hash+base64(type || public key)` and the signer
// keys of the Go tools, `PRIVATE+KEY+name+hash+base64(type || seed)`. Key id = SHA-256(name, newline, type, key)[:4].
import {
  AmbitError,
  copyOf,
  equal,
  fromHex,
  nativeSha256,
  nodeProvider,
  randomBytes,
  toHex,
  type Provider,
} from '../core.ts';
import { fromBase64, toBase64 } from '../base64.ts';

/** Signature types that this package makes and checks; a key of another type is unknown and its lines are ignored. */
export const SIGNATURE = { ed25519: 0x01, cosignature: 0x04 } as const;

/** A public key under a name. */
export interface VerifierKey {
  readonly name: string;
  /** Four bytes that select the key on a signature line. */
  readonly id: Uint8Array;
  readonly type: number;
  readonly publicKey: Uint8Array;
  /** The text form. */
  readonly text: string;
}

/** A private key under a name. The seed is not enumerable, so no dump or JSON shows it (law L12). */
export interface SignerKey {
  readonly verifier: VerifierKey;
  sign(message: Uint8Array): Uint8Array;
  /** The private text form, for a key file of mode 0600 and nothing else. */
  unsafeExport(): string;
}

const NAME = /^[^\s+\p{White_Space}\p{Cc}]+$/u;

/** Whether `name` is allowed in a note: not empty, no white space, no plus. */
export const isKeyName = (name: string): boolean => NAME.test(name) && Buffer.byteLength(name) <= 255;

/** The four bytes that identify a key on a signature line. */
export function keyId(name: string, type: number, publicKey: Uint8Array): Uint8Array {
  return nativeSha256(Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(type), publicKey])).slice(0, 4);
}

/** A verifier key from its parts. Throws AmbitError `key_invalid` for a name that no note can hold. */
export function verifierKey(name: string, type: number, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name))
    throw new AmbitError('key_invalid', 'The key name must not be empty, nor hold spaces or a plus.');
  const id = keyId(name, type, publicKey);
  const encoded = toBase64(Buffer.concat([Uint8Array.of(type), publicKey]));
  return Object.freeze({ name, id, type, publicKey, text: `${name}+${toHex(id)}+${encoded}` });
}

/** Reads a verifier key, checking its hash. Throws AmbitError `key_invalid`. */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, hash, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim()) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  if (name === undefined || hash === undefined || bytes === null || bytes.length < 2) throw malformed();
  const key = verifierKey(name, bytes[0]!, copyOf(bytes.subarray(1)));
  if (!equal(key.id, fromHex(hash)!)) throw malformed();
  const known = key.type === SIGNATURE.ed25519 || key.type === SIGNATURE.cosignature;
  if (known && key.publicKey.length !== 32) throw malformed();
  return key;
}

const malformed = (): AmbitError =>
  new AmbitError('key_invalid', 'The text is not a verifier key (name+hash+key).');

/** A signer from a 32-byte seed. `type` 0x01 signs notes and checkpoints, 0x04 cosigns. */
export function signerKey(
  name: string,
  seed: Uint8Array,
  type: number = SIGNATURE.ed25519,
  provider: Provider = nodeProvider,
): SignerKey {
  const kept = copyOf(seed);
  const verifier = verifierKey(name, type, provider.publicKey(kept));
  return Object.freeze({
    verifier,
    sign: (message: Uint8Array) => provider.sign(kept, message),
    unsafeExport: () =>
      `PRIVATE+KEY+${name}+${toHex(verifier.id)}+${toBase64(Buffer.concat([Uint8Array.of(type), kept]))}`,
  });
}

/** A new signer with a random seed. */
export const generateSigner = (name: string, type: number = SIGNATURE.ed25519): SignerKey =>
  signerKey(name, randomBytes(32), type);

/** Reads a private key text. The error never quotes it. Throws AmbitError `key_invalid`. */
export function parseSignerKey(text: string, provider: Provider = nodeProvider): SignerKey {
  const [, name, hash, encoded] = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim()) ?? [];
  const bytes = encoded === undefined ? null : fromBase64(encoded);
  const bad = new AmbitError('key_invalid', 'The text is not a signer key (PRIVATE+KEY+name+hash+key).');
  const type = bytes?.[0];
  if (name === undefined || hash === undefined || type === undefined || bytes?.length !== 33) throw bad;
  const key = signerKey(name, bytes.subarray(1), type, provider);
  if (!equal(key.verifier.id, fromHex(hash)!)) throw bad;
  return key;
}

/** The same seed as a cosigner: another type, so another key id (tlog-cosignature). */
export function cosignerKey(signer: SignerKey, provider: Provider = nodeProvider): SignerKey {
  const encoded = signer.unsafeExport().split('+').slice(4).join('+');
  return signerKey(signer.verifier.name, fromBase64(encoded)!.subarray(1), SIGNATURE.cosignature, provider);
}
