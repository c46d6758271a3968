// Denials in MCP. A refused tool call is a tool result with `isError`: models read it and adapt, protocol errors
// they never see. It says what was refused and what would be allowed, and holds no secret. Everything else that is
// refused is a JSON-RPC error. The form and the hint of what would be allowed are made here: the sentence of a code and
// what a caller may be told are core's (codes.ts, `forCaller`), the detail is whose denial it is, most often the caveat's.
import { CODES, type Denial, type DenialCode } from '@ambit/core';
import { DENIAL_KEY, type Id, type RpcRequest, type RpcResponse } from '@ambit/wire/mcp';

/** A JSON-RPC error whose data names the stable code. A message without an id is answered with `null` as its id. */
export function errorResponse(id: Id | null, number: number, code: DenialCode): RpcResponse {
  return {
    jsonrpc: '2.0',
    id: id,
    error: { code: number, message: CODES[code].sentence, data: { code } },
  };
}

/** What the model can do instead, from its own token only; nothing where another tool would change nothing. */
function hint({ code }: Denial, allowed: () => readonly string[] | undefined): string {
  const tools = code === 'tool_not_granted' || code === 'tool_denied' ? allowed() : undefined;
  if (tools === undefined) return '';
  return tools.length === 0
    ? ' This token allows no tool.'
    : ` This token allows: ${tools.slice(0, 12).join(', ')}.`;
}

/**
 * The answer to a refused request: a tool result for `tools/call`, else an error. `shown` is what the caller may be told,
 * `allowed` gives the tools of its token.
 */
export function denialResponse(
  m: RpcRequest,
  shown: Denial,
  record: number | null,
  allowed: () => readonly string[] | undefined,
): RpcResponse {
  const decision = record === null ? {} : { decision: record };
  if (m.method !== 'tools/call') {
    return {
      jsonrpc: '2.0',
      id: m.id,
      error: { code: -32003, message: shown.message, data: { code: shown.code, ...decision } },
    };
  }
  const text = `Denied: ${shown.message}${hint(shown, allowed)}`;
  const denial = {
    code: shown.code,
    message: shown.message,
    ...(shown.left === undefined ? {} : { left: shown.left }),
    ...(shown.resets === undefined ? {} : { resets: shown.resets }),
    ...decision,
  };
  return {
    jsonrpc: '2.0',
    id: m.id,
    result: {
      resultType: 'complete',
      isError: true,
      content: [{ type: 'text', text }],
      // No structuredContent: clients hold it against the tool's output schema, errors included (SDK 1.32).
      _meta: { [DENIAL_KEY]: denial },
    },
  };
}
