// A request's body within bounds of size and time (attack G8): never more than the limit is held, and a client that
// sends a byte a minute does not hold a place.
import type { BodyFault } from '@ambit/wire/http';

/** The bytes, or why not. What is left of a refused body is not read; the connection is to be closed. */
export async function readBody(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  milliseconds: number,
): Promise<Uint8Array<ArrayBuffer> | BodyFault> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), milliseconds);
  });
  // By hand: leaving a `for await` would destroy a node stream, and with it the way of the answer.
  const parts = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = parts.next();
      const part = await Promise.race([next, late]);
      if (part === 'late') {
        next.catch(() => undefined);
        return 'request_timeout';
      }
      if (part.done === true) break;
      size += part.value.length;
      if (size > limit) return 'request_too_large';
      chunks.push(part.value);
    }
  } finally {
    clearTimeout(timer);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
