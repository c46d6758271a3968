// From the bytes of one caveat to its typed form, in one strict pass. Unknown types, fields and forms throw
// MALFORMED: what is not understood denies (law L2).
import { isCidr } from '../args/cidr.ts';
import { parseConstraint, type Constraint } from '../args/constraint.ts';
import { MALFORMED, TYPE, Reader } from '../cbor/index.ts';
import { LIMITS } from '../limits.ts';
import { isLabel, isToolPattern } from '../patterns.ts';
import { readBudgets } from '../token/budget.ts';
import { readList } from '../token/lists.ts';
import { isName, isNote } from '../token/names.ts';
import {
  CAVEAT_TYPES,
  type ArgsCaveat,
  type Caveat,
  type DelegateCaveat,
  type TimeCaveat,
} from './caveat.ts';
import { FLOW_RULES } from './encode.ts';
import { isMethod, isPathPattern } from './forms.ts';

/** Reads the caveat that fills `r` to its end. Throws MALFORMED. */
export function readCaveat(r: Reader): Caveat {
  r.array(2);
  const caveat = readBody(r.uint(), r);
  r.done();
  return caveat;
}

function readBody(type: number, r: Reader): Caveat {
  switch (type) {
    case CAVEAT_TYPES.time:
      return readTime(r);
    case CAVEAT_TYPES.audience:
      return { type: 'audience', audiences: readList(r, isName) };
    case CAVEAT_TYPES.tools:
      return { type: 'tools', tools: readList(r, isToolPattern) };
    case CAVEAT_TYPES.deny:
      return { type: 'deny', tools: readSome(r) };
    case CAVEAT_TYPES.args:
      return readArgs(r);
    case CAVEAT_TYPES.data:
      return { type: 'data', labels: readList(r, isLabel) };
    case CAVEAT_TYPES.budget:
      return { type: 'budget', budgets: readBudgets(r, false) };
    case CAVEAT_TYPES.depth:
      return { type: 'depth', delegations: r.uint() };
    case CAVEAT_TYPES.delegate:
      return readDelegate(r);
    case CAVEAT_TYPES.seal:
      r.array(2);
      return { type: 'seal', key: r.byteStringCopy(32), signature: r.byteStringCopy(64) };
    case CAVEAT_TYPES.http:
      r.array(2);
      return { type: 'http', methods: readList(r, isMethod), paths: readList(r, isPathPattern) };
    case CAVEAT_TYPES.net:
      return { type: 'net', cidrs: readList(r, isCidr) };
    case CAVEAT_TYPES.once:
      if (!r.nothing()) throw MALFORMED;
      return { type: 'once' };
    case CAVEAT_TYPES.note: {
      const text = r.text();
      if (!isNote(text)) throw MALFORMED;
      return { type: 'note', text };
    }
    case CAVEAT_TYPES.flow: {
      r.array(2);
      const tools = readSome(r);
      const rule = FLOW_RULES[r.uint() - 1];
      if (rule === undefined) throw MALFORMED;
      return { type: 'flow', tools, rule };
    }
    default:
      throw MALFORMED;
  }
}

// Where an empty list would restrict nothing, it is no legal form (law L2).
function readSome(r: Reader): readonly string[] {
  const tools = readList(r, isToolPattern);
  if (tools.length === 0) throw MALFORMED;
  return tools;
}

function readTime(r: Reader): TimeCaveat {
  r.array(2);
  const notBefore = r.nothing() ? undefined : r.uint();
  const expires = r.nothing() ? undefined : r.uint();
  if (notBefore === undefined) {
    if (expires === undefined) throw MALFORMED;
    return { type: 'time', expires };
  }
  return expires === undefined ? { type: 'time', notBefore } : { type: 'time', notBefore, expires };
}

function readArgs(r: Reader): ArgsCaveat {
  r.array(3);
  const tools = readSome(r);
  if (r.peek() !== TYPE.map) throw MALFORMED;
  const map = r.value();
  if (!(map instanceof Map) || map.size > LIMITS.listItems) throw MALFORMED;
  const args = new Map<string, Constraint>();
  for (const [name, value] of map) {
    const constraint = parseConstraint(value);
    if (typeof name !== 'string' || !isName(name) || constraint === null) throw MALFORMED;
    args.set(name, constraint);
  }
  const closed = r.simple();
  if (closed === null || (args.size === 0 && !closed)) throw MALFORMED;
  return { type: 'args', tools, args, closed };
}

function readDelegate(r: Reader): DelegateCaveat {
  r.array(2);
  const fields = r.byteStringCopy();
  const signature = r.byteStringCopy(64);
  const f = new Reader(fields);
  f.array(4);
  const to = f.byteStringCopy(32);
  const label = f.text(LIMITS.nameBytes);
  if (!isName(label)) throw MALFORMED;
  const time = f.uint();
  const nonce = f.byteStringCopy(16);
  f.done();
  return { type: 'delegate', to, label, time, nonce, fields, signature };
}
