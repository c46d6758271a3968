// YAML 1.2 (core schema) down to what a configuration needs: maps with text keys, lists, texts, whole numbers
// and booleans, each with its line. Aliases, anchors, tags, directives, merge keys, several
// documents and duplicate keys are refused, so that one text has one meaning for every reader and nothing can
// grow when it is read (alias bombs). Nesting is bounded by a lexer pass before the composer runs: the
// composer recurses, and a megabyte of brackets costs it gigabytes.
import { isAlias, isMap, isScalar, isSeq, LineCounter, Lexer, parseDocument } from 'yaml';

/** Bounds of a configuration text: 10,000 users take 600 KB. */
export const SOURCE_LIMITS: Readonly<Record<'characters' | 'line' | 'depth' | 'problems', number>> =
  Object.freeze({
    /** Characters of the text. */
    characters: 8 * 1024 * 1024,
    /** Characters of a line: a group's tools in one list take some. */
    line: 64 * 1024,
    /** Nesting of maps and lists; the format itself needs six. */
    depth: 16,
    /** Problems reported at once. */
    problems: 50,
  });

/** One thing wrong with a configuration: where (line and column from 1, path like `tools.web_search.data[0]`) and what. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

/** `line:column path: message`, as compilers print it. */
export const problemText = (p: ConfigProblem): string =>
  `${p.line}:${p.column} ${p.path === '' ? '' : `${p.path}: `}${p.message}`;

interface At {
  readonly line: number;
  readonly column: number;
}

/** A value and its position. Map entries keep the order of the text. */
export type ConfigNode =
  | (At & { readonly kind: 'map'; readonly entries: ReadonlyMap<string, YamlEntry> })
  | (At & { readonly kind: 'list'; readonly items: readonly ConfigNode[] })
  | (At & { readonly kind: 'text'; readonly value: string })
  | (At & { readonly kind: 'integer'; readonly value: number })
  | (At & { readonly kind: 'boolean'; readonly value: boolean })
  | (At & { readonly kind: 'null' });

/** A map's entry: the position of its key, and the value. */
export interface YamlEntry extends At {
  readonly value: ConfigNode;
}

