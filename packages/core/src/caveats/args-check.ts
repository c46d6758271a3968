// The argument constraints of an `args` caveat, compiled at first use and kept with the caveat: they hold
// automata and parsed networks, which are worth preparing once for a token that is used again.
import type { Work } from '../args/check.ts';
import { compileArgs, type Constraint } from '../args/constraint.ts';
import type { JsonObject } from '../args/json.ts';

type ArgsCheck = (args: JsonObject, work?: Work) => string | null;

/** What an `args` caveat asks of the arguments. */
interface ArgsRules {
  readonly args: ReadonlyMap<string, Constraint>;
  readonly closed: boolean;
}

const COMPILED = new WeakMap<ArgsRules, ArgsCheck>();

/** The check of `c`: null when the arguments hold, else what would have been allowed. */
export function argsCheck(c: ArgsRules): ArgsCheck {
  let check = COMPILED.get(c);
  if (check === undefined) COMPILED.set(c, (check = compileArgs(c.args, c.closed)));
  return check;
}
