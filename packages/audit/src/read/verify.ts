// Checks a whole log: every signature, every root, every file. All of it is recomputed from the entries, in one pass
// and in constant memory; what does not fit is named. Hashes are believed in the order signed checkpoint, then
// tiles, then entries: where entries and tiles differ, the next signed root tells which of them was changed.
import { join } from 'node:path';
import { equal } from '../core.ts';
import { decodeSegmentHeader, readWalFrame, segmentStart } from '../log/wal.ts';
import { Edge, TILE_WIDTH } from '../merkle/edge.ts';
import { EMPTY_ROOT, leafHash } from '../merkle/hash.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import { satisfies, witnessKeys } from '../note/policy.ts';
import { parseBundle } from '../tile/bundle.ts';
import { parseTilePath, tilePath, widthAt } from '../tile/path.ts';
import { filesBelow } from './listing.ts';
import type { VerifyOptions } from './options.ts';
import { Problems, readOrNull, type LogProblem, type RecordClaim } from './problems.ts';
import { Scan } from './scan.ts';

export type { VerifyOptions } from './options.ts';
export type { LogProblem } from './problems.ts';

/** What a verification found. */
export interface VerifyReport {
  readonly ok: boolean;
  readonly origin: string;
  /** Entries covered by the last checkpoint, all of which were read. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Signed checkpoints whose signature and root were checked. */
  readonly checkpoints: number;
  /** Cosigners of the last cosigned checkpoint (with a policy). */
  readonly witnesses: readonly string[];
  readonly problems: readonly LogProblem[];
  /** More were found than are listed. */
  readonly truncated: boolean;
}

/** Verifies the log in a directory. It may be written to meanwhile: what counts is the checkpoint found first. */
export async function verifyLog(options: VerifyOptions): Promise<VerifyReport> {
  const problems = new Problems();
  const start = await findTarget(options, problems);
  if (start === null) {
    return {
      ok: false,
      origin: options.log.name,
      size: 0,
      root: EMPTY_ROOT,
      checkpoints: 0,
      witnesses: [],
      problems: problems.list,
      truncated: false,
    };
  }
  const { target, claims, witnesses } = start;
  const files = await listFiles(options.directory, target.size, problems);
  if (files.segments.length === 0) problems.add('wal', 'the write-ahead log is missing');
  for (const path of files.segments)
    claims.push(...(await checkSegment(options.directory, path, files.segments, target, problems)));
  claims.sort((a, b) => a.size - b.size);
  const scan = new Scan(options, target, claims, files.partials, problems);
  const checkpoints = await scan.run();
  return {
    ok: problems.list.length === 0,
    origin: target.origin,
    size: target.size,
    root: target.root,
    checkpoints,
    witnesses,
    problems: problems.list,
    truncated: problems.truncated,
  };
}

/** The checkpoint to verify against, and what else claims a root. */
async function findTarget(
  { directory, log, head: store, policy }: VerifyOptions,
  problems: Problems,
): Promise<{ target: SignedCheckpoint; claims: RecordClaim[]; witnesses: string[] } | null> {
  const headNote = store === undefined ? null : await store.read();
  const shown = await readOrNull(join(directory, 'checkpoint'));
  const checkpoint = shown === null ? null : verifyCheckpoint(shown, log);
  if (shown === null) problems.add('checkpoint', 'missing');
  else if (checkpoint === null) problems.add('checkpoint', 'not signed by the log, or malformed');
  const head = headNote === null ? null : verifyCheckpoint(headNote, log);
  if (store !== undefined && head === null)
    problems.add('head', 'the last signed checkpoint is missing, malformed or by another key');
  const claims: RecordClaim[] = [];
  if (head !== null && checkpoint !== null && head.note !== checkpoint.note) {
    if (head.size === checkpoint.size)
      problems.add(
        'checkpoint',
        `another tree of ${head.size} entries than the last signed one: the history forked`,
      );
    else if (head.size < checkpoint.size)
      problems.add(
        'head',
        `says ${head.size} entries, the published checkpoint ${checkpoint.size}: the head store was rolled back`,
      );
    else {
      // A writer may be between signing and publishing; then the published one catches up in a moment.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const again = verifyCheckpoint((await readOrNull(join(directory, 'checkpoint'))) ?? '', log);
      if (again === null || again.size < head.size)
        problems.add(
          'checkpoint',
          `says ${checkpoint.size} entries, the last signed one ${head.size}: the log was rolled back or cut off`,
        );
    }
  }
  const target = head !== null && (checkpoint === null || head.size > checkpoint.size) ? head : checkpoint;
  if (target === null) return null;
  for (const other of [head, checkpoint])
    if (other !== null && other !== target && other.size <= target.size)
      claims.push({ ...other, where: other === head ? 'head' : 'checkpoint' });
  let witnesses: string[] = [];
  if (policy !== undefined) {
    const note = await readOrNull(join(directory, 'checkpoint.cosigned'));
    const cosigned = note === null ? null : verifyCheckpoint(note, log, witnessKeys(policy));
    if (cosigned === null)
      problems.add(
        'checkpoint.cosigned',
        note === null ? 'missing' : "a signature is bad, or the log's is missing",
      );
    else {
      if (!satisfies(policy, cosigned))
        problems.add('checkpoint.cosigned', 'too few witnesses of the policy have cosigned');
      if (cosigned.size > target.size)
        problems.add(
          'checkpoint',
          `witnesses have cosigned ${cosigned.size} entries, the log shows ${target.size}: it was rolled back or cut off`,
        );
      else claims.push({ size: cosigned.size, root: cosigned.root, where: 'checkpoint.cosigned' });
      witnesses = cosigned.signers.map(({ key }) => key.name).filter((name) => name !== log.name);
    }
  }
  return { target, claims, witnesses };
}

