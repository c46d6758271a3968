// What opening a log finds: the last signed checkpoint (or a new log's first), and whether what readers see agrees.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError, nodeProvider } from '../core.ts';
import { Edge } from '../merkle/edge.ts';
import { EMPTY_ROOT } from '../merkle/hash.ts';
import { signCheckpoint, verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import { isMissing } from '../tile/source.ts';
import type { LogOptions } from './options.ts';
import { createSegment } from './replay.ts';

/**
 * The head to continue from, and the published checkpoint when it is that head. Throws AmbitError: `audit_corrupt`,
 * or `file_missing` when there is no log and `create` is not set.
 */
export async function signedStart(
  options: LogOptions,
): Promise<{ readonly head: SignedCheckpoint; readonly published: SignedCheckpoint | null }> {
  const { directory, signer, head: store } = options;
  const read = (note: string): SignedCheckpoint | null =>
    verifyCheckpoint(note, signer.verifier, [], options.provider ?? nodeProvider);
  const note = await store.read();
  const shown = await readFile(join(directory, 'checkpoint'), 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (note === null && shown !== null)
    throw new AmbitError(
      'audit_corrupt',
      'There is a log but no signed checkpoint in the head store: it was removed or rolled back.',
    );
  const head = read(note ?? (await firstNote(options)));
  if (head === null)
    throw new AmbitError('audit_corrupt', 'The last signed checkpoint is damaged or by another key.');
  const published = shown === null ? null : read(shown);
  if (published !== null && published.size > head.size) {
    throw new AmbitError(
      'audit_corrupt',
      `The head store was rolled back: it says ${head.size}, the published checkpoint ${published.size}.`,
    );
  }
  return { head, published: published?.note === head.note ? published : null };
}

/** Begins a log: an empty segment, and the empty tree signed. */
async function firstNote({ directory, signer, head, create }: LogOptions): Promise<string> {
  if (create !== true) throw new AmbitError('file_missing', 'There is no audit log here.');
  await createSegment(directory, new Edge());
  const note = signCheckpoint(signer, 0, EMPTY_ROOT);
  if (!(await head.swap(null, note)))
    throw new AmbitError('audit_unavailable', 'Another writer has begun this log.');
  return note;
}
