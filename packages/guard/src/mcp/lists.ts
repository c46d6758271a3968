// What a client is shown: lists filtered to what its token allows, the offer of proof sessions, and the tools that a
// denial may name. All of it is display; every call is decided on its own.
import {
  coversTools,
  effectiveAuthority,
  isToolName,
  matchTool,
  offerText,
  type Authority,
  type Verifier,
} from '@ambit/core';
import { LISTS, OFFER_KEY, type Attached, type Params, type RpcResponse } from '@ambit/wire/mcp';

/** The answer to a request that needed no authority, filtered. */
export function filtered(
  message: RpcResponse,
  open: { readonly method: string; readonly attached: Attached },
  verifier: Verifier,
  alias: ((name: string) => string) | undefined,
): RpcResponse {
  const { result } = message;
  if (result === undefined) return message;
  const offer = verifier.sessionOffer;
  if ((open.method === 'initialize' || open.method === 'server/discover') && offer !== null) {
    const meta = result['_meta'];
    const more = typeof meta === 'object' && meta !== null ? meta : {};
    return { ...message, result: { ...result, _meta: { ...more, [OFFER_KEY]: offerText(offer) } } };
  }
  const list = LISTS[open.method];
  if (list === undefined) return message;
  const entries: unknown = result[list.field];
  const visible = visibleTo(open.attached, verifier);
  const kept = (Array.isArray(entries) ? (entries as unknown[]) : []).filter((entry) => {
    if (typeof entry !== 'object' || entry === null) return false;
    const tool = list.tool(entry as Params);
    return visible(alias?.(tool) ?? tool);
  });
  return { ...message, result: { ...result, [list.field]: kept, cacheScope: 'private' } };
}

// Undefined without a genuine token.
function authorityOf({ token }: Attached, verifier: Verifier): Authority | undefined {
  return token === undefined || !verifier.identify(token).ok ? undefined : effectiveAuthority(token);
}

// Nothing without a token.
function visibleTo(attached: Attached, verifier: Verifier): (tool: string) => boolean {
  const left = authorityOf(attached, verifier);
  return (tool) =>
    left !== undefined &&
    isToolName(tool) &&
    coversTools(left.tools, [tool]) &&
    !left.deny.some((pattern) => matchTool(pattern, tool));
}

/** The tools that the attached token allows; undefined without a genuine one. */
export const allowedTools = (verifier: Verifier, attached: Attached): readonly string[] | undefined =>
  authorityOf(attached, verifier)?.tools;
