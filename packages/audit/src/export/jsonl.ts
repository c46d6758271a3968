// Records as JSON, one a line: the whole record under its own names, with its index and a readable time.
import type { Found } from '../read/search.ts';

/** One line, without its newline. */
export const jsonLine = ({ index, record }: Found): string =>
  JSON.stringify({ index, time: new Date(record.at).toISOString(), ...record });
