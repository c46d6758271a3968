// Making a call: the tool name is checked and the arguments are taken once, so that proof, caveats and tool all
// see the same thing (docs/design.md section 3, "Arguments are taken once").
import { copyOf } from './bytes.ts';
import { Arguments } from './args/arguments.ts';
import { isWellFormed } from './args/text.ts';
import { bare, ownOf, requireObject } from './bare.ts';
import type { Call, HttpContext } from './call.ts';
import { deny, type Denial } from './codes.ts';
import { isMethod } from './caveats/http-path.ts';
import { isToolName } from './patterns.ts';

// Visible ASCII, as a browser writes an origin; without `# / ? @ \`. Every dialect of expressions reads it alike.
const ORIGIN = /^https?:\/\/[\x21\x22\x24-\x2e\x30-\x3e\x41-\x5b\x5d-\x7e]+$/;
const TARGET = /^\/[\x21-\x7e]*$/;

/** Known to this file only: what the constructor demands. */
const CHECKED: unique symbol = Symbol('checked');

// A class with a private field, since asking for it is cheaper than a WeakSet of all calls.
class CheckedCall implements Call {
  readonly #tool: string;
  readonly #args: Arguments;
  readonly #http: HttpContext | undefined;

  constructor(door: typeof CHECKED, tool: string, args: Arguments, http: HttpContext | undefined) {
    if (door !== CHECKED) throw new TypeError('call: use call() to make one');
    this.#tool = tool;
    this.#args = args;
    this.#http = http;
    // Against properties that would hide the getters between check and use (60 ns).
    Object.freeze(this);
  }

  get tool(): string {
    return this.#tool;
  }

  get args(): Arguments {
    return this.#args;
  }

  get http(): HttpContext | undefined {
    return this.#http;
  }

  toJSON(): { tool: string; args: unknown; http?: { method: string; origin: string; target: string } } {
    const { tool, args, http } = this;
    if (http === undefined) return { tool, args: args.value };
    return {
      tool,
      args: args.value,
      http: { method: http.method, origin: http.origin, target: http.target },
    };
  }

  static is(c: Call): boolean {
    return typeof c === 'object' && c !== null && #tool in c;
  }
}

/** What a caller hands in; `args` is JSON as bytes or text, a plain value, or arguments taken before. */
export interface CallInput {
  readonly tool: string;
  readonly args?: Arguments | Uint8Array | string | { readonly [name: string]: unknown };
  readonly http?: HttpContext;
}

/** A checked, frozen call; or a denial with `tool_invalid`, `arguments_invalid` or `request_invalid`. */
export function parseCall(input: CallInput): { readonly ok: true; readonly call: Call } | Denial {
  requireObject(input, 'call');
  const tool = ownOf(input, 'tool');
  const given = ownOf(input, 'args');
  const http = ownOf(input, 'http');
  if (typeof tool !== 'string' || !isToolName(tool)) return deny('tool_invalid');
  const args = takeArguments(given);
  if (!Arguments.is(args)) return args;
  if (http === undefined) return { ok: true, call: new CheckedCall(CHECKED, tool, args, undefined) };
  return withHttp(tool, args, http);
}

function withHttp(
  tool: string,
  args: Arguments,
  given: HttpContext,
): { readonly ok: true; readonly call: Call } | Denial {
  const { method, origin, target, bodyDigest } = bare(given, 'call.http');
  // By type as well: a list of one text passes for a text in a regular expression.
  if (![method, origin, target].every((text) => typeof text === 'string' && isWellFormed(text))) {
    return deny('request_invalid', 'method, origin or target');
  }
  if (!isMethod(method) || !ORIGIN.test(origin) || !TARGET.test(target)) {
    return deny('request_invalid', 'method, origin or target');
  }
  if (bodyDigest !== undefined && !(bodyDigest instanceof Uint8Array && bodyDigest.length === 32))
    return deny('request_invalid', 'body digest');
  const digest = bodyDigest === undefined ? undefined : copyOf(bodyDigest);
  const context: HttpContext = Object.freeze({
    method,
    origin,
    target,
    // Bytes can't be frozen: each reader gets a copy, and the digest that was checked is nobody's to write to.
    get bodyDigest() {
      return digest === undefined ? undefined : copyOf(digest);
    },
  });
  return { ok: true, call: new CheckedCall(CHECKED, tool, args, context) };
}

function takeArguments(given: CallInput['args']): Arguments | Denial {
  if (given === undefined) return Arguments.empty;
  if (Arguments.is(given)) return given;
  if (typeof given === 'string' || given instanceof Uint8Array) return Arguments.parse(given);
  return Arguments.from(given);
}

/** Throws TypeError for anything that `call` did not make: misuse, which must not pass for a checked call. */
export function requireCall(c: Call): void {
  if (!CheckedCall.is(c)) throw new TypeError('call: expected a Call returned by call()');
}
