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
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  readWalFrame,
  segmentName,
  segmentStart,
  type WalFrame,
} from './wal.ts';

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
  const run = new Replay(head, tiles);
  let torn: Buffer | null = null;
  for (const start of starts) {
    const path = join(directory, 'wal', segmentName(start));
    torn = await run.segment(path, start, start === starts.at(-1));
  }
  const done = run.end(torn);
  if (torn !== null) await cutTorn(directory, done.segments.at(-1)!, done.offset, torn);
  return done;
}

/** A replay under way: the tree as the entries so far make it. */
class Replay {
  readonly #head: Checkpoint;
  readonly #tiles: TileWriter;
  readonly #segments: Segment[] = [];
  readonly #rewritten: string[] = [];
  #edge: Edge | null = null;
  #met = false;
  #offset = 0;
  #tail: Buffer = Buffer.alloc(0);
  #replayed = 0;

  constructor(head: Checkpoint, tiles: TileWriter) {
    this.#head = head;
    this.#tiles = tiles;
  }

  /** Takes a segment in. Only the last one may end in a flush that was never finished: its bytes, or null. */
  async segment(path: string, start: number, last: boolean): Promise<Buffer | null> {
    const name = `wal/${segmentName(start)}`;
    const bytes = await readFile(path);
    const header = decodeSegmentHeader(bytes);
    if (header === null || header.edge.size !== start) throw corrupt(`${name}: its header is damaged.`);
    const edge = this.#continue(new Edge(header.edge), name);
    this.#offset = header.end;
    let torn: Buffer | null = null;
    for (;;) {
      const read = readWalFrame(bytes, this.#offset);
      if (read.kind === 'end') break;
      if (read.kind === 'damaged' || (read.kind === 'torn' && !last))
        throw corrupt(`${name}: damaged at byte ${this.#offset}, after entry ${edge.size}.`);
      if (read.kind === 'torn') {
        torn = bytes.subarray(this.#offset);
        break;
      }
      await this.#frame(read.frame, edge, name);
      this.#offset = read.next;
    }
    this.#segments.push({ path, start, end: edge.size });
    return torn;
  }

  /** The tree, when a segment that starts at `next` continues it. */
  #continue(next: Edge, name: string): Edge {
    if (this.#edge === null) {
      const { size } = this.#head;
      if (next.size > size) throw corrupt(`${name}: begins after the last signed checkpoint (${size}).`);
      this.#edge = next;
      this.#meet(next);
    } else if (this.#edge.size !== next.size || !equal(next.root(), this.#edge.root())) {
      throw corrupt(`${name}: does not continue where the segment before it ended (${this.#edge.size}).`);
    }
    return this.#edge;
  }

  async #frame(frame: WalFrame, edge: Edge, name: string): Promise<void> {
    const { first, count, payload, root } = frame;
    const entries = parseBundle(payload);
    if (first !== edge.size || entries === null || entries.length !== count) {
      throw corrupt(
        `${name}: the frame at byte ${this.#offset} does not hold entries ${first} to ${first + count - 1}.`,
      );
    }
    const cut = cutBundles(this.#tail, payload, edge.size);
    const full: FullFile[] = [...cut.full];
    for (const entry of entries) {
      full.push(...(edge.push(leafHash(entry)) ?? []));
      this.#meet(edge);
    }
    if (!equal(edge.root(), root)) {
      throw corrupt(
        `${name}: the entries ${first} to ${edge.size - 1} do not lead to the root written with them.`,
      );
    }
    this.#tail = cut.rest;
    this.#replayed += count;
    for (const file of full) await this.#keep(file);
  }

  /** Compares the root with the signed one when the tree has the checkpoint's size. */
  #meet(edge: Edge): void {
    if (edge.size !== this.#head.size) return;
    if (!equal(edge.root(), this.#head.root))
      throw corrupt(`The entries up to ${this.#head.size} do not lead to the last signed checkpoint.`);
    this.#met = true;
  }

  /** Writes a tile or bundle that the killed process had not written, or not whole. */
  async #keep(file: FullFile): Promise<void> {
    const state = await this.#tiles.compare(file);
    if (state === 'same') return;
    await this.#tiles.write(file.level, file.index, TILE_WIDTH, file.bytes);
    this.#rewritten.push(`${tilePath({ ...file, width: TILE_WIDTH })} (${state})`);
  }

  end(torn: Buffer | null): Replayed {
    const edge = this.#edge;
    if (edge === null || !this.#met) {
      throw corrupt(
        `The log ends at entry ${edge?.size ?? 0}, before the last signed checkpoint (${this.#head.size}): the end was cut off or rolled back.`,
      );
    }
    return {
      edge,
      segments: this.#segments,
      offset: this.#offset,
      tail: this.#tail,
      recovery: {
        replayed: this.#replayed,
        tornBytes: torn?.length ?? 0,
        tornDigest: torn === null ? null : toHex(nativeSha256(torn)),
        rewritten: this.#rewritten,
      },
    };
  }
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
