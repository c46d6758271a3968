// Roots: directories or addresses that a client says it is about (MCP client features, "roots"). Servers take them
// for permission: server-filesystem replaces the directories that its operator started it with. A client must not
// widen what the operator set, so the guard does not pass the capability on unless configured to.
import type { Params } from '@ambit/wire/mcp';

const MODERN = 'io.modelcontextprotocol/clientCapabilities';
const isObject = (x: unknown): x is Params => typeof x === 'object' && x !== null && !Array.isArray(x);

const less = (capabilities: unknown): unknown => {
  if (!isObject(capabilities) || !Object.hasOwn(capabilities, 'roots')) return capabilities;
  const { roots: _, ...others } = capabilities;
  return others;
};

/** The parameters without a client's roots: at `initialize`, in the envelope of the 2026 era, and in answers. */
export function withoutRoots(method: string, params: Params | undefined): Params | undefined {
  if (params === undefined) return params;
  let out = params;
  if (method === 'initialize') out = { ...out, capabilities: less(out['capabilities']) };
  const meta = out['_meta'];
  if (isObject(meta) && Object.hasOwn(meta, MODERN))
    out = { ...out, _meta: { ...meta, [MODERN]: less(meta[MODERN]) } };
  const answers = out['inputResponses'];
  if (isObject(answers)) {
    const kept = Object.entries(answers).filter(([, answer]) => !hasRoots(answer));
    out = { ...out, inputResponses: Object.fromEntries(kept) };
  }
  return out;
}

const hasRoots = (answer: unknown): boolean =>
  isObject(answer) && (Object.hasOwn(answer, 'roots') || hasRoots(answer['result']));
