// The checkpoints that the log has published, as claims that the pass over its entries meets.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { historyFiles, parseHistory } from '../log/history.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import type { Problems, RecordClaim } from './problems.ts';
import type { VerifyOptions } from './options.ts';

/** Published checkpoints in order, each with a good signature; `counted` is called for each. */
export async function* publishedClaims(
  options: VerifyOptions,
  size: number,
  problems: Problems,
  counted: () => void,
): AsyncGenerator<RecordClaim> {
  let digest: Uint8Array = new Uint8Array(HASH_BYTES);
  let before = -1;
  let last: SignedCheckpoint | null = null;
  for (const name of await historyFiles(options.directory)) {
    const where = `checkpoints/${name}`;
    const part = parseHistory(await readFile(join(options.directory, where)), digest);
    digest = part.digest;
    for (const [i, note] of part.notes.entries()) {
      const checkpoint = verifyCheckpoint(note, options.log);
      if (checkpoint === null) problems.add(where, `note ${i} is not signed by the log`);
      else if (checkpoint.size < before)
        problems.add(where, `note ${i} goes back from ${before} to ${checkpoint.size} entries`);
      else {
        before = checkpoint.size;
        last = checkpoint;
        counted();
        // The writer may have published more since we began.
        if (checkpoint.size <= size)
          yield { size: checkpoint.size, root: checkpoint.root, where: `${where} note ${i}` };
      }
    }
    if (part.state !== 'whole') {
      problems.add(where, `${part.state === 'torn' ? 'an unfinished note' : 'damaged'} at byte ${part.end}`);
      break;
    }
  }
  if (last === null || last.size < size)
    problems.add('checkpoints', 'the last published checkpoint is missing from the history');
}
