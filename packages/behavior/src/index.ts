export * from './identifiers.ts';
export * from './provenance.ts';
export * from './tool-shape.ts';
export * from './wording.ts';
export * from './flow.ts';
