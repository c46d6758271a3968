// Signed notes (C2SP signed-note): a text, an empty line, signature lines. Lines by unknown keys are ignored; a
// bad signature by a known key rejects the note, and so does the absence of any good one.
import { copyOf, equal, fromUtf8, nodeProvider, type Provider } from '../core.ts';
import { fromBase64, toBase64 } from '../base64.ts';
import { cosignatureMessage, readCosignature } from './cosignature.ts';
import { isKeyName, SIGNATURE, type SignerKey, type VerifierKey } from './key.ts';

/** The longest note that is read: a checkpoint with a hundred signatures takes 12 KB. */
export const MAX_NOTE_BYTES = 65_536;
const MAX_LINES = 100;

/** One signature line, not yet checked. */
export interface NoteSignature {
  readonly name: string;
  /** Four bytes of key id. */
  readonly id: Uint8Array;
  /** What follows the key id. */
  readonly signature: Uint8Array;
  /** The unchanged line, with its newline. */
  readonly line: string;
}

/** A well-formed note whose signatures have not been checked. */
export interface UnverifiedNote {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note, and which of the known keys signed it. */
export interface VerifiedNote extends UnverifiedNote {
  readonly signers: readonly {
    readonly key: VerifierKey;
    /** Unix seconds, of cosignatures. */ readonly time?: number;
  }[];
}

/** Splits a note into text and signatures; null when it is malformed. */
export function parseNote(note: Uint8Array | string): UnverifiedNote | null {
  const whole = typeof note === 'string' ? note : fromUtf8(note);
  if (whole === null || whole.length > MAX_NOTE_BYTES || /[^\P{Cc}\n]/u.test(whole)) return null;
  const cut = whole.lastIndexOf('\n\n');
  if (cut < 0 || !whole.endsWith('\n')) return null;
  const text = whole.slice(0, cut + 1);
  const lines = whole.slice(cut + 2, -1).split('\n');
  if (lines.length > MAX_LINES) return null;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
    const bytes = encoded === undefined ? null : fromBase64(encoded);
    if (name === undefined || !isKeyName(name) || bytes === null || bytes.length < 5) return null;
    signatures.push({
      name,
      id: copyOf(bytes.subarray(0, 4)),
      signature: copyOf(bytes.subarray(4)),
      line: `${line}\n`,
    });
  }
  return { text, signatures };
}

/** Checks one line against a key of the same name and id. The cosignature's time, or 0 for a plain signature; null when it is bad. */
function check(
  text: string,
  line: NoteSignature,
  key: VerifierKey,
  provider: Provider,
): { time?: number } | null {
  if (key.type === SIGNATURE.ed25519) {
    return provider.verify(key.publicKey, Buffer.from(text), line.signature) ? {} : null;
  }
  const cosignature = readCosignature(line.signature);
  if (cosignature === null) return null;
  const message = cosignatureMessage(text, cosignature.time);
  return provider.verify(key.publicKey, message, cosignature.signature) ? { time: cosignature.time } : null;
}

/** The note with the known keys that signed it, or null: malformed, a bad signature by a known key, or none by any. */
export function verifyNote(
  note: Uint8Array | string,
  known: readonly VerifierKey[],
  provider: Provider = nodeProvider,
): VerifiedNote | null {
  const parsed = parseNote(note);
  if (parsed === null) return null;
  const signers: { key: VerifierKey; time?: number }[] = [];
  for (const line of parsed.signatures) {
    const key = known.find((k) => k.name === line.name && equal(k.id, line.id));
    if (key === undefined || (key.type !== SIGNATURE.ed25519 && key.type !== SIGNATURE.cosignature)) continue;
    const good = check(parsed.text, line, key, provider);
    if (good === null) return null;
    if (!signers.some((s) => s.key === key)) signers.push({ key, ...good });
  }
  return signers.length === 0 ? null : { ...parsed, signers };
}

/** One signature line over `text`. `time` (Unix seconds) is for cosigner keys and required by them. */
export function signatureLine(text: string, signer: SignerKey, time?: number): string {
  const { name, id, type } = signer.verifier;
  let payload: Uint8Array;
  if (type === SIGNATURE.cosignature) {
    if (time === undefined || !Number.isSafeInteger(time) || time < 0)
      throw new TypeError('time: expected Unix seconds');
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(BigInt(time));
    payload = Buffer.concat([id, stamp, signer.sign(cosignatureMessage(text, time))]);
  } else payload = Buffer.concat([id, signer.sign(Buffer.from(text))]);
  return `\u2014 ${name} ${toBase64(payload)}\n`;
}

/** A note over `text`, which ends in a newline and has no other control characters. Throws TypeError otherwise. */
export function signNote(text: string, signers: readonly SignerKey[], time?: number): string {
  if (!text.endsWith('\n') || /[^\P{Cc}\n]/u.test(text))
    throw new TypeError('note text: expected lines of printable text');
  return `${text}\n${signers.map((signer) => signatureLine(text, signer, time)).join('')}`;
}
