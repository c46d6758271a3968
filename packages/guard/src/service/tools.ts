// What a service says of its own tools, looked up for each call: by name, else by the first pattern that matches. A
// tool that is not listed is refused, whatever a token grants (law L2).
import { intersectTools, isLabel, isToolPattern, matchTool, nearest, type Problems } from '@ambit/core';
import { isAmount } from '../amount.ts';
import type { BehaviorFacts } from '../behavior/tools.ts';
import type { ToolKnowledge } from '../contract.ts';

/** One tool, or all that a pattern matches. `untrusted` and `writes` are for `flow` caveats; absent: the worst. */
export interface ListedTool extends ToolKnowledge, BehaviorFacts {
  /**
   * Labels of the data it touches; `[]` for none. Every token has a data scope, so with unknown labels no call would be
   * allowed, whatever the token grants (SPEC section 6, `data_unknown`).
   */
  readonly data: readonly string[];
}

const FIELDS: Readonly<Record<keyof ListedTool, true>> = {
  external: true,
  data: true,
  price: true,
  untrusted: true,
  writes: true,
  shape: true,
};

/** Tools by name or pattern. */
export type ListedTools = Readonly<Record<string, ListedTool>>;

/** Finds a tool; null when it is not listed. */
export type FindTool = (tool: string) => ListedTool | null;

// `{ tokens: { most: 8000, least: 100 } }`: what a call is charged before it runs, and the least that it keeps.
function isPrices(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((price: unknown) => {
    if (typeof price !== 'object' || price === null) return false;
    const { most, least } = price as { readonly most?: unknown; readonly least?: unknown };
    return isAmount(most) && isAmount(least) && least <= most;
  });
}

/** Checks the list and makes the search. */
export function findIn(tools: ListedTools, problems: Problems): FindTool {
  const names = Object.keys(tools);
  if (names.length === 0)
    problems.add('tools', 'expected at least one; a tool that is not listed is refused');
  for (const name of names) {
    if (!isToolPattern(name)) problems.add('tools', `"${name}" is no tool name and no pattern`);
    const tool: unknown = tools[name];
    if (typeof tool !== 'object' || tool === null) {
      problems.add('tools', `"${name}": expected what it touches, such as { data: ['internal'] }`);
      continue;
    }
    for (const field of Object.keys(tool))
      if (!Object.hasOwn(FIELDS, field))
        problems.add(
          'tools',
          `"${name}": ${field.slice(0, 64)}: no such field; known: ${Object.keys(FIELDS).join(', ')}`,
        );
    const { external, data, price }: Partial<ListedTool> = tool;
    if (external !== undefined && typeof external !== 'boolean')
      problems.add('tools', `"${name}": external: expected true or false`);
    // Not a default: `[]` would let any token reach what nobody classified, and the worst lets nobody in.
    if (data === undefined)
      problems.add(
        'tools',
        `"${name}": data: expected the labels of what it touches, such as ['internal'], or [] for none; without them every call is refused`,
      );
    else if (!(Array.isArray(data) && data.every((l) => typeof l === 'string' && isLabel(l))))
      problems.add('tools', `"${name}": data: expected a list of labels`);
    if (price !== undefined && !isPrices(price))
      problems.add(
        'tools',
        `"${name}": price: expected whole numbers by unit, such as { tokens: { most: 8000, least: 100 } }`,
      );
  }
  const listed = new Map(names.map((name) => [name, Object.freeze({ ...tools[name]! })]));
  return (tool) => {
    const exact = listed.get(tool);
    if (exact !== undefined) return exact;
    for (const [pattern, known] of listed) if (matchTool(pattern, tool)) return known;
    return null;
  };
}

/**
 * Notes every name or pattern of `field` that matches none of the tools: a misspelled one would silently not apply, and
 * the tool that was meant would go without what the option asks for.
 */
export function checkNamed(
  field: string,
  patterns: readonly string[],
  tools: ListedTools,
  problems: Problems,
): void {
  const names = Object.keys(tools).filter(isToolPattern);
  for (const pattern of patterns) {
    if (intersectTools([pattern], names).length > 0) continue;
    const near = nearest(pattern, names);
    const hint = near === null ? `known: ${names.join(', ')}` : `did you mean ${near}?`;
    problems.add(field, `${pattern} is none of this service's tools; ${hint}`);
  }
}
