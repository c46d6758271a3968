// Opening a log: the write-ahead segments are replayed, every root on the way is recomputed and compared, and the
// last signed checkpoint must be met. What a killed process left undone is done; what does not fit is refused.
import { open, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError, equal, nativeSha256, toHex } from '../core.ts';
import { Edge, TILE_WIDTH } from '../merkle/edge.ts';
import { leafHash } from '../merkle/hash.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { parseBundle } from '../tile/bundle.ts';
import { tilePath } from '../tile/path.ts';
import { makeDirectory, replaceFile, syncDirectory } from '@ambit/files';
import { type FullFile, TileWriter } from './tiles.ts';
import { decodeSegmentHeader, encodeSegmentHeader, readWalFrame, segmentName, segmentStart } from './wal.ts';

/** A segment of the write-ahead log that is on disk. */
export interface Segment {
  readonly path: string;
  readonly start: number;
  /** One past its last entry. */
  end: number;
}

/** What opening found and did: for the record that the log writes about it. */
export interface Recovery {
  /** Entries read again from the write-ahead log. */
  readonly replayed: number;
  /** Bytes of a flush that was never finished, hence never acknowledged; kept in `wal/torn-*`. */
  readonly tornBytes: number;
  /** SHA-256 of those bytes in hexadecimal, or null. */
  readonly tornDigest: string | null;
  /** Tiles and bundles that were missing or different and were written again from the write-ahead log. */
  readonly rewritten: readonly string[];
}

/** The state of a log after replay. */
export interface Replayed {
  readonly edge: Edge;
  readonly segments: Segment[];
  /** Where the next frame of the last segment goes. */
  readonly offset: number;
  /** Framed bytes of the entries after the last full bundle. */
  readonly tail: Buffer;
  readonly recovery: Recovery;
}

const corrupt = (detail: string): AmbitError => new AmbitError('audit_corrupt', detail);

/** Splits framed entries at bundle boundaries: full bundles, and what is left. `first` is the index of the first entry of `payload`. */
export function cutBundles(
  tail: Buffer,
  payload: Buffer,
  first: number,
): { readonly full: readonly FullFile[]; readonly rest: Buffer } {
  const full: FullFile[] = [];
  let index = first;
  let from = 0;
  let carry: Buffer | null = tail;
  for (let at = 0; at < payload.length;) {
    at += 2 + payload.readUInt16BE(at);
    if (++index % TILE_WIDTH !== 0) continue;
    const bytes = Buffer.concat(
      carry === null ? [payload.subarray(from, at)] : [carry, payload.subarray(from, at)],
    );
    full.push({ level: 'entries', index: index / TILE_WIDTH - 1, bytes });
    carry = null;
    from = at;
  }
  const rest = payload.subarray(from);
  return { full, rest: Buffer.concat(carry === null ? [rest] : [carry, rest]) };
}

/** Begins the write-ahead log of a new log, or a further segment at `edge`. Durable when it returns. */
export async function createSegment(
  directory: string,
  edge: Edge,
): Promise<{ segment: Segment; offset: number }> {
  const path = join(directory, 'wal', segmentName(edge.size));
  const header = encodeSegmentHeader(edge.state());
  await makeDirectory(join(directory, 'wal'));
  await replaceFile(path, header, true);
  return { segment: { path, start: edge.size, end: edge.size }, offset: header.length };
}

