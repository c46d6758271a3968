// The mechanical policy: which token a task gets, from the user's prompt and the suite's tool list alone. It knows
// no labels, no ground truth, no injection task and no attack marker. README.md beside it says how it was
// developed and on what it is reported. Reads are granted; an effect is granted where the prompt's words ask for
// it; effects and fetches need a destination that is the user's once untrusted content has come in; a request
// that leaves its effects to a document gets them all, but each needs approval.
import { restrict } from '@ambit/core';
import type { Budget, Restriction } from '@ambit/core';
import { toolShape, wordingOf } from '@ambit/behavior';
import type { ToolDescription, ToolShape } from '@ambit/behavior';
import { daysAsked } from './dates.ts';
import { NOUNS, VERBS, askings, stem, stems } from './lexicon.ts';

/** What a token for one task says. */
export interface TaskPolicy {
  readonly shapes: ReadonlyMap<string, ToolShape>;
  readonly tools: readonly string[];
  readonly budgets: readonly Budget[];
  /** Constraints on arguments. */
  readonly args: readonly Restriction[];
  /** Caveats about information flow. */
  readonly flow: readonly Restriction[];
  /** Tools that the words don't ask for and a document may: each call needs approval. */
  readonly left: ReadonlySet<string>;
}

const NOTHING: ToolDescription = { name: '', params: [] };
const PLURAL_LIMIT = 20;
const IRREVERSIBLE: ReadonlySet<string> = new Set(['pay', 'destroy']);
const NUMERALS = /\b(?:two|three|four|five|six|several|them|these|those|twice|multiple|many|some)\b/i;
const QUANTIFIER = /\b(?:all|each|every|everyone|everybody|both|any(?:one)?)\b/i;
const TITLED =
  /\b(?:titled?|called|named|name)\b[^'"\u201c.!?]{0,24}['"\u201c]([^'"\u201d]{2,80})['"\u201d]/gi;
const START_PARAMS = ['start_time', 'start_day', 'new_start_time'];
const TITLE_PARAMS = ['title', 'filename'];

/** The family of a tool's verb: money isn't sent but paid. */
const verbOf = (tool: ToolDescription): string => {
  const segments = tool.name.split('_');
  return segments.includes('money') ? 'pay' : (segments[0] ?? '');
};

const nounsOf = (tool: ToolDescription): readonly string[] =>
  tool.name
    .split('_')
    .slice(1)
    .map((noun) => (noun in NOUNS ? noun : noun.replace(/s$/, '')))
    .filter((noun) => noun in NOUNS);

/**
 * Effects that a text asks for. At each verb: the tools of that verb whose noun follows in the sentence; if none does
 * and the object could be anything, all tools of that verb; else those whose noun stands anywhere in the text.
 * `user`: the text is the user's own, so that "send me" asks for an answer.
 */
export const askedTools = (
  text: string,
  tools: readonly ToolDescription[],
  user = true,
): ReadonlySet<string> => {
  const asked = new Set<string>();
  const words = stems(text);
  const effects = tools.filter((tool) => toolShape(tool).effect);
  for (const asking of askings(text, user)) {
    const same = effects.filter((tool) =>
      (VERBS[verbOf(tool)] ?? [verbOf(tool)]).some((word) => stem(word) === asking.stem),
    );
    const fitting = (within: ReadonlySet<string>): readonly ToolDescription[] =>
      same.filter((tool) => {
        const nouns = nounsOf(tool);
        return (
          nouns.length === 0 ||
          nouns.some((noun) => (NOUNS[noun] ?? []).some((word) => within.has(stem(word))))
        );
      });
    const near =
      same.length === 1 && stem(verbOf(same[0] ?? tools[0] ?? NOTHING)) === asking.stem
        ? same
        : fitting(asking.clause);
    for (const tool of near.length > 0 ? near : asking.generic ? same : fitting(words)) asked.add(tool.name);
  }
  return asked;
};

/**
 * How many calls the request asks for: its verbs are counted, plurals and quantifiers stand for up to 20. What costs
 * money or destroys gets exactly that; anything else one more, since a refused or failed call is charged too.
 */
const limitOf = (tool: ToolDescription, prompt: string): number => {
  const nouns = tool.name
    .split('_')
    .slice(1)
    .flatMap((noun) => NOUNS[noun] ?? NOUNS[noun.replace(/s$/, '')] ?? [noun]);
  if (QUANTIFIER.test(prompt) || NUMERALS.test(prompt) || wordingOf(prompt).delegating) return PLURAL_LIMIT;
  const said: string[] = prompt.toLowerCase().match(/[a-z]+/g) ?? [];
  if (nouns.some((noun) => said.includes(`${noun}s`) || said.includes(`${noun.replace(/y$/, 'ie')}s`)))
    return PLURAL_LIMIT;
  const family = new Set((VERBS[verbOf(tool)] ?? [verbOf(tool)]).map(stem));
  const retry = IRREVERSIBLE.has(toolShape(tool).class) ? 0 : 1;
  return Math.max(1, said.filter((word) => family.has(stem(word))).length) + retry;
};

/** Titles that the user quotes become a pattern; `{hotel_name}` is what the agent fills in. */
const titlePattern = (titles: readonly string[]): string =>
  titles
    .map((title) =>
      title
        .split(/\{[^}]*\}/)
        .map((part) => part.replace(/[^A-Za-z0-9 ]/g, (sign) => `\\${sign}`))
        .join('.{1,80}'),
    )
    .join('|');

