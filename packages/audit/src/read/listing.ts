// What lies below a directory that somebody writes to. Node's own recursive listing fails when a directory goes
// between being named and being read, as those of partial tiles do when the full tile is there.
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isMissing } from '../tile/source.ts';

/** A file, or whatever else is no directory. */
export interface Listed {
  /** Relative to the directory, with `/`. */
  readonly path: string;
  readonly name: string;
  readonly isFile: boolean;
}

/** Everything below `directory` that is no directory. Throws if there is no `directory`. */
export async function filesBelow(directory: string): Promise<Listed[]> {
  const found: Listed[] = [];
  const waiting = [''];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const entry of await entriesOf(directory, at)) {
      const path = `${at}${entry.name}`;
      if (entry.isDirectory()) waiting.push(`${path}/`);
      else found.push({ path, name: entry.name, isFile: entry.isFile() });
    }
  }
  return found;
}

async function entriesOf(directory: string, below: string): Promise<Dirent[]> {
  try {
    return await list(`${directory}/${below}`);
  } catch (error) {
    if (below !== '' && isMissing(error)) return [];
    throw error;
  }
}

const list = (path: string): Promise<Dirent[]> => readdir(path, { withFileTypes: true });
