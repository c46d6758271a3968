// The conformance suite for those who write a back end of their own (`@ambit/state/testing`, with vitest and
// fast-check as peers): `conformance('mine', async (options) => openMine(options))` in a test file.
export { conformance } from './testing/conformance.ts';
export type { OpenOptions } from './testing/world.ts';
export * from './testing/make.ts';
