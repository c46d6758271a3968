// The laws, the attack catalogue and their citations agree (docs/laws.md, docs/attacks.md).
//
// A title is the text of a `describe`, `test` or `it`; it cites each number that stands in it as a word. A comment
// cites likewise, and any other text by "attack S12", "laws L4 and L12", "attacks E1 to E9". Numbers of reports are
// not ours: they are cited as "finding F37", or carry a letter behind ("R7b").
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SKIPPED = new Set(['node_modules', 'dist', '.git', 'coverage', 'reports', 'results', '.stryker-tmp']);
const TEXT = new Set(['.ts', '.mjs', '.js', '.py', '.sh', '.pml', '.md', '.yaml', '.yml', '.txt']);
// A class of one letter, so that this file does not cite the page whose citations it refuses.
const GONE = /\bDESIG[N]\b/;

interface Source {
  readonly path: string;
  readonly text: string;
}

function* walk(folder: string): Generator<Source> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* walk(path);
    else if (entry.isFile() && TEXT.has(extname(entry.name)))
      yield { path: relative(ROOT, path), text: readFileSync(path, 'utf8') };
  }
}

/** What a title says: literals and concatenations; the parts of a template that are computed are left out. */
function textOf(node: ts.Expression | undefined): string {
  if (node === undefined) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node))
    return [node.head.text, ...node.templateSpans.map((s) => s.literal.text)].join(' ');
  return ts.isBinaryExpression(node) ? `${textOf(node.left)}${textOf(node.right)}` : '';
}

/** `test`, `describe.skipIf(x)`, `it.each(table)`: the name that a call chain begins with. */
function rootName(node: ts.Expression): string {
  if (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node)) return rootName(node.expression);
  return ts.isIdentifier(node) ? node.text : '';
}

function titlesOf({ path, text }: Source): string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(?:describe|test|it)$/.test(rootName(node.expression)))
      titles.push(textOf(node.arguments[0]));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return titles;
}

const COMMENT = /(?:^|[ \t])\/\/.*|^[ \t]*\/\*[^]*?\*\//gm;
const NUMBER = /\b([A-Z])(\d{1,2})\b/g;
const FINDING = /\bfindings? [A-Z]\d+[a-z]?(?:(?:,| and| to) [A-Z]\d+[a-z]?)*/g;
const NAMED = /\b(?:attack|law)s?(?: catalogue)? [A-Z]\d{1,2}(?:(?:,|,? and|,? or| to)? [A-Z]\d{1,2})*\b/gi;

const SOURCES = [...walk(ROOT)];
const CODE = SOURCES.filter((s) => /\.(?:ts|mjs)$/.test(s.path));
const TITLES = CODE.filter((s) => /(?:^|\/)test(?:ing)?\//.test(s.path)).flatMap((s) =>
  titlesOf(s).map((title) => ({ path: s.path, title })),
);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const ATTACKS = new Map(
  [...read('docs/attacks.md').matchAll(/^- \*\*([A-Z]\d+)\*\*( \*\(open\)\*)? \S.*$/gm)].map((m) => [
    m[1]!,
    { open: m[2] !== undefined },
  ]),
);
const LAWS = new Map(
  read('docs/laws.md')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.split(' ', 1)[0]!, section]),
);
const GROUPS = new Set(['L', ...[...ATTACKS.keys()].map((number) => number[0]!)]);
const exists = (number: string): boolean => ATTACKS.has(number) || LAWS.has(number);

/** The numbers of our groups that stand in a text as words. */
const numbersOf = (text: string): string[] =>
  [...text.replace(FINDING, '').matchAll(NUMBER)].filter((m) => GROUPS.has(m[1]!)).map((m) => m[0]);

const TRIED = new Set(TITLES.flatMap(({ title }) => numbersOf(title)));

