// What a check of a log finds, and the roots that files claim.
import { readFile } from 'node:fs/promises';
import { isMissing } from '../tile/source.ts';

/** One thing that is wrong. */
export interface LogProblem {
  /** File, relative to the log's directory, or `head`. */
  readonly where: string;
  /** The entry concerned, where one can be named. */
  readonly index?: number;
  readonly what: string;
}

const MOST_PROBLEMS = 1000;

/** A root that some file claims for a size. */
export interface RecordClaim {
  readonly size: number;
  readonly root: Uint8Array;
  readonly where: string;
}

/** What was found; a thousand at most. */
export class Problems {
  readonly list: LogProblem[] = [];
  truncated = false;
  add(where: string, what: string, index?: number): void {
    if (this.list.length >= MOST_PROBLEMS) this.truncated = true;
    else this.list.push(index === undefined ? { where, what } : { where, what, index });
  }
}

export const readOrNull = async (path: string): Promise<Buffer | null> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
};
