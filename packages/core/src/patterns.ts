// Tool names, tool patterns and data labels (docs/design.md section 3). All three are plain text over a small
// alphabet, compared byte for byte: no case folding, no Unicode, no regular expressions on the hot path
// (attacks C7, G1).
//
//   name     segments of [A-Za-z0-9_-] joined by `.` or `/`              web_search, mcp/files.read
//   a.b      exactly that name
//   a.*      `a.` and one or more further segments                       a.b, a.b.c, a.b/c; not a, not a/b
//   a/*      `a/` and one or more further segments
//   web_*    the rest of the last segment, which may be empty            web_, web_search; not web_.x
//   *        any name of one segment; no pattern means "every tool"
//
// That the rest may be empty keeps `deny code_exec*` from sparing `code_exec` itself.
import { LIMITS } from './limits.ts';

// What a character is in a name: 1 in a segment, 2 a separator, 0 refused.
const SEGMENT = 1;
const SEPARATOR = 2;
const NAME_CHARS = new Uint8Array(128);
// In a label: the same segments and dots, joined by colons.
const LABEL_CHARS = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-') {
  NAME_CHARS[char.charCodeAt(0)] = SEGMENT;
  LABEL_CHARS[char.charCodeAt(0)] = SEGMENT;
}
NAME_CHARS[0x2e] = SEPARATOR;
NAME_CHARS[0x2f] = SEPARATOR;
LABEL_CHARS[0x2e] = SEGMENT;
LABEL_CHARS[0x3a] = SEPARATOR;

/** Whether `text` from `start` to `end` is non-empty segments joined by single separators. */
function isSegments(chars: Uint8Array, text: string, start: number, end: number): boolean {
  let before = SEPARATOR;
  for (let i = start; i < end; i++) {
    const c = text.charCodeAt(i);
    const kind = c < 128 ? chars[c]! : 0;
    if (kind === 0 || (kind === SEPARATOR && before === SEPARATOR)) return false;
    before = kind;
  }
  return before === SEGMENT;
}

/** Whether `text` is a tool name of at most LIMITS.nameBytes. Aliases are mapped by adapters before this. */
export function isToolName(text: string): boolean {
  return text.length <= LIMITS.nameBytes && isSegments(NAME_CHARS, text, 0, text.length);
}

/** Whether `text` is a pattern for tool names, of at most LIMITS.nameBytes. */
export function isToolPattern(text: string): boolean {
  return text.charCodeAt(text.length - 1) === 0x2a ? readPattern(text) !== null : isToolName(text);
}

// A pattern is one of three sets of names. `tree`: longer names that begin with `prefix`, which ends in a
// separator. `segment`: names that are `prefix` and then no further separator; the prefix may be empty.
interface Pattern {
  readonly kind: 'exact' | 'tree' | 'segment';
  readonly prefix: string;
}

function readPattern(text: string): Pattern | null {
  const end = text.length - 1;
  if (text.length > LIMITS.nameBytes) return null;
  if (text.charCodeAt(end) !== 0x2a) return isToolName(text) ? { kind: 'exact', prefix: text } : null;
  const prefix = text.slice(0, end);
  if (prefix === '') return { kind: 'segment', prefix };
  const last = prefix.charCodeAt(end - 1);
  if (last === 0x2e || last === 0x2f) {
    return isSegments(NAME_CHARS, text, 0, end - 1) ? { kind: 'tree', prefix } : null;
  }
  return isSegments(NAME_CHARS, text, 0, end) ? { kind: 'segment', prefix } : null;
}

function requirePattern(text: string): Pattern {
  const pattern = readPattern(text);
  if (pattern === null)
    throw new TypeError('tool pattern: expected a name, or a name that ends in .*, /* or *');
  return pattern;
}

const write = ({ kind, prefix }: Pattern): string => (kind === 'exact' ? prefix : `${prefix}*`);

/** Whether `text` has only segment characters from `start` on. */
function isRest(text: string, start: number): boolean {
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 128 || NAME_CHARS[c] !== SEGMENT) return false;
  }
  return true;
}

