// `deny`: the tool matches none of these patterns.
import { deny as denial, type Denial } from '../codes.ts';
import { matchesAny } from '../patterns.ts';
import type { RestrictionKind } from './kind.ts';
import { listWords, readTools, writeTools } from './name-list.ts';

/** The tool matches none of these patterns. */
export interface DenyCaveat {
  readonly type: 'deny';
  readonly tools: readonly string[];
}

/** Whether the tool is not among those refused; the grant asks the same. */
export const outsideTools = (tools: readonly string[], tool: string, i: number): Denial | null =>
  matchesAny(tools, tool) ? denial('tool_denied', `denied: ${tool}`, i) : null;

export const deny: RestrictionKind<
  DenyCaveat,
  {
    /** No tool that matches one of the patterns. */
    readonly deny: (...tools: readonly string[]) => DenyCaveat;
  }
> = {
  type: 'deny',
  number: 4,
  mayAppend: true,
  make: { deny: (...tools) => ({ type: 'deny', tools }) },
  write: (c) => writeTools('deny', c.tools),
  read: (r) => ({ type: 'deny', tools: readTools(r) }),
  decidedBy: 'call',
  check: (c, { call }, i) => outsideTools(c.tools, call.tool, i),
  words: (c) => `never ${listWords(c.tools, 'nothing')}`,
  limits: () => [],
};
