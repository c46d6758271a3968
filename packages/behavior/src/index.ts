// Behavior: information flow of a session, and the pattern of a deployment. README.md teaches it.

// Where values come from, and whose destinations they are.
export { normalise, type Identifier, type IdentifierKind } from './identifiers.ts';
export type { JsonValue } from './scalars.ts';
export { Provenance } from './provenance.ts';
export { ORIGIN, type Incoming, type ValueTrace } from './provenance/origin.ts';
export {
  toolShape,
  type ParamRole,
  type ToolClass,
  type ToolDescription,
  type ToolShape,
} from './tool-shape.ts';
export { wordingOf, type Wording } from './wording.ts';
export {
  flowSentence,
  FlowTracker,
  type FlowFinding,
  type FlowReading,
  type FlowReason,
  type FlowResult,
} from './flow.ts';

// The pattern: events, what is counted, what breaks it.
export type { AgentEvent, CallEvent, Deployment, IngestEvent, OutcomeEvent, RefusalEvent } from './event.ts';
export { eventsOfRecord, type RecordLike } from './records.ts';
export { DETECTORS, type Baseline, type DetectorName } from './baseline.ts';
export { learn, sessionScores, type LearnOptions, type SessionEvents } from './learn.ts';
export type { Scores } from './session.ts';
export { fuse } from './conformal.ts';
export { OnlineLearner, type OnlineOptions, type Step } from './online.ts';
export { BASELINE_BYTES, baselineDigest, readBaseline, saveBaseline } from './save.ts';
export { compare, divergence, type Comparison, type Difference } from './compare.ts';

// Live: alerts and responses.
export { Monitor, type Alert, type Evidence, type MonitorOptions } from './monitor.ts';
export {
  actionFor,
  ACTIONS,
  DEFAULT_LADDER,
  Responses,
  type Action,
  type BehaviorResponse,
  type Rung,
} from './respond.ts';
