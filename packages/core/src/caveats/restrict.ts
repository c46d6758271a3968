// Short ways to write restrictions: `attenuate(token, restrict.tools('web_search'), restrict.calls(5))`.
import type { Constraint } from '../args/constraint.ts';
import type { Budget } from '../token/budget.ts';
import type {
  ArgsCaveat,
  AudienceCaveat,
  BudgetCaveat,
  DataCaveat,
  DenyCaveat,
  DepthCaveat,
  FlowCaveat,
  FlowRule,
  HttpCaveat,
  NetCaveat,
  NoteCaveat,
  OnceCaveat,
  TimeCaveat,
  ToolsCaveat,
} from './caveat.ts';

/** Makers of restrictions; each checks nothing, the encoder checks all. Times are Unix seconds. */
export const restrict: {
  /** Only tools that match one of the patterns. */
  readonly tools: (...tools: readonly string[]) => ToolsCaveat;
  /** No tool that matches one of the patterns. */
  readonly deny: (...tools: readonly string[]) => DenyCaveat;
  /** Not at or after this time. */
  readonly expires: (at: number) => TimeCaveat;
  /** Not before this time. */
  readonly notBefore: (at: number) => TimeCaveat;
  /** Only at these services. */
  readonly audience: (...audiences: readonly string[]) => AudienceCaveat;
  /** For the tools named, arguments within constraints; `closed` refuses arguments that are not listed. */
  readonly args: (
    tools: readonly string[],
    args: { readonly [name: string]: Constraint },
    options?: { readonly closed?: boolean },
  ) => ArgsCaveat;
  /** Only data under these labels. */
  readonly data: (...labels: readonly string[]) => DataCaveat;
  /** Within all of these counters. */
  readonly budget: (...budgets: readonly Budget[]) => BudgetCaveat;
  /** At most so many calls in all. */
  readonly calls: (limit: number) => BudgetCaveat;
  /** At most so many calls that go outside. */
  readonly externalCalls: (limit: number) => BudgetCaveat;
  /** At most so much, summed over a numeric argument. */
  readonly sum: (argument: string, limit: number, tools?: readonly string[]) => BudgetCaveat;
  /** No more than so many delegations follow. */
  readonly depth: (delegations: number) => DepthCaveat;
  /** Only these methods on these paths (exact, or ending in `/*`). */
  readonly http: (methods: readonly string[], paths: readonly string[]) => HttpCaveat;
  /** Only from these networks. */
  readonly net: (...cidrs: readonly string[]) => NetCaveat;
  /** One use, by anybody, of any token that carries this caveat. */
  readonly once: () => OnceCaveat;
  /** A purpose, for people and the log. */
  readonly note: (text: string) => NoteCaveat;
  /** After untrusted content these tools are refused, need a named destination, or need approval. */
  readonly flow: (rule: FlowRule, ...tools: readonly string[]) => FlowCaveat;
} = Object.freeze({
  tools: (...tools: readonly string[]): ToolsCaveat => ({ type: 'tools', tools }),
  deny: (...tools: readonly string[]): DenyCaveat => ({ type: 'deny', tools }),
  expires: (at: number): TimeCaveat => ({ type: 'time', expires: at }),
  notBefore: (at: number): TimeCaveat => ({ type: 'time', notBefore: at }),
  audience: (...audiences: readonly string[]): AudienceCaveat => ({ type: 'audience', audiences }),
  args: (
    tools: readonly string[],
    args: { readonly [name: string]: Constraint },
    options?: { readonly closed?: boolean },
  ): ArgsCaveat => ({
    type: 'args',
    tools,
    args: new Map(Object.entries(args)),
    closed: options?.closed ?? false,
  }),
  data: (...labels: readonly string[]): DataCaveat => ({ type: 'data', labels }),
  budget: (...budgets: readonly Budget[]): BudgetCaveat => ({ type: 'budget', budgets }),
  calls: (limit: number): BudgetCaveat => ({ type: 'budget', budgets: [{ unit: 'calls', limit }] }),
  externalCalls: (limit: number): BudgetCaveat => ({
    type: 'budget',
    budgets: [{ unit: 'external', limit }],
  }),
  sum: (argument: string, limit: number, tools?: readonly string[]): BudgetCaveat => ({
    type: 'budget',
    budgets: [{ unit: 'sum', argument, limit, ...(tools === undefined ? {} : { tools }) }],
  }),
  depth: (delegations: number): DepthCaveat => ({ type: 'depth', delegations }),
  http: (methods: readonly string[], paths: readonly string[]): HttpCaveat => ({
    type: 'http',
    methods,
    paths,
  }),
  net: (...cidrs: readonly string[]): NetCaveat => ({ type: 'net', cidrs }),
  once: (): OnceCaveat => ({ type: 'once' }),
  note: (text: string): NoteCaveat => ({ type: 'note', text }),
  flow: (rule: FlowRule, ...tools: readonly string[]): FlowCaveat => ({ type: 'flow', rule, tools }),
});
