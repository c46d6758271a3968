// Each row carries a sum over its key and its fields (finding S18): a bit that rotted on the disk denies
// (`store_corrupt`) where it would have granted a budget or a proof again. The sum finds accidents, not attackers:
// who can write the file can write sums. A rotted key makes a row that is never asked for; so every sweep also
// reads a stretch of each table.
import { crc32 } from 'node:zlib';
import { AmbitError } from '@ambit/core';
import type { Value } from './binding.ts';

/** The sum of a row's fields, in the order of its columns. */
export function sumOf(fields: readonly Value[]): number {
  let text = '';
  let sum = 0;
  for (const field of fields) {
    if (field instanceof Uint8Array) sum = crc32(field, sum);
    else text += field === null ? '\u0001' : `${field}\u0000`;
  }
  return crc32(text, sum);
}

/** The row without its sum, its last column; AmbitError `store_corrupt` when the two don't agree. */
export function checked(row: readonly Value[]): Value[] {
  const fields = row.slice(0, -1);
  if (sumOf(fields) !== row.at(-1))
    throw new AmbitError(
      'store_corrupt',
      'A row of the state file is damaged. Restore the file from a backup, or begin another.',
    );
  return fields;
}
