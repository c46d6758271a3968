// Receipts: `c2sp.org/tlog-proof@v1`, an index, an inclusion proof and the checkpoint it leads to. Checked
// offline with the log's key, and with a witness policy where one is given.
import { fromUtf8, nodeProvider, type Provider } from '../core.ts';
import { fromBase64, toBase64 } from '../base64.ts';
import { leafHash } from '../merkle/hash.ts';
import { verifyInclusion } from '../merkle/proof.ts';
import { unverifiedCheckpoint, verifyCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import type { VerifierKey } from './key.ts';
import { satisfies, witnessKeys, type Policy } from './policy.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** The parts of a receipt. `extra` is not authenticated by anything. */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The checkpoint note, verbatim. */
  readonly checkpoint: string;
  readonly extra?: Uint8Array;
}

/** Writes a receipt. */
export function formatProof(proof: TlogProof): string {
  const extra = proof.extra === undefined ? '' : `extra ${toBase64(proof.extra)}\n`;
  const hashes = proof.hashes.map((hash) => `${toBase64(hash)}\n`).join('');
  return `${HEADER}\n${extra}index ${proof.index}\n${hashes}\n${proof.checkpoint}`;
}

/** Reads a receipt; null when malformed. */
export function parseProof(text: Uint8Array | string): TlogProof | null {
  const whole = typeof text === 'string' ? text : fromUtf8(text);
  const cut = whole?.indexOf('\n\n') ?? -1;
  if (whole === null || cut < 0) return null;
  const lines = whole.slice(0, cut).split('\n');
  if (lines.shift() !== HEADER) return null;
  let extra: Uint8Array | null | undefined;
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64(lines.shift()!.slice(6));
    if (extra === null) return null;
  }
  const [, index] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? '') ?? [];
  const hashes = lines.map(fromBase64);
  if (index === undefined || !Number.isSafeInteger(Number(index)) || hashes.length > 63) return null;
  if (!hashes.every((hash): hash is Uint8Array => hash?.length === 32)) return null;
  const checkpoint = whole.slice(cut + 2);
  if (unverifiedCheckpoint(checkpoint) === null) return null;
  return { index: Number(index), hashes, checkpoint, ...(extra ? { extra } : {}) };
}

/** What a receipt proved, or why it proves nothing. */
export type ProofVerdict =
  | { readonly ok: true; readonly index: number; readonly checkpoint: SignedCheckpoint }
  | {
      readonly ok: false;
      readonly why: 'malformed' | 'checkpoint_unsigned' | 'entry_not_included' | 'witnesses_missing';
    };

/** Checks offline that `entry` is in the log whose key is `log`; `policy` demands witnesses on top. */
export function verifyProof(
  text: Uint8Array | string,
  entry: Uint8Array,
  log: VerifierKey,
  policy?: Policy,
  provider: Provider = nodeProvider,
): ProofVerdict {
  const proof = parseProof(text);
  if (proof === null) return { ok: false, why: 'malformed' };
  const others = policy === undefined ? [] : witnessKeys(policy);
  const checkpoint = verifyCheckpoint(proof.checkpoint, log, others, provider);
  if (checkpoint === null) return { ok: false, why: 'checkpoint_unsigned' };
  if (!verifyInclusion(proof.index, checkpoint.size, leafHash(entry), proof.hashes, checkpoint.root)) {
    return { ok: false, why: 'entry_not_included' };
  }
  if (policy !== undefined && !satisfies(policy, checkpoint)) return { ok: false, why: 'witnesses_missing' };
  return { ok: true, index: proof.index, checkpoint };
}
