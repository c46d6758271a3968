// The options of verifying a log.
import type { HeadStore } from '../log/head.ts';
import type { VerifierKey } from '../note/key.ts';
import type { Policy } from '../note/policy.ts';

export interface VerifyOptions {
  readonly directory: string;
  readonly log: VerifierKey;
  /** The store of the last signed checkpoint: without it a log rolled back as a whole looks whole. */
  readonly head?: HeadStore;
  /** Demands cosignatures on `checkpoint.cosigned`. */
  readonly policy?: Policy;
  /** Whether entries are records of this package (default true). */
  readonly records?: boolean;
  /** Called about once every 10,000 entries. */
  readonly onProgress?: (done: number, size: number) => void;
}
