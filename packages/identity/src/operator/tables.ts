// Tool patterns and data labels compiled so that a look-up costs hash look-ups bounded by the length of the
// name, however many patterns there are. Which pattern counts when several match: the exact name, else the
// longest prefix. The meaning of a pattern is that of `matchTool` in core (a property test compares them).
import { compileTools, isToolName, isToolPattern } from '@ambit/core';

const isSeparator = (text: string, i: number): boolean => text[i] === '.' || text[i] === '/';

/** A table from tool patterns to entries. */
export class ToolTable<T> {
  readonly #exact = new Map<string, T>();
  /** Prefixes that end in a separator: names with further segments. */
  readonly #trees = new Map<string, T>();
  /** Prefixes of names without a further separator, and the lengths that occur, longest first. */
  readonly #segments = new Map<string, T>();
  readonly #lengths: readonly number[];

  /** Throws TypeError for a malformed pattern. */
  constructor(entries: Iterable<readonly [string, T]>) {
    for (const [pattern, entry] of entries) {
      if (!isToolPattern(pattern)) throw new TypeError(`tool pattern: got ${JSON.stringify(pattern)}`);
      const prefix = pattern.slice(0, -1);
      if (!pattern.endsWith('*')) this.#exact.set(pattern, entry);
      else if (prefix !== '' && isSeparator(prefix, prefix.length - 1)) this.#trees.set(prefix, entry);
      else this.#segments.set(prefix, entry);
    }
    this.#lengths = [...new Set([...this.#segments.keys()].map((p) => p.length))].sort((a, b) => b - a);
  }

  /** The entry of the most specific pattern that matches; undefined when none does, or for what is no tool name. */
  find(tool: string): T | undefined {
    const exact = this.#exact.get(tool);
    if (exact !== undefined) return exact;
    if (this.#lengths.length === 0 && this.#trees.size === 0) return undefined;
    if (!isToolName(tool)) return undefined;
    let at = tool.length - 1;
    while (at >= 0 && !isSeparator(tool, at)) at--;
    // `at` is now the last separator, or -1: a segment prefix must reach beyond it.
    for (const length of this.#lengths) {
      if (length <= at) break;
      const entry = length > tool.length ? undefined : this.#segments.get(tool.slice(0, length));
      if (entry !== undefined) return entry;
    }
    for (; at >= 0 && this.#trees.size > 0; at--) {
      const entry = isSeparator(tool, at) ? this.#trees.get(tool.slice(0, at + 1)) : undefined;
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}

/** A set of tool patterns. */
export class ToolSet {
  readonly patterns: readonly string[];
  readonly #table: ToolTable<true>;

  constructor(patterns: readonly string[]) {
    this.patterns = Object.freeze([...patterns]);
    this.#table = new ToolTable(patterns.map((p) => [p, true] as const));
  }

  /** Whether one of the patterns matches the tool. */
  has(tool: string): boolean {
    return this.#table.find(tool) === true;
  }

  /** The patterns that name what both this set and `wanted` name. Linear in `wanted` for exact names. */
  narrow(wanted: readonly string[]): readonly string[] {
    const out = new Set<string>();
    for (const pattern of wanted) {
      if (!pattern.endsWith('*')) {
        if (this.has(pattern)) out.add(pattern);
        continue;
      }
      // Of two patterns, one holds the other or they share nothing.
      const within = compileTools([pattern]);
      for (const own of this.patterns) {
        if (covers(own, pattern)) out.add(pattern);
        else if (own.endsWith('*') ? covers(pattern, own) : within(own)) out.add(own);
      }
    }
    return reduce([...out]);
  }
}

/** Whether pattern `a` names every tool that pattern `b` names. */
export function covers(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.endsWith('*')) return false;
  const inner = b.endsWith('*') ? b.slice(0, -1) : null;
  if (inner === null) return compileTools([a])(b);
  const outer = a.slice(0, -1);
  if (!inner.startsWith(outer)) return false;
  if (outer !== '' && isSeparator(outer, outer.length - 1)) return true;
  const rest = inner.slice(outer.length);
  return !rest.includes('.') && !rest.includes('/');
}

/** Without the patterns that another one of the list holds; sorted. */
export function reduce(patterns: readonly string[]): readonly string[] {
  const wide = patterns.filter((p) => p.endsWith('*'));
  return patterns.filter((p) => !wide.some((w) => w !== p && covers(w, p))).sort();
}

/** A set of data labels: it covers a label that is one of them or lies under one. */
export class LabelSet {
  readonly labels: readonly string[];
  readonly #set: ReadonlySet<string>;

  constructor(labels: readonly string[]) {
    this.labels = Object.freeze([...labels]);
    this.#set = new Set(labels);
  }

  /** Whether a label is one of these or lies under one. */
  covers(label: string): boolean {
    for (let end = label.length; end > 0; end = label.lastIndexOf(':', end - 1)) {
      if (this.#set.has(label.slice(0, end))) return true;
    }
    return false;
  }

  /** The labels that name what both this set and `wanted` name: of each pair the narrower one. */
  narrow(wanted: readonly string[]): readonly string[] {
    const asked = new Set(wanted);
    const under = (label: string): boolean => {
      for (let end = label.length; end > 0; end = label.lastIndexOf(':', end - 1)) {
        if (asked.has(label.slice(0, end))) return true;
      }
      return false;
    };
    const both = new Set([...wanted.filter((l) => this.covers(l)), ...this.labels.filter(under)]);
    return [...both].filter((l) => !parents(l).some((p) => both.has(p))).sort();
  }
}

function parents(label: string): string[] {
  const out: string[] = [];
  for (let end = label.lastIndexOf(':'); end > 0; end = label.lastIndexOf(':', end - 1))
    out.push(label.slice(0, end));
  return out;
}
