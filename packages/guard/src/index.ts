// The enforcement point: verification, clearing, identity, state and audit in the right order for one call.
export * from './guard.ts';
export type { CallContext, Outcome } from './record.ts';
export type { Meter, Span, Telemetry, Tracer } from './telemetry.ts';
export { Behavior, type BehaviorFacts, type BehaviorOptions } from './behavior.ts';
