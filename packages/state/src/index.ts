// Budgets, replay, revocations and sessions: what outlives a request. The memory back end is here; SQLite and
// Redis are `@ambit/state/sqlite` and `@ambit/state/redis`, so that unused drivers are not loaded.
export * from './budgets.ts';
export * from './replay.ts';
export * from './revocations.ts';
export * from './sessions.ts';
export * from './stats.ts';
export * from './store.ts';
export { memoryLedger, memoryStore, type MemoryOptions } from './memory.ts';
export * from './authorize.ts';
export * from './snapshot.ts';
export { ListReader, OLD_PREFIX } from './list/read.ts';
export { importEntries, importSnapshot } from './list/import.ts';
export * from './lease.ts';
