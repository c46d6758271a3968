// The shape of the house, computed from its sources by TypeScript's own parser: which file imports which, which
// package therefore imports which, circles, and how long files and functions are. `imports.test.ts` holds it to the
// rules; `npm run architecture` writes the picture in ARCHITECTURE.md.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = join(ROOT, 'ARCHITECTURE.md');
const BEGIN = '<!-- made by `npm run architecture` from the imports; not to be edited -->';
const END = '<!-- end -->';

/** Names of all packages, sorted. */
export const packages = () => readdirSync(join(ROOT, 'packages')).sort();

const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((e) =>
    e.isDirectory()
      ? filesIn(join(folder, e.name))
      : /(?<!\.d)\.ts$/.test(e.name)
        ? [join(folder, e.name)]
        : [],
  );

/** All source files of a package: path from the root, text, and the specifiers they import, types and `import()` included. */
export function sourcesOf(name) {
  return filesIn(join(ROOT, 'packages', name, 'src'))
    .sort()
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      const imports = ts.preProcessFile(text, true, true).importedFiles.map((i) => i.fileName);
      return { path: relative(ROOT, path), text, imports };
    });
}

/** Our packages that the files import, each with the files that do. */
export function packageImports(sources) {
  const found = new Map();
  for (const { path, imports } of sources) {
    for (const specifier of imports) {
      const ours = /^@ambit\/([^/]+)/.exec(specifier)?.[1];
      if (ours !== undefined) found.set(ours, [...(found.get(ours) ?? []), path]);
    }
  }
  return found;
}

/** The file that a relative specifier names, as a path from the root. */
export const fileOf = (importer, specifier) => relative(ROOT, resolve(ROOT, dirname(importer), specifier));

/** Groups of files that import each other in a circle (strongly connected components), sorted. */
export function circles(sources) {
  const edges = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((s) => s.startsWith('.')).map((s) => fileOf(path, s)),
    ]),
  );
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      if (!index.has(next)) {
        visit(next);
        low.set(file, Math.min(low.get(file), low.get(next)));
      } else if (stack.includes(next)) low.set(file, Math.min(low.get(file), index.get(next)));
    }
    if (low.get(file) !== index.get(file)) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || (edges.get(file) ?? []).includes(file)) found.push(group.sort());
  };
  for (const file of edges.keys()) if (!index.has(file)) visit(file);
  return found.sort();
}

/** Lines of a file. */
export const lengthOf = (text) => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/**
 * Functions of a file that are longer than `most` lines, from their first token on: `name`, `lines`, and `comment`,
 * what is written directly above them.
 */
export function longFunctions({ path, text }, most) {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const line = (position) => file.getLineAndCharacterOfPosition(position).line;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined) {
      const lines = line(node.end) - line(node.getStart(file)) + 1;
      const name = node.name?.getText(file) ?? node.parent.name?.getText(file) ?? 'anonymous';
      if (lines > most) found.push({ name, lines, comment: commentOf(node, file) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The comments above a function, or above the statement that names it. */
function commentOf(node, file) {
  let top = node;
  while (
    top.parent !== undefined &&
    !ts.isSourceFile(top.parent) &&
    top.parent.getStart(file) === top.getStart(file)
  )
    top = top.parent;
  if (ts.isVariableDeclaration(top.parent)) top = top.parent.parent.parent;
  return file.text.slice(top.getFullStart(), top.getStart(file));
}

/** The picture: every package and whom it imports, without arrows that follow from others. */
export function picture() {
  const direct = new Map(packages().map((p) => [p, [...packageImports(sourcesOf(p)).keys()]]));
  const reaches = (from, to) =>
    direct.get(from).some((next) => next === to || (next !== from && reaches(next, to)));
  const lines = [...direct].flatMap(([from, all]) =>
    all
      .filter((to) => !all.some((other) => other !== to && reaches(other, to)))
      .sort()
      .map((to) => `  ${from} --> ${to}`),
  );
  return [BEGIN, '```mermaid', 'flowchart TD', ...lines, '```', END].join('\n');
}

/** The page as it should be: with today's picture. */
export function page() {
  const text = readFileSync(PAGE, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('ARCHITECTURE.md has lost the marks around its picture');
  return { text, fresh: text.slice(0, begin) + picture() + text.slice(end + END.length) };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(PAGE, page().fresh);
}