/** The path of a field below `path`. */
export const below = (path: string, key: string): string =>
  /^[A-Za-z0-9_-]+$/.test(key) ? (path === '' ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`;

/** Reads a text; null when there are problems, which are added to the list. */
export function readSource(text: string, problems: ConfigProblem[]): ConfigNode | null {
  const shape = shapeProblem(text);
  if (shape !== null) {
    problems.push(shape);
    return null;
  }
  const lines = new LineCounter();
  // `uniqueKeys` of the package compares every pair of keys; 10,000 users make that slow. We use a Map below.
  const doc = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    schema: 'core',
    prettyErrors: false,
  });
  const reading = new Reading(lines, problems);
  for (const error of [...doc.errors, ...doc.warnings].slice(0, SOURCE_LIMITS.problems)) {
    const multiple = error.code === 'MULTIPLE_DOCS';
    problems.push({
      ...reading.at(error.pos[0]),
      path: '',
      message: multiple ? 'only one document is allowed' : error.message,
    });
  }
  if (doc.directives?.yaml.explicit === true || /^%/m.test(text)) {
    problems.push({ line: 1, column: 1, path: '', message: 'directives (%YAML, %TAG) are not allowed' });
  }
  if (problems.length > 0) return null;
  const root = reading.value(doc.contents, { path: '', depth: 0, line: 1, column: 1 });
  return problems.length > 0 ? null : root;
}

/** Where a value stands: its path, its nesting, and the position of what holds it, for a value that has none. */
interface Place extends At {
  readonly path: string;
  readonly depth: number;
}

/** One reading of a document: the package's nodes become ours, and what is not allowed becomes a problem. */
class Reading {
  readonly #lines: LineCounter;
  readonly #problems: ConfigProblem[];

  constructor(lines: LineCounter, problems: ConfigProblem[]) {
    this.#lines = lines;
    this.#problems = problems;
  }

  at(offset: number): At {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  value(value: unknown, place: Place): ConfigNode | null {
    const here = isNode(value) && value.range ? { ...place, ...this.at(value.range[0]) } : place;
    const refuse = (message: string): null => this.#refuse(here, message);
    if (place.depth > SOURCE_LIMITS.depth) return refuse(`nested deeper than ${SOURCE_LIMITS.depth}`);
    if (value === null || value === undefined) return { kind: 'null', ...position(here) };
    if (isAlias(value)) return refuse('aliases (*name) are not allowed: write the value out');
    if (isNode(value) && value.anchor !== undefined) return refuse('anchors (&name) are not allowed');
    if (isNode(value) && value.tag !== undefined) return refuse(`tags (${value.tag}) are not allowed`);
    if (isMap(value)) return this.#map(value.items, here);
    if (isSeq(value)) return this.#list(value.items, here);
    if (!isScalar(value)) return refuse('not a value');
    return this.#scalar(value.value, value.source, here);
  }

  #refuse({ line, column, path }: Place, message: string): null {
    if (this.#problems.length < SOURCE_LIMITS.problems) this.#problems.push({ line, column, path, message });
    return null;
  }

  #map(pairs: readonly { readonly key: unknown; readonly value: unknown }[], here: Place): ConfigNode {
    const entries = new Map<string, YamlEntry>();
    for (const pair of pairs) {
      const key =
        isScalar(pair.key) && pair.key.anchor === undefined && pair.key.tag === undefined ? pair.key : null;
      const where = key?.range ? this.at(key.range[0]) : position(here);
      // A key is taken as it is written: `1`, `true` and `null` are names too.
      const name = typeof key?.value === 'string' ? key.value : (key?.source ?? null);
      if (name === null || name === '' || name === '<<') {
        this.#refuse({ ...here, ...where }, 'a key must be a plain or quoted text');
        continue;
      }
      const inner = { ...where, path: below(here.path, name), depth: here.depth + 1 };
      const first = entries.get(name);
      if (first !== undefined) {
        this.#refuse(inner, `stands twice (first on line ${first.line})`);
        continue;
      }
      const child = this.value(pair.value, inner);
      if (child !== null) entries.set(name, { ...where, value: child });
    }
    return { kind: 'map', entries, ...position(here) };
  }

  #list(values: readonly unknown[], here: Place): ConfigNode {
    const items: ConfigNode[] = [];
    for (const [i, item] of values.entries()) {
      const child = this.value(item, { ...here, path: `${here.path}[${i}]`, depth: here.depth + 1 });
      if (child !== null) items.push(child);
    }
    return { kind: 'list', items, ...position(here) };
  }

  #scalar(scalar: unknown, source: string | undefined, here: Place): ConfigNode | null {
    if (typeof scalar === 'string') return { kind: 'text', value: scalar, ...position(here) };
    if (typeof scalar === 'boolean') return { kind: 'boolean', value: scalar, ...position(here) };
    if (scalar === null) return { kind: 'null', ...position(here) };
    // 0x10, 0o17, 1e3 and 1.0 are numbers to YAML, and typing errors in a policy.
    if (
      typeof scalar === 'number' &&
      Number.isSafeInteger(scalar) &&
      /^(?:0|[1-9][0-9]*)$/.test(source ?? '')
    ) {
      return { kind: 'integer', value: scalar, ...position(here) };
    }
    return this.#refuse(here, `expected a whole number in decimal digits, got ${source ?? 'something else'}`);
  }
}

const position = ({ line, column }: At): At => ({ line, column });

interface YamlNode {
  readonly range?: readonly [number, number, number] | null | undefined;
  readonly anchor?: string | undefined;
  readonly tag?: string | undefined;
}
const isNode = (value: unknown): value is YamlNode => typeof value === 'object' && value !== null;

/** What must hold before the composer sees the text: size, line length, flow nesting. */
function shapeProblem(text: string): ConfigProblem | null {
  const problem = (line: number, message: string): ConfigProblem => ({ line, column: 1, path: '', message });
  if (text.length > SOURCE_LIMITS.characters)
    return problem(1, `longer than ${SOURCE_LIMITS.characters} characters`);
  let line = 1;
  let start = 0;
  for (;;) {
    const next = text.indexOf('\n', start);
    if ((next < 0 ? text.length : next) - start > SOURCE_LIMITS.line) {
      return problem(line, `line longer than ${SOURCE_LIMITS.line} characters`);
    }
    if (next < 0) break;
    start = next + 1;
    line++;
  }
  let depth = 0;
  let compact = 0;
  let seen = 1;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    // `- - - x` opens a list for each dash, on one line.
    else if (token === '-' || token === '?') compact++;
    else if (token.includes('\n')) {
      seen += token.split('\n').length - 1;
      compact = 0;
    }
    if (Math.max(depth, compact) > SOURCE_LIMITS.depth)
      return problem(seen, `nested deeper than ${SOURCE_LIMITS.depth}`);
  }
  return null;
}
