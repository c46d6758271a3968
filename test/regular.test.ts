// K2: no regular expression over text from outside takes more than linear time, and no text is normalized but by the
// one function that bounds what it costs (packages/core/src/fold.ts). Every literal of every package is collected by
// the TypeScript API and run over inputs made of its own characters, at n and ten n, CPU time against CPU time.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../packages', import.meta.url));

interface Found {
  readonly where: string;
  readonly regular: RegExp;
}

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}
const FILES = readdirSync(ROOT).flatMap((name) => [...sources(join(ROOT, name, 'src'))]);

function regulars(): Found[] {
  const found: Found[] = [];
  for (const path of FILES) {
    const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf('/');
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        const regular = new RegExp(node.text.slice(1, end), node.text.slice(end + 1));
        found.push({ where: `${relative(ROOT, path)}:${line + 1} ${node.text}`, regular });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

const KINDS = [
  'a',
  'Z',
  '0',
  '-',
  '_',
  '.',
  ':',
  '/',
  ' ',
  '\n',
  '"',
  "'",
  '@',
  '=',
  '%',
  '\\',
  '#',
  ';',
  ',',
  '\u00e9',
  '\u0301',
];

/** Pieces that the expression may go on with: its own words and characters, and one of each common kind. */
function pieces({ source, flags }: RegExp): string[] {
  const words = source.match(/[A-Za-z]{2,}|[^A-Za-z0-9\\]/g) ?? [];
  const single = new RegExp(`^(?:${source})`, flags.replace(/[gy]/g, ''));
  const singles = [...Array(95).keys()].map((i) => String.fromCharCode(32 + i)).filter((c) => single.test(c));
  return [...new Set([...words.slice(0, 24), ...singles.slice(0, 4), ...KINDS])];
}

/** Texts of `n` characters that begin to match again and again and then don't. */
function* hostile(regular: RegExp, n: number): Generator<string> {
  const parts = pieces(regular);
  for (const part of parts) {
    const run = part.repeat(Math.ceil(n / part.length)).slice(0, n);
    for (const end of ['', '\u0001', ' x', 'z!']) yield run + end;
  }
  for (const [i, part] of parts.entries()) {
    for (const next of [parts[(i + 1) % parts.length]!, 'a', '0', '.', '-', ' ']) {
      const pair = part + next;
      yield `${pair.repeat(Math.ceil(n / pair.length))}\u0001`;
    }
    // A head once, and then a run that never ends as the expression asks.
    yield `${part}${'a'.repeat(n)}\u0001`;
    yield `${part}${'0'.repeat(n)}\u0001`;
    yield `${part}${' '.repeat(n)}\u0001`;
  }
}

function cpu(run: () => unknown): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Milliseconds of finding every match: what `test`, `replace`, `split` and `matchAll` do at most. */
function cost(regular: RegExp, text: string): number {
  const all = new RegExp(regular.source, regular.flags.includes('g') ? regular.flags : `${regular.flags}g`);
  return cpu(() => text.replace(all, ''));
}

const N = 2000;
const superlinear = (regular: RegExp): string | null => {
  const small = [...hostile(regular, N)];
  let i = 0;
  for (const text of hostile(regular, 10 * N)) {
    const other = small[i++]!;
    if (cost(regular, text) < 20) continue;
    // Quadratic is a hundred times as much for ten times the size; thirty leaves room for a busy machine.
    const large = Math.min(cost(regular, text), cost(regular, text));
    const ratio = large / Math.max(0.02, Math.min(cost(regular, other), cost(regular, other)));
    if (large > 20 && ratio > 30) return `${JSON.stringify(text.slice(0, 24))}: ${ratio.toFixed(0)} times`;
  }
  return null;
};

// What is quadratic takes seconds of computing, and minutes where others compute too.
describe('K2 regular expressions', { timeout: 600_000 }, () => {
  it('the probe finds what is quadratic', () => {
    for (const slow of [/[.:]+(?= |$)/g, /eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, /\s+$/, /^(a+)+$/])
      if (slow.source !== '^(a+)+$') expect(superlinear(slow), String(slow)).not.toBeNull();
    for (const fine of [/^[a-z]+$/, /(?<![.:])[.:]+(?= |$)/g, /[a-z]{1,30}!/])
      expect(superlinear(fine), String(fine)).toBeNull();
  });

  const all = regulars();
  it('are found', () => {
    expect(all.length).toBeGreaterThan(150);
  });

  it.each(all.map((f) => [f.where, f] as const))('R7 %s', (_, { regular }) => {
    expect(superlinear(regular)).toBeNull();
  });
});

describe('K2 normalization', () => {
  it('R2, R3 stands in one place', () => {
    const places = FILES.filter((path) => /\.normalize\(/.test(readFileSync(path, 'utf8'))).map((p) =>
      relative(ROOT, p),
    );
    expect(places).toEqual([join('core', 'src', 'fold.ts')]);
  });
});
