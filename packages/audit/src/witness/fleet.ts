// Several enforcement points: each keeps a log of its own, and their checkpoints are entries of one fleet log. A node
// sees the fleet log as one of its witnesses; one fleet checkpoint then commits to all nodes.
import type { Log } from '../log/log.ts';
import type { SignerKey, VerifierKey } from '../note/key.ts';
import { unverifiedCheckpoint, verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import type { TreeReader } from '../tile/reader.ts';
import { Witness } from './witness.ts';

export interface FleetOptions {
  /** The log of checkpoints; its entries are signed notes. */
  readonly log: Log;
  /** Where the witness keeps what it has seen of each node. */
  readonly directory: string;
  /** The cosigner key by which nodes know it. */
  readonly signer: SignerKey;
  readonly nodes: readonly VerifierKey[];
}

/** A witness that appends what it cosigns to a log of its own, before it answers. */
export const openFleet = ({ log, directory, signer, nodes }: FleetOptions): Promise<Witness> =>
  Witness.open({
    directory,
    signer,
    logs: nodes,
    onAccepted: async (checkpoint) => {
      await log.append(Buffer.from(checkpoint.note));
    },
  });

/** What is wrong in a fleet log: entries that are not checkpoints of known nodes, or nodes that went back. */
export async function verifyFleet(
  reader: TreeReader,
  nodes: readonly VerifierKey[],
): Promise<{
  readonly latest: ReadonlyMap<string, SignedCheckpoint>;
  readonly problems: readonly { readonly index: number; readonly what: string }[];
}> {
  const latest = new Map<string, SignedCheckpoint>();
  const problems: { index: number; what: string }[] = [];
  for (let index = 0; index < reader.size; index++) {
    const note = Buffer.from(await reader.entry(index));
    const origin = unverifiedCheckpoint(note)?.origin;
    const key = nodes.find((node) => node.name === origin);
    const checkpoint = key === undefined ? null : verifyCheckpoint(note, key);
    if (checkpoint === null) problems.push({ index, what: 'not a checkpoint of a known node' });
    else {
      const before = latest.get(checkpoint.origin);
      const same = before?.size === checkpoint.size && Buffer.compare(before.root, checkpoint.root) !== 0;
      if (before !== undefined && (before.size > checkpoint.size || same))
        problems.push({ index, what: `${checkpoint.origin} went back or forked at ${checkpoint.size}` });
      latest.set(checkpoint.origin, checkpoint);
    }
  }
  return { latest, problems };
}
