// The lines of a text that arrives in pieces, and a place on the disk to keep them in. Whoever hands a text over may be
// hostile, so no line is longer than a bound.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmbitError } from '@ambit/core';

/** Text, whole or in pieces, as a file or a pipe gives it. */
export type Pieces = string | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>;

/** The lines of a text, without their ends. Rejects with AmbitError `input_invalid` for one that `most` says is too long. */
export async function* linesOf(pieces: Pieces, most: (start: string) => number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  for await (const piece of typeof pieces === 'string' ? [pieces] : pieces) {
    const text = typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true });
    const [first = '', ...rest] = text.split('\n');
    parts.push(first);
    length += first.length;
    if (length > most(parts[0]!))
      throw new AmbitError('input_invalid', 'A line is longer than any of its kind.');
    if (rest.length === 0) continue;
    const last = rest.pop()!;
    yield parts.join('');
    for (const line of rest) yield line;
    parts = [last];
    length = last.length;
  }
  if (length > 0) yield parts.join('');
}

/** Lines kept in a file that nobody else can read, or change between two readings of it. */
export interface Spool {
  readonly keep: (line: string) => Promise<void>;
  /** What was kept, as often as it is asked for. */
  readonly read: () => Promise<AsyncIterable<string | Uint8Array>>;
}

/** Characters that are written together. */
const TOGETHER = 1 << 18;

/** Runs `job` with a spool, which is gone behind it. */
export async function withSpool<T>(job: (spool: Spool) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'ambit-spool-'));
  const path = join(folder, 'lines');
  const file = await open(path, 'wx', 0o600);
  let waiting: string[] = [];
  let length = 0;
  const write = async (): Promise<void> => {
    await file.appendFile(waiting.join(''));
    waiting = [];
    length = 0;
  };
  try {
    return await job({
      keep: async (line) => {
        waiting.push(line, '\n');
        if ((length += line.length) > TOGETHER) await write();
      },
      read: async () => {
        await write();
        return createReadStream(path);
      },
    });
  } finally {
    await file.close();
    await rm(folder, { recursive: true, force: true });
  }
}
