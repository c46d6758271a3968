// What the suites of core share, in one import.
export * from './sample/keys.ts';
export * from './sample/ledger.ts';
export * from './sample/outcome.ts';
export * from './sample/sessions.ts';
export * from './sample/forge.ts';
export * from './sample/arbitraries.ts';
export * from './sample/lineages.ts';
