// How a log is opened, what it takes, and its defaults with their reasons.
import { AmbitError, type Provider } from '../core.ts';
import type { SignedCheckpoint } from '../note/checkpoint.ts';
import type { SignerKey } from '../note/key.ts';
import type { HeadStore } from './head.ts';

/** Defaults of a log, each with its reason. */
export const LOG_DEFAULTS: {
  readonly checkpointInterval: number;
  readonly segmentBytes: number;
  readonly batchBytes: number;
  readonly queueBytes: number;
  readonly backlogBytes: number;
  readonly maxDelayMs: number;
  readonly inlineFlushEntries: number;
} = Object.freeze({
  /** Milliseconds between checkpoints: how long an entry may be durable and not yet signed for. */
  checkpointInterval: 1000,
  /** Bytes of a write-ahead segment: what a start has to replay at most (64 MiB replay in under a second). */
  segmentBytes: 67_108_864,
  /** Bytes of one flush: bounds the memory and the time of one write. */
  batchBytes: 4_194_304,
  /** Bytes waiting to be flushed: beyond it an append is refused, so a slow disk cannot fill the memory. */
  queueBytes: 67_108_864,
  /** Bytes of full tiles not yet written: beyond it flushing waits. */
  backlogBytes: 67_108_864,
  /** Milliseconds that entries without a waiting caller (outcomes) wait to share the fdatasync of the next decision. */
  maxDelayMs: 10,
  /** A flush of at most so many entries is written without the thread pool, whose way there and back costs as much as a fast disk. */
  inlineFlushEntries: 4,
});

/** How a log is opened. */
export interface LogOptions {
  readonly directory: string;
  /** Signs checkpoints; its name is the log's origin. */
  readonly signer: SignerKey;
  /** Where the last signed checkpoint is kept: not in the directory. */
  readonly head: HeadStore;
  /** Create a new log if it is missing. Default false: a log that disappeared is an error. */
  readonly create?: boolean;
  /** Milliseconds; 0 signs on demand and at the end only. */
  readonly checkpointInterval?: number;
  readonly segmentBytes?: number;
  readonly batchBytes?: number;
  readonly queueBytes?: number;
  /** Milliseconds to wait for another writer to finish. */
  readonly lockWait?: number;
  /** Told once, after a second of it, for whom the log is waited; must not throw. */
  readonly onLockWait?: (holder: string) => void;
  readonly provider?: Provider;
  /** Called after each published checkpoint; must not throw. Witnesses are asked from here. */
  readonly onCheckpoint?: (checkpoint: SignedCheckpoint) => void;
  /** Called when the log stops taking entries for good; must not throw. */
  readonly onFailure?: (error: AmbitError) => void;
}

/** A log that failed takes no more entries: the first error stands, and is told once. */
export class Failure {
  #error: AmbitError | null = null;
  readonly #told: LogOptions['onFailure'];

  constructor(told: LogOptions['onFailure']) {
    this.#told = told;
  }

  get error(): AmbitError | null {
    return this.#error;
  }

  set(error: AmbitError): void {
    if (this.#error !== null) return;
    this.#error = error;
    this.#told?.(error);
  }
}

/** `cause` as the error that callers see: `audit_unavailable`, unless it has a code of its own. */
export const unavailable = (cause: unknown): AmbitError =>
  cause instanceof AmbitError
    ? cause
    : new AmbitError(
        'audit_unavailable',
        `The audit log cannot write: ${cause instanceof Error ? cause.message : 'unknown'}.`,
        { cause },
      );
