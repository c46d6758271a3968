// What every benchmark gives back: a table of figures, to be printed, written as JSON, and drawn.

/** One table. Cells are texts or numbers; numbers are printed with three significant digits. */
export interface Table {
  readonly title: string;
  /** What was measured, in which unit, and what a reader has to know to judge it. */
  readonly notes?: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Options every benchmark understands. */
export interface BenchOptions {
  /** Fewer rounds: for a first look, and for CI. */
  readonly quick?: boolean;
}

const cell = (value: string | number): string =>
  typeof value === 'string'
    ? value
    : Math.abs(value) >= 1000
      ? Math.round(value).toLocaleString('en-US')
      : `${Number(value.toPrecision(3))}`;

/** A table as text: first column left, the others right aligned. */
export function tableText(t: Table): string {
  const rows = [t.columns, ...t.rows.map((row) => row.map(cell))] as string[][];
  const widths = t.columns.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((w) => '-'.repeat(w)).join('  '));
  return [t.title, ...(t.notes ?? []), '', ...lines, ''].join('\n');
}
