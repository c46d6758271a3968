// The heap in use after a full collection, for tests of what is left behind. Node's collector is asked for by the flag
// that exposes it, set while running, so that no test needs a command line of its own.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Bytes of the heap and of array buffers that are still reachable. */
export function heap(): number {
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export const MIB = 2 ** 20;
