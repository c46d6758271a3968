// The gate that every MCP adapter shares: a message from the client is answered here or forwarded as it was
// checked; a message from the server closes the call it answers and is filtered. One gate serves one connection.
// Methods that ask for authority become calls: a tool by its name, the rest as `mcp.resources.read`,
// `mcp.prompts.get` and so on. What is not known is refused (law L2).
import {
  Arguments,
  coversTools,
  effectiveAuthority,
  matchTool,
  offerText,
  deny,
  isToolName,
  type Denial,
  type JsonObject,
} from '@ambit/core';
import type { Guard, Permit } from '../guard.ts';
import { denialResponse, errorResponse } from './denial.ts';
import {
  askedBy,
  asMessage,
  detach,
  FREE_METHODS,
  FREE_NOTIFICATIONS,
  isRequest,
  isResponse,
  LISTS,
  OFFER_KEY,
  type Attached,
  type Id,
  type Message,
  type Params,
  type Request,
  type Response,
} from './message.ts';

/** Options of every MCP adapter. */
export interface McpOptions {
  /** Tool names by what the server calls them, when they are not tool names of ours (attack G1: aliases first). */
  readonly alias?: (name: string) => string;
  /** More methods to let through unasked; the default list is short and strict. */
  readonly allowMethods?: readonly string[];
  /** The client's address, from the connection. */
  readonly address?: string;
}

/** What becomes of a message from the client. */
export type Verdict = { readonly forward: Message } | { readonly reply: Response } | { readonly drop: true };

interface Open {
  readonly method: string;
  readonly permit: Permit | null;
  readonly attached: Attached;
}

/** One connection's gate. */
export class Gate {
  readonly #guard: Guard;
  readonly #options: McpOptions;
  readonly #open = new Map<Id, Open>();
  readonly #allowed: ReadonlySet<string>;

  constructor(guard: Guard, options: McpOptions = {}) {
    this.#guard = guard;
    this.#options = options;
    this.#allowed = new Set(options.allowMethods ?? []);
  }

  /** A message from the client. Never rejects; whatever goes wrong refuses. */
  async fromClient(message: unknown): Promise<Verdict> {
    const m = asMessage(message);
    if (m === null) {
      await this.#guard.refuse(deny('request_invalid'));
      return { reply: errorResponse(null, -32600, 'request_invalid') };
    }
    if (isResponse(m)) return { forward: m };
    if (!isRequest(m)) {
      return FREE_NOTIFICATIONS.has(m.method) || this.#allowed.has(m.method)
        ? { forward: m }
        : { drop: true };
    }
    // Two open requests of one id would let one answer close the other's call.
    const { attached, rest } = detach(m.params);
    if (this.#open.has(m.id)) {
      await this.#guard.refuse(deny('request_invalid', 'its id is in use'), attached);
      return { reply: errorResponse(m.id, -32600, 'request_invalid') };
    }
    const asked = askedBy(m.method, rest);
    if (asked === null) return await this.#free(m, attached, rest);
    try {
      return await this.#call(m, attached, rest, asked);
    } catch {
      this.#open.delete(m.id);
      return { reply: errorResponse(m.id, -32603, 'internal') };
    }
  }

