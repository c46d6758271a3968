// Field readers: from a positioned node to a typed value. Each reports what it expected, what it got, on which
// line and under which path, and continues, so that one run of `config check` shows every mistake. Nothing is
// converted: a number is no text, `yes` is no boolean, and an unknown field is an error with a suggestion.
import { nearest } from '@ambit/core';
import { below, SOURCE_LIMITS, type YamlEntry, type ConfigNode, type ConfigProblem } from './source.ts';

/** A node with its path; what the readers take. */
export interface Place {
  readonly node: ConfigNode;
  readonly path: string;
}

/** Collects problems while a configuration is read. */
export class Shape {
  readonly problems: ConfigProblem[] = [];

  /** Notes a problem at a place. */
  fail(at: Place | { readonly node: YamlEntry; readonly path: string }, message: string): void {
    if (this.problems.length >= SOURCE_LIMITS.problems) return;
    this.problems.push({ line: at.node.line, column: at.node.column, path: at.path, message });
  }

  /** The fields of a map that may hold `known` ones only; `required` ones must be there. */
  fields<K extends string>(
    at: Place,
    known: readonly K[],
    required: readonly K[] = [],
  ): Partial<Record<K, Place>> {
    const out: Partial<Record<K, Place>> = {};
    if (at.node.kind !== 'map') {
      this.fail(at, `expected fields (${known.join(', ')}), got ${describe(at.node)}`);
      return out;
    }
    for (const [key, entry] of at.node.entries) {
      const name = known.find((k) => k === key);
      if (name === undefined) {
        const near = nearest(key, known);
        const hint = near === null ? `known: ${known.join(', ')}` : `did you mean ${near}?`;
        this.fail({ node: entry, path: below(at.path, key) }, `unknown field; ${hint}`);
      } else {
        out[name] = { node: entry.value, path: below(at.path, key) };
      }
    }
    for (const name of required) {
      if (!at.node.entries.has(name)) this.fail(at, `the field ${name} is missing`);
    }
    return out;
  }

  /** Entries of a map with names of the operator's choice, in order. An absent place has none. */
  entries(at: Place | undefined, limit: number): [string, Place, YamlEntry][] {
    if (at === undefined) return [];
    if (at.node.kind !== 'map') {
      this.fail(at, `expected names with their fields, got ${describe(at.node)}`);
      return [];
    }
    if (at.node.entries.size > limit) this.fail(at, `more than ${limit} entries`);
    return [...at.node.entries].map(([key, entry]) => [
      key,
      { node: entry.value, path: below(at.path, key) },
      entry,
    ]);
  }

  /** A text that `valid` accepts; '' after a problem. */
  text(at: Place | undefined, what: string, valid: (text: string) => boolean): string {
    if (at === undefined) return '';
    if (at.node.kind !== 'text') this.fail(at, `expected ${what}, got ${describe(at.node)}`);
    else if (!valid(at.node.value)) this.fail(at, `expected ${what}, got ${quote(at.node.value)}`);
    else return at.node.value;
    return '';
  }

  /** `true` or `false`; `otherwise` when absent or after a problem. */
  boolean(at: Place | undefined, otherwise: boolean): boolean {
    if (at === undefined) return otherwise;
    if (at.node.kind === 'boolean') return at.node.value;
    this.fail(at, `expected true or false, got ${describe(at.node)}`);
    return otherwise;
  }

  /** A whole number within bounds; `otherwise` when absent or after a problem. */
  integer(at: Place | undefined, least: number, most: number, otherwise: number): number {
    if (at === undefined) return otherwise;
    if (at.node.kind === 'integer' && at.node.value >= least && at.node.value <= most) return at.node.value;
    this.fail(at, `expected a whole number from ${least} to ${most}, got ${describe(at.node)}`);
    return otherwise;
  }

  /** Seconds of a duration like `90s`, `15m`, `8h`, `2d`; `otherwise` when absent or after a problem. */
  duration(at: Place | undefined, least: number, otherwise: number): number {
    if (at === undefined) return otherwise;
    const match = at.node.kind === 'text' ? /^(0|[1-9][0-9]{0,8})([smhd])$/.exec(at.node.value) : null;
    if (match === null) {
      this.fail(at, `expected a duration such as 90s, 15m, 8h or 2d, got ${describe(at.node)}`);
      return otherwise;
    }
    const seconds = Number(match[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[match[2] as 's' | 'm' | 'h' | 'd'];
    if (seconds >= least) return seconds;
    this.fail(at, `expected at least ${least}s, got ${describe(at.node)}`);
    return otherwise;
  }

  /** Items of a list. */
  items(at: Place | undefined, limit: number): Place[] {
    if (at === undefined) return [];
    if (at.node.kind !== 'list') {
      this.fail(at, `expected a list, got ${describe(at.node)}`);
      return [];
    }
    if (at.node.items.length > limit) this.fail(at, `more than ${limit} items`);
    return at.node.items.map((node, i) => ({ node, path: `${at.path}[${i}]` }));
  }

  /** A list of texts that means a set: each valid, none twice; returned in code-unit order, as order says nothing. */
  set(
    at: Place | undefined,
    limit: number,
    what: string,
    valid: (text: string) => boolean,
  ): readonly string[] {
    const seen = new Set<string>();
    for (const item of this.items(at, limit)) {
      const text = this.text(item, what, valid);
      if (text === '') continue;
      if (seen.has(text)) this.fail(item, `${quote(text)} stands twice`);
      seen.add(text);
    }
    return Object.freeze([...seen].sort());
  }
}

/** A value as a person would name it, cut short. */
export function describe(node: ConfigNode): string {
  switch (node.kind) {
    case 'map':
      return 'fields';
    case 'list':
      return 'a list';
    case 'null':
      return 'nothing';
    case 'text':
      return `the text ${quote(node.value)}`;
    default:
      return String(node.value);
  }
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
