// `flow`: after untrusted content has come into the session, the tools named are refused, or need more.
import { MALFORMED } from '../cbor/index.ts';
import { deny, shortList } from '../codes.ts';
import { matchesAny } from '../patterns.ts';
import { NOT_APPLICABLE, type RestrictionKind } from './kind.ts';
import { fail, listWords, readTools, writeTools } from './name-list.ts';

/** What a `flow` caveat asks of its tools once untrusted content is in the session. */
export type FlowRule = 'refuse' | 'named' | 'approval';

/** After untrusted content has come into the session, the tools named are refused, or need more. */
export interface FlowCaveat {
  readonly type: 'flow';
  readonly tools: readonly string[];
  readonly rule: FlowRule;
}

/** In the order of their numbers on the wire: 1 to 3. */
const RULES: readonly FlowRule[] = ['refuse', 'named', 'approval'];

const WORDS: { readonly [R in FlowRule]: string } = {
  refuse: 'refuse',
  named: 'only named destinations for',
  approval: 'approval for',
};

export const flow: RestrictionKind<
  FlowCaveat,
  {
    /** After untrusted content these tools are refused, need a named destination, or need approval. */
    readonly flow: (rule: FlowRule, ...tools: readonly string[]) => FlowCaveat;
  }
> = {
  type: 'flow',
  number: 15,
  mayAppend: true,
  make: { flow: (rule, ...tools) => ({ type: 'flow', rule, tools }) },
  write: (c) => [
    writeTools('flow tools', c.tools),
    RULES.includes(c.rule) ? RULES.indexOf(c.rule) + 1 : fail('flow: expected refuse, named or approval'),
  ],
  read(r) {
    r.array(2);
    const tools = readTools(r);
    const rule = RULES[r.uint() - 1];
    if (rule === undefined) throw MALFORMED;
    return { type: 'flow', tools, rule };
  },
  decidedBy: 'call',
  check(c, { call, facts }, i) {
    if (!matchesAny(c.tools, call.tool)) return NOT_APPLICABLE;
    const { flow: seen } = facts;
    if (seen === undefined) return deny('fact_missing', 'what has come into the session', i);
    if (seen.untrusted.length === 0 || seen.approved) return null;
    const untrusted = `untrusted: ${shortList(seen.untrusted)}`;
    if (c.rule === 'approval') return deny('approval_required', untrusted, i);
    if (c.rule === 'named' && seen.destinationsNamed) return null;
    return deny('flow_refused', untrusted, i);
  },
  words: (c) => `after untrusted content: ${WORDS[c.rule]} ${listWords(c.tools, 'no tool')}`,
  limits: (c) => [`${c.rule} after untrusted content: ${c.tools.join(', ')}`],
};