function matches({ kind, prefix }: Pattern, tool: string): boolean {
  if (tool.length > LIMITS.nameBytes || !tool.startsWith(prefix)) return false;
  if (kind === 'exact') return tool.length === prefix.length;
  if (kind === 'tree') return isSegments(NAME_CHARS, tool, prefix.length, tool.length);
  return tool !== '' && isRest(tool, prefix.length);
}

/** Whether `pattern` names `tool`. False for what is no tool name. Throws TypeError for a malformed pattern. */
export function matchTool(pattern: string, tool: string): boolean {
  return matches(requirePattern(pattern), tool);
}

/** Whether one of `patterns`, all of them well-formed, names `tool`: a scan, for the short lists of a token. */
export function matchesAny(patterns: readonly string[], tool: string): boolean {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i]!;
    const wild = pattern.charCodeAt(pattern.length - 1) === 0x2a;
    if (wild ? matches(requirePattern(pattern), tool) : pattern === tool) return true;
  }
  return false;
}

/**
 * One test for a list of patterns; an empty list names nothing. Throws TypeError for a malformed pattern, since
 * leaving it out would open a deny list. The test is false for what is no tool name: check that first.
 */
export function compileTools(patterns: readonly string[]): (tool: string) => boolean {
  const exact = new Set<string>();
  const wild: Pattern[] = [];
  for (const text of patterns) {
    const pattern = requirePattern(text);
    if (pattern.kind === 'exact') exact.add(pattern.prefix);
    else wild.push(pattern);
  }
  if (wild.length === 0) return (tool) => exact.has(tool);
  return (tool) => {
    if (exact.has(tool)) return true;
    for (let i = 0; i < wild.length; i++) if (matches(wild[i]!, tool)) return true;
    return false;
  };
}

/** Whether every name of `b` is one of `a`. */
function covers(a: Pattern, b: Pattern): boolean {
  if (b.kind === 'exact') return matches(a, b.prefix);
  if (a.kind === 'exact' || !b.prefix.startsWith(a.prefix)) return false;
  // A tree holds all that begins with its prefix; a segment holds no name with a further separator.
  return a.kind === 'tree' || (b.kind === 'segment' && isRest(b.prefix, a.prefix.length));
}

/** The names of both patterns. Either one holds the other or they share nothing: the language is closed. */
function intersect(a: Pattern, b: Pattern): Pattern | null {
  if (covers(a, b)) return b;
  return covers(b, a) ? a : null;
}

/**
 * The patterns that name exactly the tools that both lists name, without repetitions. For displays
 * (`effectiveAuthority`, `diff`); enforcement evaluates every caveat on its own (law L1). Throws TypeError for a
 * malformed pattern.
 */
export function intersectTools(a: readonly string[], b: readonly string[]): readonly string[] {
  const left = a.map(requirePattern);
  const right = b.map(requirePattern);
  const out: Pattern[] = [];
  for (const x of left) {
    for (const y of right) {
      const both = intersect(x, y);
      if (both === null || out.some((known) => covers(known, both))) continue;
      const kept = out.filter((known) => !covers(both, known));
      out.length = 0;
      out.push(...kept, both);
    }
  }
  return out.map(write);
}

/**
 * Whether list `a` names every tool that list `b` names: each pattern of `b` lies within one of `a`. (Only a
 * list that spells out all 64 next characters could cover a pattern by several; that is answered with false.)
 * For displays only. Throws TypeError for a malformed pattern.
 */
export function coversTools(a: readonly string[], b: readonly string[]): boolean {
  const left = a.map(requirePattern);
  return b.every((text) => {
    const pattern = requirePattern(text);
    return left.some((known) => covers(known, pattern));
  });
}

/** Whether `text` is a data label: segments of [A-Za-z0-9_.-] joined by `:`, at most LIMITS.nameBytes. */
export function isLabel(text: string): boolean {
  return text.length <= LIMITS.nameBytes && isSegments(LABEL_CHARS, text, 0, text.length);
}

/** Whether a label lies under a scope: `internal` covers `internal` and `internal:research`, not `internals`. */
export const matchLabel = (scope: string, label: string): boolean =>
  isLabel(label) && isLabel(scope) && isUnder(scope, label);

/** The same of two labels that have been checked: a token's own are when it is read. */
export const isUnder = (scope: string, label: string): boolean =>
  label.startsWith(scope) && (label.length === scope.length || label.charCodeAt(scope.length) === 0x3a);
