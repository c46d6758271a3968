// Checks a whole log: every signature, every root, every file. All of it is recomputed from the entries, in one pass
// and in constant memory; what does not fit is named. Hashes are believed in the order signed checkpoint, then
// tiles, then entries: where entries and tiles differ, the next signed root tells which of them was changed.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError, equal } from '../core.ts';
import type { HeadStore } from '../log/head.ts';
import { historyFiles, parseHistory } from '../log/history.ts';
import { decodeSegmentHeader, readFrame, segmentStart } from '../log/wal.ts';
import { Edge, TILE_WIDTH, type FullTile } from '../merkle/edge.ts';
import { EMPTY_ROOT, HASH_BYTES, leafHash } from '../merkle/hash.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import type { VerifierKey } from '../note/key.ts';
import { satisfies, witnessKeys, type Policy } from '../note/policy.ts';
import { parseBundle } from '../tile/bundle.ts';
import { parseTilePath, tilePath, widthAt, type TileLevel } from '../tile/path.ts';
import { isMissing } from '../tile/source.ts';
import { RecordCheck } from './record-check.ts';

/** One thing that is wrong. */
export interface Problem {
  /** File, relative to the log's directory, or `head`. */
  readonly where: string;
  /** The entry concerned, where one can be named. */
  readonly index?: number;
  readonly what: string;
}

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
  readonly problems: readonly Problem[];
  /** More were found than are listed. */
  readonly truncated: boolean;
}

export interface VerifyOptions {
  readonly directory: string;
  readonly log: VerifierKey;
  /** The store of the last signed checkpoint: without it a log rolled back as a whole looks whole. */
  readonly head?: HeadStore;
  /** Demands cosignatures on `checkpoint.cosigned`. */
  readonly policy?: Policy;
  /** Whether entries are records of this package (default true). */
  readonly records?: boolean;
  /** Called about once every 10,000 entries. */
  readonly onProgress?: (done: number, size: number) => void;
}

const MOST_PROBLEMS = 1000;

/** A root that some file claims for a size. */
interface Claim {
  readonly size: number;
  readonly root: Uint8Array;
  readonly where: string;
}

class Problems {
  readonly list: Problem[] = [];
  truncated = false;
  add(where: string, what: string, index?: number): void {
    if (this.list.length >= MOST_PROBLEMS) this.truncated = true;
    else this.list.push(index === undefined ? { where, what } : { where, what, index });
  }
}

const readOrNull = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};

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
    claims.push(...(await checkSegment(options.directory, path, target, problems)));
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
): Promise<{ target: SignedCheckpoint; claims: Claim[]; witnesses: string[] } | null> {
  const headNote = store === undefined ? null : await store.read();
  const shown = await readOrNull(join(directory, 'checkpoint'));
  const checkpoint = shown === null ? null : verifyCheckpoint(shown, log);
  if (shown === null) problems.add('checkpoint', 'missing');
  else if (checkpoint === null) problems.add('checkpoint', 'not signed by the log, or malformed');
  const head = headNote === null ? null : verifyCheckpoint(headNote, log);
  if (store !== undefined && head === null)
    problems.add('head', 'the last signed checkpoint is missing, malformed or by another key');
  const claims: Claim[] = [];
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

const KNOWN = /^(?:checkpoint|checkpoint\.cosigned|lock|checkpoints\/[0-9]{8}|wal\/torn-[0-9]+-[0-9]+)$/;

/** Every file there is, and whether it may be: partial tiles by the path of their full one, and the segments of the write-ahead log. */
async function listFiles(
  directory: string,
  size: number,
  problems: Problems,
): Promise<{ partials: Map<string, number[]>; segments: string[] }> {
  const partials = new Map<string, number[]>();
  const segments: string[] = [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name).slice(
      directory.length + (directory.endsWith('/') ? 0 : 1),
    );
    if (entry.isDirectory() || KNOWN.test(path) || path.endsWith('.tmp')) continue;
    const tile = parseTilePath(path);
    if (tile !== null && entry.isFile()) {
      if (tile.width === TILE_WIDTH) {
        // A full tile past the checkpoint is the writer's next one.
        continue;
      }
      if (widthAt(tile.level, tile.index, size) < tile.width) continue;
      const full = tilePath({ ...tile, width: TILE_WIDTH });
      partials.set(full, [...(partials.get(full) ?? []), tile.width]);
    } else if (path.startsWith('wal/') && segmentStart(entry.name) !== null) segments.push(path);
    else problems.add(path, 'no file of a log: it does not belong here');
  }
  segments.sort();
  return { partials, segments };
}