describe('docs/attacks.md', () => {
  test('is read: each list item is a numbered attack, and numbers count up within their group', () => {
    expect(read('docs/attacks.md').match(/^- /gm)).toHaveLength(ATTACKS.size);
    const counts = new Map<string, number>();
    for (const number of ATTACKS.keys()) {
      const next = (counts.get(number[0]!) ?? 0) + 1;
      expect(number).toBe(`${number[0]}${next}`);
      counts.set(number[0]!, next);
    }
    expect(ATTACKS.size).toBeGreaterThan(100);
  });

  test('a number that is not open stands in a test title', () => {
    const untested = [...ATTACKS].filter(([n, a]) => !a.open && !TRIED.has(n)).map(([n]) => n);
    expect(untested, 'add the number to the title of the test that tries it, or mark it open').toEqual([]);
    expect([...ATTACKS.values()].filter((a) => !a.open).length).toBeGreaterThan(70);
  });
});

describe('docs/laws.md', () => {
  test('has L1 to L16; each names the tests that hold it, or says what holds today', () => {
    expect([...LAWS.keys()]).toEqual(Array.from({ length: 16 }, (_, i) => `L${i + 1}`));
    for (const [law, section] of LAWS) {
      const files = [...(/^Held by .*$/m.exec(section)?.[0] ?? '').matchAll(/`([^`]+)`/g)].map((m) => m[1]!);
      if (files.length === 0) expect(section, law).toMatch(/^\*\*Today\*\*: /m);
      for (const file of files) {
        const titles = TITLES.filter((t) => t.path === file).map((t) => t.title);
        expect(titles.filter((t) => numbersOf(t).includes(law)).length, `${law} in ${file}`).toBeGreaterThan(
          0,
        );
      }
    }
  });
});

test('docs/glossary.md has each term once, in order', () => {
  const terms = [...read('docs/glossary.md').matchAll(/^\*\*([a-z ]+)\*\*: /gm)].map((m) => m[1]!);
  expect(terms.length).toBeGreaterThan(20);
  expect(terms).toEqual([...new Set(terms)].sort());
});

describe('citations', () => {
  test('each number in a title, in a comment or behind "attack" or "law" exists', () => {
    const cited = [
      ...TITLES.map(({ path, title }) => ({ path, text: title })),
      ...CODE.flatMap(({ path, text }) => [...text.matchAll(COMMENT)].map((m) => ({ path, text: m[0] }))),
      ...SOURCES.flatMap(({ path, text }) => [...text.matchAll(NAMED)].map((m) => ({ path, text: m[0] }))),
    ].flatMap(({ path, text }) => numbersOf(text).map((number) => ({ path, number })));
    expect(cited.length).toBeGreaterThan(400);
    expect(cited.filter((c) => !exists(c.number)).map((c) => `${c.number} ${c.path}`)).toEqual([]);
  });

  test('no file cites a page that readers do not have; pages and sections that are cited exist', () => {
    expect(SOURCES.filter((s) => GONE.test(s.text)).map((s) => s.path)).toEqual([]);
    const sections = [...read('docs/design.md').matchAll(/^## (\d+)\. /gm)].map((m) => m[1]!);
    let followed = 0;
    for (const { path, text } of SOURCES) {
      for (const [page, sectionList] of text.matchAll(
        /docs\/(?:attacks|design|glossary|laws)\.md(?:,? sections? (\d+(?:(?:,| and) \d+)*))?/g,
      )) {
        const file = page.split(/,? section/)[0]!;
        expect(existsSync(join(ROOT, file)), `${path} cites ${file}`).toBe(true);
        for (const section of sectionList?.match(/\d+/g) ?? [])
          expect(sections, `${path} cites ${page}`).toContain(section);
        followed += 1;
      }
    }
    expect(followed).toBeGreaterThan(30);
  });

  test('a link of a page leads to a file that is there', () => {
    const links = SOURCES.filter(({ path }) => path.endsWith('.md')).flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((m) => ({ path, to: m[1]! })),
    );
    expect(links.length).toBeGreaterThan(60);
    const broken = links.filter(({ path, to }) => !existsSync(join(ROOT, path, '..', to)));
    expect(broken).toEqual([]);
  });
});
