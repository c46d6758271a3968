// Following a log: the last records, then each new one as checkpoints cover it.
import { AmbitError } from '../core.ts';
import type { VerifierKey } from '../note/key.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import { TreeReader } from '../tile/reader.ts';
import type { Source } from '../tile/source.ts';
import { search, type Found, type Query } from './search.ts';

/** The current checkpoint of a log and a reader of its tree. Throws AmbitError `audit_corrupt` when it is not signed by the log. */
export async function openReader(
  source: Source,
  log: VerifierKey,
): Promise<{ reader: TreeReader; checkpoint: SignedCheckpoint }> {
  const note = await source('checkpoint');
  if (note === null) throw new AmbitError('file_missing', 'There is no audit log here.');
  const checkpoint = verifyCheckpoint(note, log);
  if (checkpoint === null)
    throw new AmbitError('audit_corrupt', 'The checkpoint is not signed by the log, or malformed.');
  return { reader: new TreeReader(source, checkpoint.size), checkpoint };
}

export interface TailOptions {
  readonly source: Source;
  readonly log: VerifierKey;
  /** How many of the last entries come first (default 10). */
  readonly last?: number;
  /** Go on with what is appended (default true). */
  readonly follow?: boolean;
  readonly query?: Query;
  /** Milliseconds between looks (default 500). */
  readonly interval?: number;
  readonly signal?: AbortSignal;
}

/** Yields records as they come. Each new checkpoint must continue the one before; otherwise AmbitError `audit_corrupt`. */
export async function* tail(options: TailOptions): AsyncGenerator<Found> {
  let { reader, checkpoint } = await openReader(options.source, options.log);
  let next = Math.max(0, checkpoint.size - (options.last ?? 10));
  for (;;) {
    yield* search(reader, options.query ?? {}, next);
    next = checkpoint.size;
    if (options.follow === false || options.signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, options.interval ?? 500);
      options.signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
    const now = await openReader(options.source, options.log);
    const back = now.checkpoint.size < checkpoint.size;
    const proof = back ? [] : await now.reader.consistency(checkpoint.size);
    if (
      back ||
      !verifyConsistency(checkpoint.size, now.checkpoint.size, proof, checkpoint.root, now.checkpoint.root)
    ) {
      throw new AmbitError(
        'audit_corrupt',
        `The log no longer continues the ${checkpoint.size} entries it had: it was rolled back or forked.`,
      );
    }
    ({ reader, checkpoint } = now);
  }
}