/** Replays one segment by itself; what it claims of the tree is checked against the entries. */
async function checkSegment(
  directory: string,
  path: string,
  target: SignedCheckpoint,
  problems: Problems,
): Promise<Claim[]> {
  const bytes = await readOrNull(join(directory, path));
  if (bytes === null) return []; // Dropped by the writer meanwhile.
  const header = decodeSegmentHeader(bytes);
  if (header === null || `wal/${String(header.edge.size).padStart(16, '0')}.wal` !== path) {
    problems.add(path, 'its header is damaged');
    return [];
  }
  const edge = new Edge(header.edge);
  const claims: Claim[] = [{ size: edge.size, root: edge.root(), where: path }];
  let at = header.end;
  for (;;) {
    const read = readFrame(bytes, at);
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
  const next = (await readdir(join(directory, 'wal')))
    .map(segmentStart)
    .filter((start) => start !== null && start > header.edge.size);
  if (next.length === 0 && edge.size < target.size)
    problems.add(path, `ends at entry ${edge.size}, the checkpoint covers ${target.size}`, edge.size);
  else if (next.length > 0 && edge.size !== Math.min(...(next as number[])))
    problems.add(path, `ends at entry ${edge.size}, the next segment does not begin there`, edge.size);
  if (edge.size <= target.size) claims.push({ size: edge.size, root: edge.root(), where: path });
  return claims;
}

/** The one pass over all entries. */
class Scan {
  readonly #options: VerifyOptions;
  readonly #target: SignedCheckpoint;
  readonly #claims: Claim[];
  readonly #partials: ReadonlyMap<string, readonly number[]>;
  readonly #problems: Problems;
  /** From the entries, and from the rows of tiles; one object while they agree. */
  #entries: Edge = new Edge();
  #tiles: Edge = this.#entries;
  /** Where the two differ since they last were known to be right: entry indices. */
  #doubt: number[] = [];
  #checkpoints = 0;

  constructor(
    options: VerifyOptions,
    target: SignedCheckpoint,
    claims: Claim[],
    partials: ReadonlyMap<string, readonly number[]>,
    problems: Problems,
  ) {
    this.#options = options;
    this.#target = target;
    this.#claims = claims;
    this.#partials = partials;
    this.#problems = problems;
  }

  async run(): Promise<number> {
    const { size } = this.#target;
    const records =
      this.#options.records === false
        ? null
        : new RecordCheck((what, index) => this.#problems.add(this.#bundleName(index), what, index));
    const history = this.#history();
    let signed = await history.next();
    const meet = async (): Promise<void> => {
      while (this.#claims[0]?.size === this.#entries.size) this.#compare(this.#claims.shift()!);
      while (signed.done !== true && signed.value.size === this.#entries.size) {
        this.#compare(signed.value);
        signed = await history.next();
      }
    };
    await meet();
    const last = Math.ceil(size / TILE_WIDTH);
    let next = last > 0 ? this.#load(0) : null;
    for (let bundle = 0; bundle < last; bundle++) {
      const loaded = await next!;
      next = bundle + 1 < last ? this.#load(bundle + 1) : null;
      const width = widthAt('entries', bundle, size);
      for (let i = 0; i < width; i++) {
        const index = bundle * TILE_WIDTH + i;
        const entry = loaded.entries[i];
        const row = loaded.rows?.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
        const leaf = entry === undefined ? null : leafHash(entry);
        this.#push(index, leaf, row?.length === HASH_BYTES ? row : null);
        if (entry !== undefined && leaf !== null) records?.entry(index, entry, leaf);
        if (this.#claims[0]?.size === index + 1 || (signed.done !== true && signed.value.size === index + 1))
          await meet();
      }
      if (bundle % 40 === 39) this.#options.onProgress?.(Math.min(size, (bundle + 1) * TILE_WIDTH), size);
      await this.#checkFull();
    }
    this.#compare({ size, root: this.#target.root, where: 'checkpoint' });
    await this.#checkPartials();
    for (const claim of this.#claims)
      if (claim.size > size)
        this.#problems.add(claim.where, `speaks of ${claim.size} entries, the checkpoint of ${size}`);
    if (signed.done !== true)
      this.#problems.add(
        'checkpoints',
        `a checkpoint of ${signed.value.size} entries was published, the log shows ${size}`,
      );
    this.#options.onProgress?.(size, size);
    return this.#checkpoints;
  }

  #bundleName(index: number): string {
    const bundle = Math.floor(index / TILE_WIDTH);
    return tilePath({
      level: 'entries',
      index: bundle,
      width: widthAt('entries', bundle, this.#target.size),
    });
  }

  /** Published checkpoints in order, each with a good signature. */
  async *#history(): AsyncGenerator<Claim> {
    let digest: Uint8Array = new Uint8Array(HASH_BYTES);
    let before = -1;
    let last: SignedCheckpoint | null = null;
    for (const name of await historyFiles(this.#options.directory)) {
      const where = `checkpoints/${name}`;
      const part = parseHistory(await readFile(join(this.#options.directory, where)), digest);
      digest = part.digest;
      for (const [i, note] of part.notes.entries()) {
        const checkpoint = verifyCheckpoint(note, this.#options.log);
        if (checkpoint === null) this.#problems.add(where, `note ${i} is not signed by the log`);
        else if (checkpoint.size < before)
          this.#problems.add(where, `note ${i} goes back from ${before} to ${checkpoint.size} entries`);
        else {
          before = checkpoint.size;
          last = checkpoint;
          this.#checkpoints++;
          // The writer may have published more since we began.
          if (checkpoint.size <= this.#target.size)
            yield { size: checkpoint.size, root: checkpoint.root, where: `${where} note ${i}` };
        }
      }
      if (part.state !== 'whole') {
        this.#problems.add(
          where,
          `${part.state === 'torn' ? 'an unfinished note' : 'damaged'} at byte ${part.end}`,
        );
        break;
      }
    }
    if (last === null || last.size < this.#target.size)
      this.#problems.add('checkpoints', 'the last published checkpoint is missing from the history');
  }

  async #load(bundle: number): Promise<{ entries: readonly Uint8Array[]; rows: Uint8Array | null }> {
    const [bytes, rows] = await Promise.all([this.#readTile('entries', bundle), this.#readTile(0, bundle)]);
    const width = widthAt('entries', bundle, this.#target.size);
    const parsed = bytes === null ? [] : (parseBundle(bytes.bytes) ?? null);
    const where = bytes?.path ?? this.#bundleName(bundle * TILE_WIDTH);
    if (bytes === null)
      this.#problems.add(
        where,
        `missing: entries ${bundle * TILE_WIDTH} to ${bundle * TILE_WIDTH + width - 1}`,
        bundle * TILE_WIDTH,
      );
    else if (parsed?.length !== bytes.width) {
      this.#problems.add(
        where,
        `does not divide into ${bytes.width} entries: one was removed, inserted or cut off`,
        bundle * TILE_WIDTH,
      );
    }
    if (rows === null) this.#problems.add(tilePath({ level: 0, index: bundle, width }), 'missing');
    else if (rows.bytes.length !== rows.width * HASH_BYTES)
      this.#problems.add(rows.path, `expected ${rows.width} hashes, found ${rows.bytes.length} bytes`);
    for (const level of ['entries', 0] as const)
      await this.#comparePartials(level, bundle, level === 0 ? rows?.bytes : bytes?.bytes);
    // Entries that cannot be told apart are no entries: their places are taken by the tile's hashes.
    return { entries: parsed ?? [], rows: rows?.bytes ?? null };
  }

  async #readTile(
    level: TileLevel,
    index: number,
  ): Promise<{ bytes: Buffer; path: string; width: number } | null> {
    const width = widthAt(level, index, this.#target.size);
    for (const w of width === TILE_WIDTH ? [width] : [width, TILE_WIDTH]) {
      const path = tilePath({ level, index, width: w });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes !== null) return { bytes, path, width: w };
    }
    return null;
  }

  /** Partial files of sizes published before must be prefixes of what there is now. */
  async #comparePartials(level: TileLevel, index: number, whole: Uint8Array | undefined): Promise<void> {
    for (const width of this.#partials.get(tilePath({ level, index, width: TILE_WIDTH })) ?? []) {
      const path = tilePath({ level, index, width });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes === null || whole === undefined) continue;
      const shape =
        level === 'entries' ? parseBundle(bytes)?.length === width : bytes.length === width * HASH_BYTES;
      const prefix = Buffer.from(whole.buffer, whole.byteOffset, Math.min(whole.length, bytes.length));
      if (!shape || !bytes.equals(prefix))
        this.#problems.add(path, 'differs from the tile that continues it');
    }
  }

  #queued: FullTile[] = [];

  #push(index: number, leaf: Uint8Array | null, row: Uint8Array | null): void {
    const same = leaf !== null && row !== null && equal(leaf, row);
    if (!same && (leaf !== null || row !== null)) {
      if (this.#tiles === this.#entries) this.#tiles = new Edge(this.#entries.state());
      this.#doubt.push(index);
    }
    const hash = leaf ?? row ?? new Uint8Array(HASH_BYTES);
    if (this.#tiles !== this.#entries) this.#queueTiles(this.#tiles.push(row === null ? hash : row.slice()));
    const full = this.#entries.push(hash);
    if (this.#tiles === this.#entries) this.#queueTiles(full);
  }

  #queueTiles(full: readonly FullTile[] | null): void {
    // Level 0 has been compared row by row.
    for (const tile of full ?? []) if (tile.level > 0) this.#queued.push(tile);
  }

  /** Full tiles of level 1 and above, against the hashes below them. */
  async #checkFull(): Promise<void> {
    for (const tile of this.#queued.splice(0)) {
      const path = tilePath({ ...tile, width: TILE_WIDTH });
      const bytes = await readOrNull(join(this.#options.directory, path));
      if (bytes === null) this.#problems.add(path, 'missing');
      else if (!bytes.equals(tile.bytes))
        this.#problems.add(path, 'its hashes are not those of the tiles below it');
      await this.#comparePartials(tile.level, tile.index, tile.bytes);
    }
  }

  async #checkPartials(): Promise<void> {
    for (const { level, index, width, bytes } of this.#tiles.partials()) {
      if (level === 0) continue;
      const path = tilePath({ level, index, width });
      const stored = await this.#readTile(level, index);
      if (stored === null) this.#problems.add(path, 'missing');
      else if (
        stored.bytes.length !== stored.width * HASH_BYTES ||
        !stored.bytes.subarray(0, bytes.length).equals(bytes)
      ) {
        this.#problems.add(stored.path, 'its hashes are not those of the tiles below it');
      }
      await this.#comparePartials(level, index, bytes);
    }
  }

  /** Meets a claimed root; where entries and tiles differ, it decides between them. */
  #compare(claim: Claim): void {
    const entries = equal(this.#entries.root(), claim.root);
    const tiles = this.#tiles === this.#entries ? entries : equal(this.#tiles.root(), claim.root);
    if (this.#doubt.length === 0) {
      if (!entries)
        this.#problems.add(
          claim.where,
          `claims another root for ${claim.size} entries than theirs: entries and tiles were changed together, or it was`,
          claim.size - 1,
        );
      return;
    }
    if (!entries && !tiles && claim.where !== 'checkpoint') return;
    const doubt = this.#doubt.splice(0);
    for (const index of doubt) {
      const tile = tilePath({
        level: 0,
        index: Math.floor(index / TILE_WIDTH),
        width: widthAt(0, Math.floor(index / TILE_WIDTH), this.#target.size),
      });
      if (tiles)
        this.#problems.add(this.#bundleName(index), `entry ${index} is not the one that was logged`, index);
      else if (entries)
        this.#problems.add(
          tile,
          `the hash of entry ${index} was changed; the entry is the one that was logged`,
          index,
        );
      else
        this.#problems.add(
          this.#bundleName(index),
          `entry ${index} and its hash in ${tile} differ, and neither leads to the signed root`,
          index,
        );
    }
    if (entries) this.#tiles = this.#entries;
    else this.#entries = this.#tiles;
  }
}

/** Throws AmbitError `audit_corrupt` with the first problem unless a report is good. */
export function requireSound(report: VerifyReport): void {
  const first = report.problems[0];
  if (first !== undefined) throw new AmbitError('audit_corrupt', `${first.where}: ${first.what}.`);
}