  async #free(m: Request, attached: Attached, rest: Params | undefined): Promise<Verdict> {
    if (!FREE_METHODS.has(m.method) && !this.#allowed.has(m.method)) {
      await this.#guard.refuse(deny('method_not_allowed', m.method.slice(0, 64)), attached);
      return { reply: errorResponse(m.id, -32601, 'method_not_allowed') };
    }
    this.#open.set(m.id, { method: m.method, permit: null, attached });
    return { forward: withParams(m, rest) };
  }

  async #call(
    m: Request,
    attached: Attached,
    rest: Params | undefined,
    asked: { readonly tool: string; readonly args: unknown },
  ): Promise<Verdict> {
    // Held while the decision is pending, so that a second request of this id can't slip in.
    this.#open.set(m.id, { method: m.method, permit: null, attached });
    const tool = this.#options.alias?.(asked.tool) ?? asked.tool;
    const answer = await this.#guard.authorize({
      ...attached,
      call: { tool, args: asked.args as JsonObject },
      context: { id: String(m.id).slice(0, 64) },
      ...(this.#options.address === undefined ? {} : { address: this.#options.address }),
    });
    if (!answer.ok) {
      this.#open.delete(m.id);
      return { reply: denialResponse(m, answer.shown, answer.record, this.#hint(attached, answer.shown)) };
    }
    this.#open.set(m.id, { method: m.method, permit: answer, attached });
    return { forward: withParams(m, checkedParams(m.method, rest, answer.call.args)) };
  }

  // What a model can do instead, from its own token: nothing of another's.
  #hint(attached: Attached, denial: Denial): string | undefined {
    if (
      attached.token === undefined ||
      (denial.code !== 'tool_not_granted' && denial.code !== 'tool_denied')
    ) {
      return undefined;
    }
    const found = this.#guard.verifier.authenticate(attached.token);
    if (!found.ok) return undefined;
    const { tools } = effectiveAuthority(attached.token);
    return tools.length === 0
      ? 'This token allows no tool.'
      : `This token allows: ${tools.slice(0, 12).join(', ')}.`;
  }

  /** A message from the server: closes the call it answers. Resolves with what may go to the client. */
  async fromServer(message: Message): Promise<Message> {
    if (!isResponse(message)) return message;
    const open = this.#open.get(message.id);
    if (open === undefined) return message;
    this.#open.delete(message.id);
    if (open.permit !== null) {
      const failed = message.error !== undefined || message.result?.['isError'] === true;
      await open.permit.finish({ status: failed ? 'error' : 'ok', bytes: JSON.stringify(message).length });
      return message;
    }
    return this.#filtered(message, open);
  }

  #filtered(message: Response, open: Open): Response {
    if (message.result === undefined) return message;
    const offer = this.#guard.verifier.sessionOffer;
    if (open.method === 'initialize' && offer !== null) {
      const meta = message.result['_meta'];
      const more = typeof meta === 'object' && meta !== null ? meta : {};
      return { ...message, result: { ...message.result, _meta: { ...more, [OFFER_KEY]: offerText(offer) } } };
    }
    const list = LISTS[open.method];
    const entries = list === undefined ? undefined : message.result[list.field];
    if (list === undefined || !Array.isArray(entries)) return message;
    const visible = this.#visible(open.attached);
    const kept = (entries as Params[]).filter((entry) =>
      visible(this.#options.alias?.(list.tool(entry)) ?? list.tool(entry)),
    );
    return { ...message, result: { ...message.result, [list.field]: kept, cacheScope: 'private' } };
  }

  // Lists show what the token allows, and nothing without one. Only a display: every call is decided on its own.
  #visible({ token }: Attached): (tool: string) => boolean {
    if (token === undefined || !this.#guard.verifier.authenticate(token).ok) return () => false;
    const left = effectiveAuthority(token);
    return (tool) =>
      isToolName(tool) &&
      coversTools(left.tools, [tool]) &&
      !left.deny.some((pattern) => matchTool(pattern, tool));
  }

  /** The connection ended: what is open ends with it. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { permit } of open) await permit?.finish({ status: 'unknown' });
  }
}

const withParams = (m: Request, params: Params | undefined): Request => {
  const { params: _, ...rest } = m;
  return params === undefined ? rest : { ...rest, params };
};

// What is forwarded is what was checked (attack G2): the arguments are the snapshot's, written out again.
function checkedParams(method: string, params: Params | undefined, args: Arguments): Params {
  const value = JSON.parse(args.canonical()) as Params;
  if (method === 'tools/call') return { ...params, arguments: value };
  return { ...params, ...value };
}
