// A recorded output is the text that a model saw. A real tool answers with structured content (MCP), so the
// replay restores the structure: YAML as AgentDojo printed it, Python's dictionary and list literals, else text.
// What doesn't parse stays one free text, which is the stricter reading.
import { parse as parseYaml } from 'yaml';
import type { JsonValue } from '@ambit/behavior';

const cache = new Map<string, JsonValue>();

/** The structure of an output. Same text, same object: callers must not change it. */
export const structured = (text: string): JsonValue => {
  const known = cache.get(text);
  if (known !== undefined) return known;
  // The spotlighting defense puts marks around what it shows the model; a tool's answer has none.
  const bare = text.startsWith('<<') && text.endsWith('>>') ? text.slice(2, -2) : text;
  const value = read(bare);
  cache.set(text, value);
  return value;
};

const read = (text: string): JsonValue => {
  if (/^[[{]/.test(text)) return python(text) ?? text;
  if (/^(?:- |[\w-]+:(?: |$|\n))/.test(text)) {
    try {
      const value: unknown = parseYaml(text, { schema: 'failsafe', logLevel: 'silent', uniqueKeys: false });
      // A mapping from one line of prose ("Bill for: ...") is prose.
      if (
        Array.isArray(value) ||
        (typeof value === 'object' && value !== null && Object.keys(value).length > 2)
      ) {
        return value as JsonValue;
      }
    } catch {
      return text;
    }
  }
  return text;
};

/** Python's repr of dictionaries, lists, strings, numbers, True, False and None; undefined if it is something else. */
const python = (text: string): JsonValue | undefined => {
  let at = 0;
  const blank = (): void => {
    while (text[at] === ' ' || text[at] === '\n') at += 1;
  };
  const value = (depth: number): JsonValue => {
    blank();
    const sign = text[at];
    if (depth > 32) throw new SyntaxError('too deep');
    if (sign === '{') {
      at += 1;
      const map: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
      for (;;) {
        blank();
        if (text[at] === '}') break;
        const key = value(depth + 1);
        blank();
        if (text[at] !== ':') throw new SyntaxError('colon');
        at += 1;
        map[typeof key === 'object' ? JSON.stringify(key) : String(key)] = value(depth + 1);
        blank();
        if (text[at] === ',') at += 1;
      }
      at += 1;
      return map;
    }
    if (sign === '[' || sign === '(') {
      const end = sign === '[' ? ']' : ')';
      at += 1;
      const list: JsonValue[] = [];
      for (;;) {
        blank();
        if (text[at] === end) break;
        list.push(value(depth + 1));
        blank();
        if (text[at] === ',') at += 1;
      }
      at += 1;
      return list;
    }
    if (sign === "'" || sign === '"') {
      let out = '';
      at += 1;
      while (text[at] !== sign) {
        if (at >= text.length) throw new SyntaxError('string');
        if (text[at] === '\\') {
          at += 1;
          const escape = text[at] ?? '';
          out += escape === 'n' ? '\n' : escape === 't' ? '\t' : escape;
        } else {
          out += text[at] ?? '';
        }
        at += 1;
      }
      at += 1;
      return out;
    }
    const word = /^[A-Za-z0-9_.+-]+/.exec(text.slice(at, at + 64))?.[0];
    if (word === undefined) throw new SyntaxError('word');
    at += word.length;
    return word === 'None' ? null : word === 'True' ? true : word === 'False' ? false : word;
  };
  try {
    const result = value(0);
    blank();
    return at === text.length ? result : undefined;
  } catch {
    return undefined;
  }
};
