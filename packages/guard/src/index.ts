// The enforcement point: verification, authorization, identity, state and audit in the right order for one call.
export * from './guard.ts';
export type { CallContext, CallOutcome } from './record.ts';
export type { OtelMeter, Span, Telemetry, Tracer } from './telemetry.ts';
export { Behavior, type BehaviorFacts, type BehaviorOptions } from './behavior.ts';
