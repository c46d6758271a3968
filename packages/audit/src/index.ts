// A tamper-evident log of what agents did (laws L5, L11).
export * from './merkle/hash.ts';
export * from './merkle/proof.ts';
export { consistencyProof, inclusionProof, subtreeHash, type NodeSource } from './merkle/range.ts';
export { directorySource, httpSource, openSource, type Source } from './tile/source.ts';
export { encodeBundle, MAX_ENTRY_BYTES, parseBundle } from './tile/bundle.ts';
export { indexPath, parseTilePath, tilePath, type TileName } from './tile/path.ts';
export { TreeReader } from './tile/reader.ts';
export * from './note/key.ts';
export * from './note/note.ts';
export * from './note/checkpoint.ts';
export * from './note/proof.ts';
export * from './note/policy.ts';
export { Log, LOG_DEFAULTS, type LogOptions } from './log/log.ts';
export { fileHead, memoryHead, type HeadStore } from './log/head.ts';
export { lockDirectory, type Lock } from './log/lock.ts';
export type { Recovery } from './log/replay.ts';
export { type LateEntry } from './log/log.ts';
export * from './record/record.ts';
export { decodeRecord, encodeRecord } from './record/codec.ts';
export { refuseSecrets, scrub, scrubText } from './record/secrets.ts';
export { commitment, pseudonym, Vault } from './record/vault.ts';
export { fromToken, unverifiedToken, type TokenLike } from './record/from-token.ts';
export { Recorder, type Recorded, type RecorderOptions, type Sink } from './record/recorder.ts';
export { verifyLog, type LogProblem, type VerifyOptions, type VerifyReport } from './read/verify.ts';
export { matches, search, show, type Found, type Query } from './read/search.ts';
export { openReader, tail, type TailOptions } from './read/tail.ts';
export { prove } from './read/prove.ts';
export { trace, traceLines, type CallTrace } from './read/trace.ts';
export {
  originPath,
  parseAddCheckpoint,
  Witness,
  type WitnessAnswer,
  type WitnessOptions,
} from './witness/witness.ts';
export { serveWitness, type WitnessServer } from './witness/server.ts';
export {
  conflictOf,
  cosign,
  type Cosigned,
  type CosignOptions,
  type WitnessResult,
} from './witness/client.ts';
export { Witnessing, type WitnessingOptions } from './witness/witnessing.ts';
export { openFleet, verifyFleet, type FleetOptions } from './witness/fleet.ts';
export { serveLog, type LogServer, type ServeOptions, type ServeSocket } from './serve/server.ts';
export { connectLog, LogConnection, type ConnectOptions } from './serve/client.ts';
export {
  homeHead,
  homePaths,
  homeVerifier,
  makeHome,
  openHome,
  type HomeOptions,
  type HomePaths,
} from './home.ts';
export { htmlReport, type ReportOptions } from './report/report.ts';
export { EXPORT_FORMS, exportLines, type ExportForm } from './export/export.ts';
export { jsonLine } from './export/jsonl.ts';
export { genAiAttributes, otelLine } from './export/otel.ts';
export { ocsfEvent, ocsfLine } from './export/ocsf.ts';
