// The difference between two authorities as lines: `-` lost, `~` narrowed, `=` kept, `+` gained.
import type { DiffRow } from '@ambit/core';
import type { Cli, Tone } from '../cli.ts';

const TONES: Readonly<Record<DiffRow['mark'], Tone>> = { '-': 'bad', '~': 'warn', '=': 'dim', '+': 'strong' };

function words({ mark, before, after }: DiffRow): string {
  if (mark === '=') return before ?? '';
  if (before === null) return after ?? '';
  return after === null ? before : `${before}  ->  ${after}`;
}

const keys = (row: DiffRow): DiffRow => {
  const short = (key: string | null): string | null =>
    key !== null && key.length === 43 ? `${key.slice(0, 8)}..` : key;
  return row.subject === 'holder' ? { ...row, before: short(row.before), after: short(row.after) } : row;
};

/** One line a row. */
export function tokenDiffText(cli: Cli, rows: readonly DiffRow[], stream: NodeJS.WriteStream): string {
  const width = Math.max(0, ...rows.map((r) => r.subject.length));
  return rows
    .map((row) => {
      const line = `${row.mark} ${row.subject.padEnd(width)}  ${words(keys(row))}`;
      return cli.paint(TONES[row.mark], line.trimEnd(), stream);
    })
    .join('\n');
}
