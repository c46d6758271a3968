// What the detectors see: one small event for each thing that happens in a session, made by the guard or read back
// from audit records. No argument values and no texts: shapes, classes, digests, sizes.
import type { ToolClass } from './tool-shape.ts';

/** Whose pattern an event belongs to. */
export interface Deployment {
  readonly operator: string;
  /** Model and version. */
  readonly model: string;
  /** Kind of task, as the operator names it. */
  readonly task: string;
}

interface Common {
  readonly session: string;
  readonly deployment: Deployment;
  /** Unix seconds, fractions allowed. */
  readonly time: number;
  readonly tool: string;
  readonly class: ToolClass;
}

/** A call that was asked for. */
export interface CallEvent extends Common {
  readonly kind: 'call';
  /** Names of the arguments, sorted and joined by commas. */
  readonly shape: string;
  /** Digests of the destinations (any fixed function of the normalized value); empty for none. */
  readonly destinations: readonly string[];
  /** Bytes of the arguments. */
  readonly bytes: number;
  /** FlowReading.grade: 0, every destination is the user's own, to 1, it occurs in prose. */
  readonly grade: number;
  /** Whether the declared purpose or the user's words ask for this tool; undefined when unknown. */
  readonly requested?: boolean;
  /** Index of the record in the audit log. */
  readonly index?: number;
}

/** Content came in. */
export interface IngestEvent extends Common {
  readonly kind: 'ingest';
  readonly trusted: boolean;
  readonly bytes: number;
  readonly index?: number;
}

/** A tool ended. */
export interface OutcomeEvent extends Common {
  readonly kind: 'outcome';
  readonly ok: boolean;
  readonly index?: number;
}

/** A call was refused. */
export interface RefusalEvent extends Common {
  readonly kind: 'refusal';
  /** The denial's code. */
  readonly code: string;
  readonly index?: number;
}

/**
 * What happened, in the order of the log. A record that failed verification makes no event (docs/design.md
 * section 9).
 */
export type AgentEvent = CallEvent | IngestEvent | OutcomeEvent | RefusalEvent;
