// Receipts made from a log's files by any reader; the writer makes them with `Log.receipt`.
import { AmbitError } from '../core.ts';
import { formatProof } from '../note/proof.ts';
import { verifyCheckpoint } from '../note/checkpoint.ts';
import type { VerifierKey } from '../note/key.ts';
import { satisfies, witnessKeys, type Policy } from '../note/policy.ts';
import { TreeReader } from '../tile/reader.ts';
import type { Source } from '../tile/source.ts';
import { openReader } from './tail.ts';

/**
 * A receipt (`c2sp.org/tlog-proof@v1`) for entry `index` from a log's files. With a policy it rests on the cosigned
 * checkpoint. Throws RangeError for an index past the checkpoint, AmbitError `witness_unavailable` when too few cosigned.
 */
export async function prove(
  source: Source,
  log: VerifierKey,
  index: number,
  policy?: Policy,
): Promise<string> {
  if (policy === undefined) {
    const { reader, checkpoint } = await openReader(source, log);
    return formatProof({ index, hashes: await reader.inclusion(index), checkpoint: checkpoint.note });
  }
  const note = await source('checkpoint.cosigned');
  const cosigned = note === null ? null : verifyCheckpoint(note, log, witnessKeys(policy));
  if (cosigned === null || !satisfies(policy, cosigned)) throw new AmbitError('witness_unavailable');
  const reader = new TreeReader(source, cosigned.size);
  return formatProof({ index, hashes: await reader.inclusion(index), checkpoint: cosigned.note });
}
