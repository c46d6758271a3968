// Behavior: information flow of a session, and the pattern of a deployment. README.md teaches it.

// Where values come from, and whose destinations they are.
export * from './identifiers.ts';
export { scalars, type JsonValue } from './scalars.ts';
export * from './provenance.ts';
export * from './provenance/origin.ts';
export * from './tool-shape.ts';
export * from './wording.ts';
export * from './flow.ts';

// The pattern: events, what is counted, what breaks it.
export * from './event.ts';
export * from './records.ts';
export * from './baseline.ts';
export * from './session.ts';
export * from './conformal.ts';
export * from './learn.ts';
export * from './online.ts';
export * from './save.ts';
export * from './compare.ts';

// Live: alerts, responses, and the guard's two hooks.
export * from './monitor.ts';
export * from './respond.ts';
export * from './keeper.ts';