const KNOWN =
  /^(?:checkpoint|checkpoint\.cosigned|lock|writer\.lock|writer\.lock\.holder|checkpoints\/[0-9]{8}|wal\/torn-[0-9]+-[0-9]+)$/;

/** Every file there is, and whether it may be: partial tiles by the path of their full one, and the segments of the write-ahead log. */
async function listFiles(
  directory: string,
  size: number,
  problems: Problems,
): Promise<{ partials: Map<string, number[]>; segments: string[] }> {
  const partials = new Map<string, number[]>();
  const segments: string[] = [];
  for (const { path, name, isFile } of await filesBelow(directory)) {
    if (KNOWN.test(path) || path.endsWith('.tmp')) continue;
    const tile = parseTilePath(path);
    if (tile !== null && isFile) {
      if (tile.width === TILE_WIDTH) {
        // A full tile past the checkpoint is the writer's next one.
        continue;
      }
      if (widthAt(tile.level, tile.index, size) < tile.width) continue;
      const full = tilePath({ ...tile, width: TILE_WIDTH });
      partials.set(full, [...(partials.get(full) ?? []), tile.width]);
    } else if (path.startsWith('wal/') && segmentStart(name) !== null) segments.push(path);
    else problems.add(path, 'no file of a log: it does not belong here');
  }
  segments.sort();
  return { partials, segments };
}

/**
 * Replays one segment by itself; what it claims of the tree is checked against the entries. `segments` are those that
 * there were before it is read: one that the writer begins meanwhile says nothing about what was read.
 */
async function checkSegment(
  directory: string,
  path: string,
  segments: readonly string[],
  target: SignedCheckpoint,
  problems: Problems,
): Promise<RecordClaim[]> {
  const bytes = await readOrNull(join(directory, path));
  if (bytes === null) return []; // Dropped by the writer meanwhile.
  const header = decodeSegmentHeader(bytes);
  if (header === null || `wal/${String(header.edge.size).padStart(16, '0')}.wal` !== path) {
    problems.add(path, 'its header is damaged');
    return [];
  }
  const edge = new Edge(header.edge);
  const claims: RecordClaim[] = [{ size: edge.size, root: edge.root(), where: path }];
  let at = header.end;
  for (;;) {
    const read = readWalFrame(bytes, at);
    if (read.kind === 'end') break;
    if (read.kind !== 'frame') {
      problems.add(
        path,
        `${read.kind === 'torn' ? 'an unfinished write' : 'damaged'} at byte ${at}, after entry ${edge.size - 1}`,
        edge.size,
      );
      break;
    }
    const entries = parseBundle(read.frame.payload);
    if (entries?.length !== read.frame.count || read.frame.first !== edge.size) {
      problems.add(path, `the frame at byte ${at} does not hold the entries it says`, edge.size);
      break;
    }
    for (const entry of entries) {
      edge.push(leafHash(entry));
      if (edge.size === target.size) claims.push({ size: edge.size, root: edge.root(), where: path });
    }
    if (!equal(edge.root(), read.frame.root)) {
      problems.add(
        path,
        `the entries ${read.frame.first} to ${edge.size - 1} do not lead to the root written with them`,
        read.frame.first,
      );
      break;
    }
    at = read.next;
  }
  // The last segment holds everything since its start: it may be ahead of the checkpoint, never behind it.
  const next = segments
    .map((other) => segmentStart(other.slice('wal/'.length)))
    .filter((start) => start !== null && start > header.edge.size);
  if (next.length === 0 && edge.size < target.size)
    problems.add(path, `ends at entry ${edge.size}, the checkpoint covers ${target.size}`, edge.size);
  else if (next.length > 0 && edge.size !== Math.min(...(next as number[])))
    problems.add(path, `ends at entry ${edge.size}, the next segment does not begin there`, edge.size);
  if (edge.size <= target.size) claims.push({ size: edge.size, root: edge.root(), where: path });
  return claims;
}