/** Replays the write-ahead log of `directory` up to and past `head`, the last signed checkpoint. Throws AmbitError `audit_corrupt`. */
export async function replay(directory: string, head: Checkpoint, tiles: TileWriter): Promise<Replayed> {
  const names = await readdir(join(directory, 'wal')).catch(() => []);
  const starts = names.map(segmentStart).filter((start) => start !== null);
  starts.sort((a, b) => a - b);
  if (starts[0] === undefined) throw corrupt('wal: the write-ahead log is missing.');
  let edge: Edge | null = null;
  let met = false;
  let offset = 0;
  let tail: Buffer = Buffer.alloc(0);
  let replayed = 0;
  let torn: Buffer | null = null;
  const segments: Segment[] = [];
  const rewritten: string[] = [];

  const meet = (): void => {
    if (edge?.size !== head.size) return;
    if (!equal(edge.root(), head.root))
      throw corrupt(`The entries up to ${head.size} do not lead to the last signed checkpoint.`);
    met = true;
  };
  const keep = async (files: readonly FullFile[]): Promise<void> => {
    for (const file of files) {
      const state = await tiles.compare(file);
      if (state === 'same') continue;
      await tiles.write(file.level, file.index, TILE_WIDTH, file.bytes);
      rewritten.push(`${tilePath({ ...file, width: TILE_WIDTH })} (${state})`);
    }
  };

  for (const [i, start] of starts.entries()) {
    const path = join(directory, 'wal', segmentName(start));
    const bytes = await readFile(path);
    const header = decodeSegmentHeader(bytes);
    if (header === null || header.edge.size !== start)
      throw corrupt(`wal/${segmentName(start)}: its header is damaged.`);
    if (edge === null) {
      edge = new Edge(header.edge);
      if (start > head.size)
        throw corrupt(`wal/${segmentName(start)}: begins after the last signed checkpoint (${head.size}).`);
      meet();
    } else if (edge.size !== start || !equal(new Edge(header.edge).root(), edge.root())) {
      throw corrupt(
        `wal/${segmentName(start)}: does not continue where the segment before it ended (${edge.size}).`,
      );
    }
    offset = header.end;
    for (;;) {
      const read = readWalFrame(bytes, offset);
      if (read.kind === 'end') break;
      if (read.kind === 'damaged' || (read.kind === 'torn' && i < starts.length - 1)) {
        throw corrupt(`wal/${segmentName(start)}: damaged at byte ${offset}, after entry ${edge.size}.`);
      }
      if (read.kind === 'torn') {
        torn = bytes.subarray(offset);
        break;
      }
      const { frame } = read;
      const entries = parseBundle(frame.payload);
      if (frame.first !== edge.size || entries === null || entries.length !== frame.count) {
        throw corrupt(
          `wal/${segmentName(start)}: the frame at byte ${offset} does not hold entries ${frame.first} to ${frame.first + frame.count - 1}.`,
        );
      }
      const cut = cutBundles(tail, frame.payload, edge.size);
      const full: FullFile[] = [...cut.full];
      for (const entry of entries) {
        full.push(...(edge.push(leafHash(entry)) ?? []));
        meet();
      }
      if (!equal(edge.root(), frame.root)) {
        throw corrupt(
          `wal/${segmentName(start)}: the entries ${frame.first} to ${edge.size - 1} do not lead to the root written with them.`,
        );
      }
      tail = cut.rest;
      replayed += frame.count;
      await keep(full);
      offset = read.next;
    }
    segments.push({ path, start, end: edge.size });
  }
  if (edge === null || !met) {
    throw corrupt(
      `The log ends at entry ${edge?.size ?? 0}, before the last signed checkpoint (${head.size}): the end was cut off or rolled back.`,
    );
  }
  if (torn !== null) await cutTorn(directory, segments.at(-1)!, offset, torn);
  return {
    edge,
    segments,
    offset,
    tail,
    recovery: {
      replayed,
      tornBytes: torn?.length ?? 0,
      tornDigest: torn === null ? null : toHex(nativeSha256(torn)),
      rewritten,
    },
  };
}

/** Cuts an unfinished flush off, keeping it beside the log: it was not acknowledged, and may be worth examining. */
async function cutTorn(directory: string, segment: Segment, offset: number, torn: Buffer): Promise<void> {
  await replaceFile(join(directory, 'wal', `torn-${segment.start}-${offset}`), torn, true);
  const file = await open(segment.path, 'r+');
  try {
    await file.truncate(offset);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Removes a segment whose entries are durable in tiles and covered by a signed checkpoint. */
export async function removeSegment(segment: Segment): Promise<void> {
  await unlink(segment.path);
  await syncDirectory(join(segment.path, '..'));
}
