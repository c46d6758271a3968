// Newline-delimited messages over streams (MCP transports, "stdio"), with bounds: on a line, on how many are being
// worked on, and on what waits to be written. A peer that sends without reading is made to wait.
import type { Readable, Writable } from 'node:stream';

/** Lines that are worked on at a time. */
const AT_ONCE = 256;

/**
 * Calls `take` with each line, in order of arrival, without waiting for one before the next is read as long as not
 * too many are open; null means a line longer than `limit`. Resolves at the end, when all have been taken.
 */
export async function readLines(
  stream: Readable,
  limit: number,
  take: (line: Buffer | null) => Promise<void>,
): Promise<void> {
  let parts: Buffer[] = [];
  let size = 0;
  const open = new Set<Promise<void>>();
  const give = (line: Buffer | null): void => {
    const done = take(line).finally(() => open.delete(done));
    open.add(done);
  };
  const add = (part: Buffer): void => {
    size += part.length;
    if (size <= limit) parts.push(part);
    else parts = [];
  };
  const end = (): void => {
    if (size > limit) give(null);
    else if (size > 0) {
      const line = Buffer.concat(parts);
      if (line.toString('latin1').trim() !== '') give(line);
    }
    parts = [];
    size = 0;
  };
  for await (const chunk of stream) {
    let rest = chunk as Buffer;
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      add(rest.subarray(0, at));
      end();
      rest = rest.subarray(at + 1);
      while (open.size >= AT_ONCE) await Promise.race(open);
    }
    add(rest);
  }
  end();
  await Promise.all(open);
}

/** Writes messages as lines; each promise resolves when there is room for more, or the reader is gone. */
export function lineWriter(stream: Writable): (message: unknown) => Promise<void> {
  let room: Promise<void> | null = null;
  let gone = false;
  let wake: (() => void) | null = null;
  const over = (): void => {
    gone = true;
    wake?.();
  };
  // A reader that is gone is seen by its end, not by an exception here.
  stream.on('error', over);
  stream.on('close', over);
  return async (message) => {
    if (gone || !stream.writable) return;
    if (!stream.write(`${JSON.stringify(message)}\n`)) {
      room ??= new Promise<void>((resolve) => {
        wake = resolve;
        stream.once('drain', resolve);
      }).finally(() => {
        room = null;
      });
    }
    if (room !== null) await room;
  };
}
