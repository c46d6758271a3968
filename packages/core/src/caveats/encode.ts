// The bytes of a caveat: canonical CBOR [type, body] (SPEC.md, "Caveats"). What can't be written as asked is
// an AmbitError `input_invalid` that names the field.
import { encodeConstraint } from '../args/constraint.ts';
import { isCidr } from '../args/cidr.ts';
import { encode, type Cbor } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { isLabel, isToolPattern } from '../patterns.ts';
import { budgetToCbor, requireBudget } from '../token/budget.ts';
import { isList } from '../token/lists.ts';
import { isName, isNote } from '../token/names.ts';
import { CAVEAT_TYPES, type Caveat, type FlowRule } from './caveat.ts';
import { isMethod, isPathPattern } from './forms.ts';

/** Wire numbers of the flow rules. */
export const FLOW_RULES: readonly FlowRule[] = Object.freeze(['refuse', 'named', 'approval']);

const fail = (what: string): never => {
  throw new AmbitError('input_invalid', `${what}.`);
};

function list(what: string, items: readonly string[], valid: (text: string) => boolean): readonly string[] {
  if (!isList(items, valid)) fail(`${what}: expected at most ${LIMITS.listItems} of the right form`);
  return items;
}

// Where no item would mean no restriction, a list without items is refused: it can't have been meant (law L2).
function some(what: string, tools: readonly string[]): readonly string[] {
  return tools.length > 0 ? list(what, tools, isToolPattern) : fail(`${what}: expected one or more`);
}

function whole(what: string, n: number): number {
  if (!Number.isSafeInteger(n) || n < 0) fail(`${what}: expected a whole number`);
  return n;
}

function body(c: Caveat): Cbor {
  switch (c.type) {
    case 'time':
      if (c.notBefore === undefined && c.expires === undefined) fail('time: expected not-before or expires');
      return [
        c.notBefore === undefined ? null : whole('not before', c.notBefore),
        c.expires === undefined ? null : whole('expires', c.expires),
      ];
    case 'audience':
      return list('audience', c.audiences, isName);
    case 'tools':
      return list('tools', c.tools, isToolPattern);
    case 'deny':
      return some('deny', c.tools);
    case 'args': {
      const args = new Map<string, Cbor>();
      for (const [name, constraint] of c.args) {
        args.set(isName(name) ? name : fail('args: expected argument names'), encodeConstraint(constraint));
      }
      if (args.size === 0 && !c.closed) fail('args: expected a constraint, or closed');
      return [some('args tools', c.tools), args, c.closed];
    }
    case 'data':
      return list('data', c.labels, isLabel);
    case 'budget':
      if (c.budgets.length > LIMITS.counters) fail(`budget: at most ${LIMITS.counters} entries`);
      return c.budgets.map((b) => budgetToCbor(requireBudget(b, false)));
    case 'depth':
      return whole('depth', c.delegations);
    case 'delegate':
      return [c.fields, c.signature];
    case 'seal':
      return [c.key, c.signature];
    case 'http':
      return [list('http methods', c.methods, isMethod), list('http paths', c.paths, isPathPattern)];
    case 'net':
      return list('net', c.cidrs, isCidr);
    case 'once':
      return null;
    case 'note':
      return isNote(c.text) ? c.text : fail('note: expected 1 to 1024 printable bytes');
    case 'flow':
      return [some('flow tools', c.tools), FLOW_RULES.indexOf(c.rule) + 1];
  }
}

/** The one encoding of a caveat. */
export function encodeCaveat(c: Caveat): Uint8Array {
  if (!Object.hasOwn(CAVEAT_TYPES, c.type)) fail('caveat: expected a known type');
  return encode([CAVEAT_TYPES[c.type], body(c)]);
}
