// What a proof fits that does not fit its call: for the operator's log, after the refusal. The mistakes of an honest
// agent or of a service's set-up are tried, one statement each; a caller is told none of it, and no answer changes.
import type { Call, HttpContext } from '../call.ts';
import { parseCall } from '../make-call.ts';
import { readProof } from '../proof/proof.ts';
import type { SessionTable } from '../proof/session-table.ts';
import { signedMessage } from '../proof/statement.ts';
import { partsOf, type AuthenticToken } from './authentic.ts';
import type { Config, Presentation } from './options.ts';

/** How many caveats back a token is tried: whoever narrowed it may have proved the token it came from. */
const BACK = 3;

/**
 * In words what the proof was made for, where it is one of the usual mistakes, else what it should have been made for.
 * `origins`: those under which the client may have reached the service. At most 14 verifications of a signature.
 */
export function mismatch(
  token: AuthenticToken,
  p: Presentation,
  config: Config,
  sessions: SessionTable | null,
  origins: readonly string[],
): string {
  const { holder, prefixes, caveats } = partsOf(token);
  const proof = p.proof === undefined ? null : readProof(p.proof);
  if (holder === undefined || proof === null) return 'no proof that could be read';
  const { audience, provider } = config;
  const whole = prefixes.all();
  const fits = (call: Call, digest: Uint8Array = whole): boolean => {
    if (proof.kind !== 'signed') return sessions?.fits(proof, digest, call) ?? false;
    const fields = { audience, token: digest, time: proof.time, freshness: proof.nonce };
    return provider.verify(holder, signedMessage(fields, call), proof.signature);
  };
  const { call } = p;
  for (const [words, other] of otherCalls(call, origins)) if (fits(other)) return words;
  for (let n = caveats.length - 1; n >= 0 && n >= caveats.length - BACK; n--)
    if (fits(call, prefixes.at(n)))
      return `it was made for the token before its last ${caveats.length - n} caveats; send the token that was proved`;
  const request = call.http === undefined ? 'no HTTP request' : `${call.http.method} at ${call.http.origin}`;
  return `it was made with another key, or for something else than audience ${audience}, tool ${call.tool}, ${request}, these arguments and this body`;
}

function* otherCalls(call: Call, origins: readonly string[]): Generator<readonly [string, Call]> {
  const { tool, args, http } = call;
  // A call's own fields are behind getters; a statement needs these three.
  const made = (context: HttpContext | undefined): Call => ({ tool, args, http: context });
  const bare = (name: string): Call | null => {
    const read = parseCall({ tool: name, args: {}, ...(http === undefined ? {} : { http }) });
    return read.ok ? read.call : null;
  };
  const without = bare(tool);
  if (without !== null)
    yield [`it was made for ${tool} without arguments; the agent has to give the arguments`, without];
  if (http === undefined) return;
  const method = `http.${http.method.toLowerCase()}`;
  const unnamed = bare(method);
  if (unnamed !== null)
    yield [`it was made for ${method}; the agent has to name the tool, ${tool}, and its arguments`, unnamed];
  yield ['it covers no HTTP request; method, target and body have to be proved', made(undefined)];
  const at = (change: Partial<HttpContext>): Call => made({ ...http, ...change });
  for (const origin of [...origins.slice(0, 3), swapped(http.origin)])
    if (origin !== http.origin)
      yield [`it was made for ${origin}; the origin of this service is ${http.origin}`, at({ origin })];
  if (http.bodyDigest !== undefined) {
    const { bodyDigest: _, ...empty } = http;
    yield ['it was made for a request without a body', made(empty)];
  }
  const [path] = http.target.split('?');
  if (path !== http.target) yield ['it was made for the target without its query', at({ target: path! })];
}

const swapped = (origin: string): string =>
  origin.startsWith('https:') ? `http:${origin.slice(6)}` : `https:${origin.slice(5)}`;
