// `tools`: the tool matches one of these patterns.
import { deny, type Denial } from '../codes.ts';
import { isToolPattern, matchesAny } from '../patterns.ts';
import { readList } from '../token/lists.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, writeList } from './name-list.ts';

/** The tool matches one of these patterns. */
export interface ToolsCaveat {
  readonly type: 'tools';
  readonly tools: readonly string[];
}

/** Whether the tool is among those allowed; the grant asks the same. */
export const withinTools = (tools: readonly string[], tool: string, i: number): Denial | null =>
  matchesAny(tools, tool) ? null : deny('tool_not_granted', allowedTools(tools), i);

const allowedTools = (tools: readonly string[]): string =>
  tools.length === 0
    ? 'it allows none'
    : `allowed: ${tools.slice(0, 8).join(', ')}${tools.length > 8 ? ', ...' : ''}`;

export const tools: RestrictionKind<
  ToolsCaveat,
  {
    /** Only tools that match one of the patterns. */
    readonly tools: (...tools: readonly string[]) => ToolsCaveat;
  }
> = {
  type: 'tools',
  number: 3,
  mayAppend: true,
  make: { tools: (...patterns) => ({ type: 'tools', tools: patterns }) },
  write: (c) => writeList('tools', c.tools, isToolPattern),
  read: (r) => ({ type: 'tools', tools: readList(r, isToolPattern) }),
  decidedBy: 'call',
  check: (c, { call }, i) => withinTools(c.tools, call.tool, i),
  words: (c) => `only ${listWords(c.tools, 'no tool')}`,
  limits: () => [],
};
