// Checkpoints (C2SP tlog-checkpoint): a note whose text is origin, size and root on three lines, and perhaps
// extension lines. The origin is the name of the log and of the key that signs for it.
import { nodeProvider, type Provider } from '../core.ts';
import { fromBase64, toBase64 } from '../base64.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { SIGNATURE, type SignerKey, type VerifierKey } from './key.ts';
import { parseNote, signNote, verifyNote, type VerifiedNote } from './note.ts';

/** What a checkpoint says of a log. */
export interface Checkpoint {
  readonly origin: string;
  /** Entries in the tree. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

/** A checkpoint signed by the log's key; `note` is the whole signed text. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string;
  readonly text: string;
  readonly signers: VerifiedNote['signers'];
}

/** The text of a checkpoint, before signatures. */
export const checkpointText = (origin: string, size: number, root: Uint8Array): string =>
  `${origin}\n${size}\n${toBase64(root)}\n`;

/** Reads a checkpoint text; null when malformed. */
export function parseCheckpoint(text: string): Checkpoint | null {
  const lines = text.split('\n');
  if (lines.length < 4 || lines.pop() !== '') return null;
  const [origin, size, encoded, ...extensions] = lines;
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(size!) || extensions.includes('')) return null;
  const root = fromBase64(encoded!);
  if (root?.length !== HASH_BYTES || !Number.isSafeInteger(Number(size))) return null;
  return { origin, size: Number(size), root, extensions };
}

/** Signs a checkpoint by the log's key; the key's name is the origin. */
export const signCheckpoint = (signer: SignerKey, size: number, root: Uint8Array): string =>
  signNote(checkpointText(signer.verifier.name, size, root), [signer]);

/**
 * The checkpoint in `note` if the log's key `log` signed it and its origin is that key's name; otherwise null.
 * `others` (witness keys) are checked as well: a bad line by one of them rejects the note.
 */
export function verifyCheckpoint(
  note: Uint8Array | string,
  log: VerifierKey,
  others: readonly VerifierKey[] = [],
  provider: Provider = nodeProvider,
): SignedCheckpoint | null {
  const whole = typeof note === 'string' ? note : Buffer.from(note).toString('utf8');
  const verified = verifyNote(note, [log, ...others], provider);
  if (verified === null || log.type !== SIGNATURE.ed25519) return null;
  if (!verified.signers.some(({ key }) => key === log)) return null;
  const checkpoint = parseCheckpoint(verified.text);
  if (checkpoint === null || checkpoint.origin !== log.name) return null;
  return { ...checkpoint, note: whole, text: verified.text, signers: verified.signers };
}

/** What an unsigned reader sees: the checkpoint without any check of signatures. */
export function unverifiedCheckpoint(note: Uint8Array | string): Checkpoint | null {
  const parsed = parseNote(note);
  return parsed === null ? null : parseCheckpoint(parsed.text);
}
