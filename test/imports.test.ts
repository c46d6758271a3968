// The house keeps its shape: imports between packages point down, no files import each other in a circle, no file is
// longer than 300 lines without a reason at its head, no function longer than 80 without one above it. What breaks a
// rule today is listed below; a list shrinks: an entry that is no longer true fails.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  circles,
  fileOf,
  lengthOf,
  longFunctions,
  packageImports,
  packages,
  page,
  ROOT,
  sourcesOf,
} from './house.mjs';

/** What each package may import of ours. Holder, service and issuer stand side by side: none imports another. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  cbor: [],
  files: [],
  wire: ['core'],
  state: ['core'],
  identity: ['core'],
  audit: ['cbor', 'core', 'files'],
  behavior: ['cbor', 'core'],
  agent: ['core', 'wire'],
  guard: ['audit', 'behavior', 'core', 'files', 'identity', 'state', 'wire'],
  authority: ['audit', 'core', 'files', 'identity', 'state'],
  cli: ['agent', 'audit', 'authority', 'behavior', 'core', 'files', 'guard', 'identity', 'state', 'wire'],
};

/** Circles that are still closed. */
const CIRCLES: readonly string[] = [];

const FILE_LINES = 300;
/** Files that are still too long and give no reason: none. */
const LONG_FILES: readonly string[] = [];

const FUNCTION_LINES = 80;
/** Functions that are still too long and give no reason: none. */
const LONG_FUNCTIONS: readonly string[] = [];

const all = packages().map((name) => ({ name, sources: sourcesOf(name) }));
const sources = all.flatMap((p) => p.sources);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}
const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));

describe('packages', () => {
  it('all have a rule, and there is something to check', () => {
    expect(Object.keys(MAY_IMPORT).sort()).toEqual(packages());
    expect(sources.length).toBeGreaterThan(200);
  });
  it.each(all)('$name imports only what stands below it', ({ name, sources }) => {
    const wrong = [...packageImports(sources)].filter(([to]) => !MAY_IMPORT[name]!.includes(to));
    expect(wrong).toEqual([]);
  });
  it.each(all)('$name declares what it imports, and nothing else of ours', ({ name, sources }) => {
    const imported = [...packageImports(sources).keys()].sort();
    const { dependencies = {} } = json('packages', name, 'package.json') as Manifest;
    const declared = Object.keys(dependencies).filter((d) => d.startsWith('@ambit/'));
    expect(declared.map((d) => d.slice('@ambit/'.length)).sort()).toEqual(imported);
    const { references } = json('packages', name, 'tsconfig.json') as {
      readonly references: readonly { readonly path: string }[];
    };
    expect(references.map((r) => r.path.replace('../', '')).sort()).toEqual(imported);
  });
  it.each(all)('$name reaches no file of another package by its path', ({ name, sources }) => {
    const outside = sources.flatMap(({ path, imports }) =>
      imports
        .filter((s) => s.startsWith('.'))
        .map((s) => fileOf(path, s))
        .filter((file) => !file.startsWith(join('packages', name, 'src')))
        .map((file) => `${path} -> ${file}`),
    );
    expect(outside).toEqual([]);
  });
});

describe('files', () => {
  it('import each other in no circle but those listed', () => {
    expect(circles(sources).map((group) => group.join(' '))).toEqual([...CIRCLES].sort());
  });
  it('the search finds a circle of two, of three, and of one, and none in a line', () => {
    const file = (path: string, ...imports: string[]): { path: string; imports: string[] } => ({
      path,
      imports,
    });
    expect(circles([file('a.ts', './b.ts'), file('b.ts', './a.ts'), file('c.ts', './a.ts')])).toEqual([
      ['a.ts', 'b.ts'],
    ]);
    expect(circles([file('x/a.ts', './b.ts'), file('x/b.ts', '../c.ts'), file('c.ts', './x/a.ts')])).toEqual([
      ['c.ts', 'x/a.ts', 'x/b.ts'],
    ]);
    expect(circles([file('a.ts', './a.ts')])).toEqual([['a.ts']]);
    expect(circles([file('a.ts', './b.ts'), file('b.ts', './c.ts'), file('c.ts')])).toEqual([]);
  });
  it(`have at most ${FILE_LINES} lines, or say at their head why not ("... ${FILE_LINES} lines ...")`, () => {
    const long = sources
      .filter(({ text }) => lengthOf(text) > FILE_LINES)
      .filter(({ text }) => !/^(?:\/\/.*\n)*\/\/.*300 lines/.test(text))
      .map(({ path }) => path);
    expect(long).toEqual(LONG_FILES);
  });
});

describe('functions', () => {
  it(`have at most ${FUNCTION_LINES} lines, or say above them why not ("... ${FUNCTION_LINES} lines ...")`, () => {
    const long = sources.flatMap((s) =>
      longFunctions(s, FUNCTION_LINES)
        .filter((f) => !f.comment.includes(`${FUNCTION_LINES} lines`))
        .map((f) => `${s.path} ${f.name}`),
    );
    expect(long).toEqual(LONG_FUNCTIONS);
  });
  it('the measure counts from the first token to the last, of every kind of function', () => {
    const text =
      '/** Documentation\n * counts for nothing. */\nexport function f(): void {\n\n}\nconst g = (): number =>\n  1 +\n  1;\nclass A {\n  m(): void {\n    return;\n  }\n}\n';
    expect(longFunctions({ path: 'a.ts', text }, 2)).toMatchObject([
      { name: 'f', lines: 3 },
      { name: 'g', lines: 3 },
      { name: 'm', lines: 3 },
    ]);
    expect(longFunctions({ path: 'a.ts', text }, 3)).toEqual([]);
  });
  it('a reason counts for the function below it, and for no other', () => {
    const text =
      '// File.\n\n/** Why f. */\nexport function f(): void {\n}\n/** Why g. */\nexport const g = (): number => {\n  const inner = () => {\n  };\n};\nclass A {\n  /** Why m. */\n  m(): void {\n  }\n}\n';
    const comments = longFunctions({ path: 'a.ts', text }, 1).map(({ name, comment }) => [
      name,
      comment.replace('// File.', '').trim(),
    ]);
    expect(comments).toEqual([
      ['f', '/** Why f. */'],
      ['g', '/** Why g. */'],
      ['inner', ''],
      ['m', '/** Why m. */'],
    ]);
  });
});

describe('ARCHITECTURE.md', () => {
  it('shows the imports as they are: `npm run architecture` would change nothing', () => {
    const { text, fresh } = page();
    expect(text).toBe(fresh);
  });
  it('says of every package what it is', () => {
    const { text } = page();
    for (const name of packages()) expect(text).toContain(`| [${name}](packages/${name}) |`);
  });
});
