// Argument constraints as people write them after `--arg`: `[TOOL:] NAME RULE`. Each form is one of core's
// constraints, which check what they are given; a constraint without such a form is written as core's JSON.
//
//   path under /srv /data          q length 1..200            amount at most 10000     amount at least 1
//   amount between 1 and 10        currency is "EUR"          currency in EUR CHF      q matches [a-z ]+
//   link url docs.acme.com *.acme.org                         ip network 10.0.0.0/8    to email acme.com
//   paths each under /srv          debug absent               link {"kind":"url","schemes":["http"],"hosts":["a.b"]}
import { isToolPattern, parseJson, restrict, type CaveatOf, type Constraint, type Json } from '@ambit/core';
import { usage } from '../failure.ts';

const EXAMPLE = "--arg 'path under /srv'; see `ambit help arguments`";

/** One argument's rule, and the tools it is for (null: all that are left). */
interface Rule {
  readonly tool: string | null;
  readonly name: string;
  readonly constraint: Constraint;
}

// A word is a JSON text in quotes, or anything without blanks.
const words = (text: string): string[] => text.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];

/** A value: JSON where it is JSON, otherwise the word itself as a text. */
function valueOf(word: string): Json {
  const read = parseJson(word);
  if (read.ok) return read.value;
  if (/^["[{]/.test(word)) throw usage(`--arg: ${word} is not JSON: ${read.reason}`);
  return word;
}

function numberOf(word: string | undefined, rule: string): number {
  const value = word === undefined ? undefined : valueOf(word);
  if (typeof value !== 'number') throw usage(`--arg "${rule}": expected a number`, EXAMPLE);
  return value;
}

function constraintOf(text: string, rule: string): Constraint {
  const all = words(text);
  const [verb = '', ...rest] = all;
  const after = (n: number): string => all.slice(n).join(' ');
  const some = (list: readonly string[]): readonly string[] => {
    if (list.length === 0) throw usage(`--arg "${rule}": nothing follows "${verb}"`, EXAMPLE);
    return list;
  };
  if (text.startsWith('{')) return fromJson(text, rule);
  switch (verb) {
    case 'under':
      return { kind: 'subpath', roots: some(rest) };
    case 'is':
      some(rest);
      return {
        kind: 'equals',
        value: valueOf(rest.length === 1 ? rest[0]! : text.slice(text.indexOf('is') + 2).trim()),
      };
    case 'in':
      return { kind: 'oneOf', values: some(rest).map(valueOf) };
    case 'at':
      if (rest.length === 2 && rest[0] === 'most') return { kind: 'range', max: numberOf(rest[1], rule) };
      if (rest.length === 2 && rest[0] === 'least') return { kind: 'range', min: numberOf(rest[1], rule) };
      break;
    case 'between':
      if (rest.length === 3 && rest[1] === 'and')
        return { kind: 'range', min: numberOf(rest[0], rule), max: numberOf(rest[2], rule) };
      break;
    case 'length': {
      const m = /^(\d*)\.\.(\d*)$/.exec(after(1));
      if (m === null || m[0] === '..') break;
      return {
        kind: 'length',
        ...(m[1] === '' ? {} : { min: Number(m[1]) }),
        ...(m[2] === '' ? {} : { max: Number(m[2]) }),
      };
    }
    case 'matches':
      // To the end of the text, blanks included.
      return { kind: 'pattern', pattern: text.slice(text.indexOf('matches') + 8) };
    case 'url':
      return { kind: 'url', hosts: some(rest) };
    case 'network':
      return { kind: 'cidr', networks: some(rest) };
    case 'email':
      return { kind: 'email', domains: some(rest) };
    case 'each':
      return { kind: 'each', constraint: constraintOf(text.slice(text.indexOf('each') + 4).trim(), rule) };
    case 'absent':
      if (rest.length === 0) return { kind: 'absent' };
      break;
    default:
  }
  throw usage(`--arg "${rule}": "${text}" is not understood`, EXAMPLE);
}

function fromJson(text: string, rule: string): Constraint {
  const read = parseJson(text);
  if (!read.ok) throw usage(`--arg "${rule}": not JSON: ${read.reason}`);
  // Checked by core's encoder, which takes nothing for granted about the form.
  return read.value as unknown as Constraint;
}

function ruleOf(text: string): Rule {
  const trimmed = text.trim();
  const m = /^(?:(\S+):\s+)?(\S+)\s+(.+)$/s.exec(trimmed);
  if (m === null) throw usage(`--arg "${text}": expected [TOOL:] NAME RULE`, EXAMPLE);
  const [, tool = null, name = '', rest = ''] = m;
  if (tool !== null && !isToolPattern(tool)) throw usage(`--arg "${text}": ${tool} is not a tool pattern`);
  return { tool, name, constraint: constraintOf(rest, trimmed) };
}

/**
 * The `args` caveats of a list of `--arg` texts: one for each tool pattern named, and one for the rules that name
 * none, over `everyTool`. Two rules for one argument must both hold.
 */
export function argsCaveats(
  texts: readonly string[],
  everyTool: readonly string[],
  closed: boolean,
): readonly CaveatOf<'args'>[] {
  const groups = new Map<string | null, Map<string, Constraint>>();
  for (const text of texts) {
    const { tool, name, constraint } = ruleOf(text);
    const group = groups.get(tool) ?? new Map<string, Constraint>();
    groups.set(tool, group);
    const before = group.get(name);
    group.set(
      name,
      before === undefined
        ? constraint
        : {
            kind: 'all',
            constraints: [...(before.kind === 'all' ? before.constraints : [before]), constraint],
          },
    );
  }
  if (closed && groups.size === 0) groups.set(null, new Map());
  return [...groups].map(([tool, rules]) =>
    restrict.args(tool === null ? everyTool : [tool], Object.fromEntries(rules), { closed }),
  );
}
