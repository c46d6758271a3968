// Every checkpoint ever published, in order: `checkpoints/<number>` holds up to 4,096 notes, each behind its length
// and followed by a running digest over all before it. It lets `verify` check each signature and each root on the
// way, and shows an auditor when the log stood where.
import { open, readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { AmbitError, concat, equal, nativeSha256 } from '../core.ts';
import { isMissing } from '../tile/source.ts';
import { FILE_MODE, makeDirectory } from '@ambit/files';

const NOTES_PER_FILE = 4096;
const DIGEST_BYTES = 32;
const fileName = (number: number): string => String(number).padStart(8, '0');

/** The content of one file of the history. */
export interface HistoryPart {
  readonly notes: readonly string[];
  /** The running digest after the last whole note. */
  readonly digest: Uint8Array;
  /** Where the last whole note ends. */
  readonly end: number;
  readonly state: 'whole' | 'torn' | 'damaged';
}

/** Reads one file; `before` is the digest that the file before it ended with (32 zero bytes for the first). */
export function parseHistory(bytes: Buffer, before: Uint8Array): HistoryPart {
  const notes: string[] = [];
  let digest = before;
  let at = 0;
  while (at < bytes.length) {
    if (at + 4 > bytes.length) return { notes, digest, end: at, state: 'torn' };
    const length = bytes.readUInt32BE(at);
    const end = at + 4 + length + DIGEST_BYTES;
    if (length > 65_536) return { notes, digest, end: at, state: 'damaged' };
    if (end > bytes.length) return { notes, digest, end: at, state: 'torn' };
    const note = bytes.subarray(at + 4, at + 4 + length);
    const next = nativeSha256(concat(digest, note));
    if (!equal(next, bytes.subarray(end - DIGEST_BYTES, end)))
      return { notes, digest, end: at, state: 'damaged' };
    notes.push(note.toString('utf8'));
    digest = next;
    at = end;
  }
  return { notes, digest, end: at, state: 'whole' };
}

/** The numbers of the files there are, in order. */
export async function historyFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(join(directory, 'checkpoints')))
      .filter((name) => /^[0-9]{8}$/.test(name))
      .toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Appends to the history. */
export class History {
  readonly #directory: string;
  #number: number;
  #count: number;
  #digest: Uint8Array;
  /** The last note, or null. */
  last: string | null;
  /** Whether the end had to be cut because a write was never finished. */
  readonly torn: boolean;

  private constructor(directory: string, number: number, part: HistoryPart, last: string | null) {
    this.#directory = directory;
    this.#number = number;
    this.#count = part.notes.length;
    this.#digest = part.digest;
    this.last = last;
    this.torn = part.state === 'torn';
  }

  /** Opens the history at its end, cutting a note that was never finished. Throws AmbitError `audit_corrupt` on damage in the last two files. */
  static async open(directory: string): Promise<History> {
    await makeDirectory(join(directory, 'checkpoints'));
    const files = await historyFiles(directory);
    const name = files.at(-1) ?? fileName(0);
    const path = join(directory, 'checkpoints', name);
    let before: Uint8Array = new Uint8Array(DIGEST_BYTES);
    let last: string | null = null;
    const previous = files.at(-2);
    if (previous !== undefined) {
      // The digest is at the end of the file, so no earlier file is needed.
      const bytes = await readFile(join(directory, 'checkpoints', previous));
      before = new Uint8Array(bytes.subarray(-DIGEST_BYTES));
    }
    const part: HistoryPart =
      files.length === 0
        ? { notes: [], digest: before, end: 0, state: 'whole' }
        : parseHistory(await readFile(path), before);
    if (part.state === 'damaged')
      throw new AmbitError('audit_corrupt', `checkpoints/${name}: damaged after byte ${part.end}.`);
    if (part.state === 'torn') await truncate(path, part.end);
    last = part.notes.at(-1) ?? null;
    return new History(directory, Number(name), part, last);
  }

  /** Adds a note. It is not synced: the head store has it, and the next start adds it again if it is lost. */
  async append(note: string): Promise<void> {
    if (note === this.last) return;
    if (this.#count >= NOTES_PER_FILE) {
      this.#number++;
      this.#count = 0;
    }
    const bytes = Buffer.from(note);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    const digest = nativeSha256(concat(this.#digest, bytes));
    const file = await open(join(this.#directory, 'checkpoints', fileName(this.#number)), 'a', FILE_MODE);
    const { size } = await file.stat();
    try {
      await file.appendFile(Buffer.concat([length, bytes, digest]));
    } catch (error) {
      await file.truncate(size);
      throw error;
    } finally {
      await file.close();
    }
    this.#digest = digest;
    this.#count++;
    this.last = note;
  }
}
