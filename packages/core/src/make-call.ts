// Making a call: the tool name is checked and the arguments are taken once, so that proof, caveats and tool all
// see the same thing (DESIGN section 3, "Arguments are taken once").
import { Arguments } from './args/arguments.ts';
import type { Call, HttpContext } from './call.ts';
import { deny, type Denial } from './codes.ts';
import { isMethod } from './caveats/forms.ts';
import { isToolName } from './patterns.ts';

const CALLS = new WeakSet<object>();

/** What a caller hands in; `args` is JSON as bytes or text, a plain value, or arguments taken before. */
export interface CallInput {
  readonly tool: string;
  readonly args?: Arguments | Uint8Array | string | { readonly [name: string]: unknown };
  readonly http?: HttpContext;
}

/** A checked, frozen call; or a denial with `tool_invalid`, `arguments_invalid` or `request_invalid`. */
export function call(input: CallInput): { readonly ok: true; readonly call: Call } | Denial {
  const { tool, args: given, http } = input;
  if (typeof tool !== 'string' || !isToolName(tool)) return deny('tool_invalid');
  const args = takeArguments(given);
  if (!Arguments.is(args)) return args;
  let made: Call;
  if (http === undefined) made = Object.freeze({ tool, args });
  else {
    const { method, origin, target, bodyDigest } = http;
    if (!isMethod(method) || !/^https?:\/\/[^\s/?#@\\]+$/.test(origin) || !/^\/[\x21-\x7e]*$/.test(target)) {
      return deny('request_invalid', 'method, origin or target');
    }
    if (bodyDigest !== undefined && bodyDigest.length !== 32) return deny('request_invalid', 'body digest');
    made = Object.freeze({
      tool,
      args,
      http: Object.freeze({ method, origin, target, ...(bodyDigest === undefined ? {} : { bodyDigest: bodyDigest.slice() }) }),
    });
  }
  CALLS.add(made);
  return { ok: true, call: made };
}

function takeArguments(given: CallInput['args']): Arguments | Denial {
  if (given === undefined) return Arguments.empty;
  if (Arguments.is(given)) return given;
  if (typeof given === 'string' || given instanceof Uint8Array) return Arguments.parse(given);
  return Arguments.from(given);
}

/** Throws TypeError for anything that `call` did not make: misuse, which must not pass for a checked call. */
export function requireCall(c: Call): void {
  if (!CALLS.has(c)) throw new TypeError('call: expected what call() made');
}
