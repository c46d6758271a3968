// A log and its witnesses: every published checkpoint is submitted in the background, the cosigned note is in
// `checkpoint.cosigned`. The log continues while witnesses are down, unless it is configured to stop; a
// conflict stops it.
import { join } from 'node:path';
import { AmbitError } from '../core.ts';
import { replaceFile } from '@ambit/files';
import type { Log } from '../log/log.ts';
import type { SignedCheckpoint } from '../note/checkpoint.ts';
import type { VerifierKey } from '../note/key.ts';
import type { Policy } from '../note/policy.ts';
import { TreeReader } from '../tile/reader.ts';
import { directorySource } from '../tile/source.ts';
import { conflictOf, cosign, type Cosigned } from './client.ts';

export interface WitnessingOptions {
  readonly directory: string;
  readonly log: VerifierKey;
  readonly policy: Policy;
  readonly timeout?: number;
  /** Stop the log when the policy has not been met for so many milliseconds (default: never). */
  readonly stopAfter?: number;
  readonly onResult?: (result: Cosigned) => void;
}

/** Connects a log with the witnesses of a policy: pass `submit` as the log's `onCheckpoint`, then `attach` the log. */
export class Witnessing {
  readonly #options: WitnessingOptions;
  readonly #seen = new Map<string, number>();
  #log: Log | null = null;
  #running: Promise<Cosigned | null> | null = null;
  #pending: SignedCheckpoint | null = null;
  #met: number = Date.now();
  /** The last checkpoint that met the policy. */
  cosigned: Cosigned | null = null;

  constructor(options: WitnessingOptions) {
    this.#options = options;
  }

  attach(log: Log): void {
    this.#log = log;
  }

  /** Takes a published checkpoint; while a submission runs, only the newest waits. */
  readonly submit = (checkpoint: SignedCheckpoint): void => {
    this.#pending = checkpoint;
    this.#running ??= this.#work().finally(() => (this.#running = null));
    this.#running.catch(() => {});
  };

  async #work(): Promise<Cosigned | null> {
    let last: Cosigned | null = null;
    for (let checkpoint = this.#pending; checkpoint !== null; checkpoint = this.#pending) {
      this.#pending = null;
      last = await this.#cosign(checkpoint);
    }
    return last;
  }

  async #cosign(checkpoint: SignedCheckpoint): Promise<Cosigned> {
    const { directory, log, policy, timeout, stopAfter } = this.#options;
    const reader = new TreeReader(directorySource(directory), checkpoint.size);
    const result = await cosign(checkpoint, {
      policy,
      log,
      seen: this.#seen,
      proofFrom: (size) => reader.consistency(size),
      ...(timeout === undefined ? {} : { timeout }),
    });
    const conflict = conflictOf(result.results);
    if (conflict !== null) this.#log?.fail(conflict);
    else if (result.met) {
      this.#met = Date.now();
      await replaceFile(join(directory, 'checkpoint.cosigned'), result.note, true);
      this.cosigned = result;
    } else if (stopAfter !== undefined && Date.now() - this.#met > stopAfter) {
      this.#log?.fail(new AmbitError('witness_unavailable'));
    }
    this.#options.onResult?.(result);
    return result;
  }

  /** Waits until nothing is being submitted. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }
}
