// The argument constraints of an `args` caveat, compiled at first use and kept with the caveat: they hold
// automata and parsed networks, which are worth preparing once for a token that is used again.
import type { Work } from '../args/check.ts';
import { compileArgs } from '../args/constraint.ts';
import type { JsonObject } from '../args/json.ts';
import type { ArgsCaveat } from '../caveats/caveat.ts';

type ArgsCheck = (args: JsonObject, work?: Work) => string | null;

const COMPILED = new WeakMap<ArgsCaveat, ArgsCheck>();

/** The check of `c`: null when the arguments hold, else what would have been allowed. */
export function argsCheck(c: ArgsCaveat): ArgsCheck {
  let check = COMPILED.get(c);
  if (check === undefined) COMPILED.set(c, (check = compileArgs(c.args, c.closed)));
  return check;
}