/** Makes the policy of one task. */
export const policyFor = (prompt: string, tools: readonly ToolDescription[]): TaskPolicy => {
  const asked = askedTools(prompt, tools);
  const { delegating } = wordingOf(prompt);
  const titles = [...prompt.matchAll(TITLED)]
    .map((match) => match[1] ?? '')
    .filter((title) => /^[\x20-\x7e]+$/.test(title));
  const shapes = new Map(tools.map((tool) => [tool.name, toolShape(tool)]));
  const effects = tools.filter((tool) => shapes.get(tool.name)?.effect === true);
  const granted = effects.filter((tool) => delegating || asked.has(tool.name));
  const left = granted.filter((tool) => !asked.has(tool.name)).map((tool) => tool.name);
  const watched = [
    ...granted.map((tool) => tool.name),
    ...tools.filter((tool) => shapes.get(tool.name)?.class === 'fetch').map((tool) => tool.name),
  ];
  const args: Restriction[] = [];
  for (const tool of granted) {
    const param = tool.params.find((name) => TITLE_PARAMS.includes(name));
    if (titles.length > 0 && param !== undefined) {
      args.push(restrict.args([tool.name], { [param]: { kind: 'pattern', pattern: titlePattern(titles) } }));
    }
    const when = tool.params.find((name) => START_PARAMS.includes(name));
    const family = new Set((VERBS[verbOf(tool)] ?? [verbOf(tool)]).map(stem));
    const days =
      when === undefined
        ? []
        : daysAsked(prompt, (sentence) => askings(sentence).some((asking) => family.has(asking.stem)));
    if (when !== undefined && days.length > 0) {
      args.push(restrict.args([tool.name], { [when]: { kind: 'pattern', pattern: days.join('|') } }));
    }
  }
  return {
    shapes,
    tools: [...tools.filter((tool) => shapes.get(tool.name)?.effect === false), ...granted].map(
      (tool) => tool.name,
    ),
    budgets: granted
      .slice(0, 16)
      .map((tool) => ({ unit: 'calls', limit: limitOf(tool, prompt), tools: [tool.name] })),
    args,
    flow: [
      ...(watched.length > 0 ? [restrict.flow('named', ...watched)] : []),
      ...(left.length > 0 ? [restrict.flow('approval', ...left)] : []),
    ],
    left: new Set(left),
  };
};
