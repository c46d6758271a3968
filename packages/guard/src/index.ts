// The enforcement point: verification, clearing, identity, state and audit in the right order for one call.
export * from './guard.ts';
export type { CallContext, Outcome } from './record.ts';
export type { Meter, Telemetry } from './telemetry.ts';
