// `args`: for the tools named, every argument listed meets its constraint (SPEC.md section 9); `closed` refuses any
// other argument.
import {
  describeConstraint,
  encodeConstraint,
  parseConstraint,
  type Constraint,
} from '../args/constraint.ts';
import { ownOf } from '../bare.ts';
import { MALFORMED, type Cbor } from '../cbor/index.ts';
import { deny } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { matchesAny } from '../patterns.ts';
import { isName } from '../token/names.ts';
import { argsCheck } from './args-check.ts';
import { NOT_APPLICABLE, type RestrictionKind } from './kind.ts';
import { fail, listWords, readTools, writeTools } from './name-list.ts';

/** For the tools named: every argument listed meets its constraint; `closed` refuses any other argument. */
export interface ArgsCaveat {
  readonly type: 'args';
  readonly tools: readonly string[];
  readonly args: ReadonlyMap<string, Constraint>;
  readonly closed: boolean;
}

/** What it asks, as text: one line an argument. */
function lines(c: ArgsCaveat): readonly string[] {
  const each = [...c.args].map(([name, constraint]) => `${name} ${describeConstraint(constraint)}`);
  return c.closed ? [...each, 'no other argument'] : each;
}

export const args: RestrictionKind<
  ArgsCaveat,
  {
    /** For the tools named, arguments within constraints; `closed` refuses arguments that are not listed. */
    readonly args: (
      tools: readonly string[],
      args: { readonly [name: string]: Constraint },
      options?: { readonly closed?: boolean | undefined },
    ) => ArgsCaveat;
  }
> = {
  type: 'args',
  number: 5,
  mayAppend: true,
  make: {
    args: (tools, constraints, options) => ({
      type: 'args',
      tools,
      args: new Map(Object.entries(constraints)),
      closed: (options === undefined ? undefined : ownOf(options, 'closed')) ?? false,
    }),
  },
  write(c) {
    const out = new Map<string, Cbor>();
    for (const [name, constraint] of c.args) {
      out.set(isName(name) ? name : fail('args: expected argument names'), encodeConstraint(constraint));
    }
    if (typeof c.closed !== 'boolean') fail('args closed: expected true or false');
    if (out.size === 0 && !c.closed) fail('args: expected a constraint, or closed');
    if (out.size > LIMITS.listItems) fail(`args: expected at most ${LIMITS.listItems} arguments`);
    return [writeTools('args tools', c.tools), out, c.closed];
  },
  read(r) {
    r.array(3);
    const tools = readTools(r);
    const map = r.value();
    if (!(map instanceof Map) || map.size > LIMITS.listItems) throw MALFORMED;
    const found = new Map<string, Constraint>();
    for (const [name, value] of map) {
      const constraint = parseConstraint(value);
      if (typeof name !== 'string' || !isName(name) || constraint === null) throw MALFORMED;
      found.set(name, constraint);
    }
    const closed = r.simple();
    if (closed === null || (found.size === 0 && !closed)) throw MALFORMED;
    return { type: 'args', tools, args: found, closed };
  },
  decidedBy: 'call',
  check(c, { call, work }, i) {
    if (!matchesAny(c.tools, call.tool)) return NOT_APPLICABLE;
    const wrong = argsCheck(c)(call.args.value, work);
    return wrong === null ? null : deny('argument_refused', wrong, i);
  },
  words: (c) => `for ${listWords(c.tools, 'no tool')}: ${lines(c).join('; ') || 'anything'}`,
  limits: (c) => lines(c).map((line) => `${c.tools.join(', ')}: ${line}`),
};
