// The gate that every MCP adapter shares: a message from the client is answered here or forwarded as it was
// checked; a message from the server closes the call it answers and is filtered. One gate serves one connection.
// Methods that ask for authority become calls: a tool by its name, the rest as `mcp.resources.read`,
// `mcp.prompts.get` and so on. What is not known is refused (law L2), and so is what was not requested: an answer
// to no question goes no further, in either direction.
import { deny, utf8, type Arguments, type Call, type JsonObject } from '@ambit/core';
import { threw } from '../cause.ts';
import type { BudgetWarning, Guard } from '../contract.ts';
import { denialResponse, errorResponse } from './denial.ts';
import { allowedTools, filtered } from './lists.ts';
import {
  askedBy,
  asMessage,
  detach,
  FREE_METHODS,
  FREE_NOTIFICATIONS,
  isRequest,
  isResponse,
  reportedCost,
  WARNING_KEY,
  type Id,
  type Message,
  type Notification,
  type Params,
  type RpcRequest,
  type RpcResponse,
} from '@ambit/wire/mcp';
import { OpenRequests, type Open } from './open.ts';
import { withoutRoots } from './roots.ts';

/** Options of every MCP adapter. */
export interface McpOptions {
  /** Tool names by what the server calls them, when they are not tool names of ours (attack G1: aliases first). */
  readonly alias?: (name: string) => string;
  /** More methods to forward without a check; the default list is short and strict. */
  readonly allowMethods?: readonly string[];
  /**
   * Let clients state their `roots`. Default false: servers take them for permission (server-filesystem replaces the
   * directories it was started with), and permission is what the token says.
   */
  readonly roots?: boolean;
  /**
   * The most bytes of one answer to a call: what a `bytes` budget is charged before the call, and the most that
   * is forwarded.
   */
  readonly answerBytes?: number;
  /** What the service knows of a call beside the configuration: labels of the data it touches. */
  readonly data?: (call: Call) => readonly string[] | undefined;
  /** The client's address, from the connection. */
  readonly address?: string;
}

/** What becomes of a message from the client. */
export type GateVerdict =
  { readonly forward: Message } | { readonly reply: RpcResponse } | { readonly drop: true };
const DROP: GateVerdict = { drop: true };

/** One connection's gate. */
export class Gate {
  readonly #guard: Guard;
  readonly #options: McpOptions;
  readonly #open = new OpenRequests();
  readonly #allowed: ReadonlySet<string>;

  constructor(guard: Guard, options: McpOptions = {}) {
    this.#guard = guard;
    this.#options = options;
    this.#allowed = new Set(options.allowMethods ?? []);
  }

  /** A message from the client. Never rejects; an error refuses the message. */
  async fromClient(message: unknown): Promise<GateVerdict> {
    const m = asMessage(message);
    if (m === null) {
      await this.#guard.refuse(deny('request_invalid'));
      return { reply: errorResponse(null, -32600, 'request_invalid') };
    }
    if (isResponse(m)) return m.id !== null && this.#open.answers(m.id) ? { forward: m } : DROP;
    if (!isRequest(m)) return this.#notification(m);
    const { attached, rest } = detach(m.params);
    const open = this.#open.begin(m.id, m.method, attached);
    if (open === null) {
      await this.#guard.refuse(deny('request_invalid', 'its id is in use, or too many are open'), attached);
      return { reply: errorResponse(m.id, -32600, 'request_invalid') };
    }
    try {
      const asked = askedBy(m.method, rest);
      return asked === null ? await this.#free(m, open, rest) : await this.#call(m, open, rest, asked);
    } catch (error) {
      // A hook of the service (`alias`), for the guard itself answers with refusals.
      this.#open.end(m.id);
      this.#guard.fault(error);
      await this.#guard.refuse(deny('service_failed'), {
        ...attached,
        cause: threw('reading the call', error),
      });
      return { reply: errorResponse(m.id, -32603, 'service_failed') };
    }
  }

  async #free(m: RpcRequest, open: Open, rest: Params | undefined): Promise<GateVerdict> {
    if (!FREE_METHODS.has(m.method) && !this.#allowed.has(m.method)) {
      this.#open.end(m.id);
      await this.#guard.refuse(deny('method_not_allowed', m.method.slice(0, 64)), open.attached);
      return { reply: errorResponse(m.id, -32601, 'method_not_allowed') };
    }
    open.sent = true;
    return { forward: this.#request(m, rest) };
  }

  async #call(
    m: RpcRequest,
    open: Open,
    rest: Params | undefined,
    asked: { readonly tool: string; readonly args: unknown },
  ): Promise<GateVerdict> {
    const { alias, address, answerBytes, data } = this.#options;
    const labels = (call: Call): { data?: readonly string[] } => {
      const found = data?.(call);
      return found === undefined ? {} : { data: found };
    };
    const answer = await this.#guard.authorize({
      ...open.attached,
      call: { tool: alias?.(asked.tool) ?? asked.tool, args: asked.args as JsonObject },
      context: { id: String(m.id).slice(0, 64) },
      ...(address === undefined ? {} : { address }),
      ...(answerBytes === undefined ? {} : { bytes: answerBytes }),
      ...(data === undefined ? {} : { known: labels }),
    });
    if (!answer.ok) {
      this.#open.end(m.id);
      const allowed = (): readonly string[] | undefined => allowedTools(this.#guard.verifier, open.attached);
      return { reply: denialResponse(m, answer.publicDenial, answer.record, allowed) };
    }
    if (open.cancelled) {
      // Canceled while it was being decided: it does not reach the server.
      this.#open.end(m.id);
      await answer.finish({ status: 'cancelled' });
      return DROP;
    }
    open.permit = answer;
    open.sent = true;
    return { forward: this.#request(m, checkedParams(m.method, rest, answer.call.args)) };
  }

  #notification(m: Notification): GateVerdict {
    const { rest } = detach(m.params);
    if (m.method === 'notifications/cancelled') {
      const id = rest?.['requestId'];
      const open = typeof id === 'string' || typeof id === 'number' ? this.#open.get(id) : undefined;
      if (open === undefined) return DROP;
      open.cancelled = true;
      // Not yet decided: the server has not received it, and won't.
      if (!open.sent) return DROP;
      void open.permit?.finish({ status: 'cancelled' });
    }
    const free = FREE_NOTIFICATIONS.has(m.method) || this.#allowed.has(m.method);
    const roots = m.method === 'notifications/roots/list_changed' && this.#options.roots !== true;
    return free && !roots ? { forward: withParams({ jsonrpc: '2.0', method: m.method }, rest) } : DROP;
  }

  // Written from its parts: only what is named here is forwarded.
  #request(m: RpcRequest, params: Params | undefined): RpcRequest {
    const allowed = this.#options.roots === true ? params : withoutRoots(m.method, params);
    return withParams({ jsonrpc: '2.0', id: m.id, method: m.method }, allowed);
  }

  /**
   * A message from the server: closes the call it answers. Resolves with what may go to the client, or null for an
   * answer to nothing. `bytes`: its size where the adapter knows it.
   */
  async fromServer(message: Message, bytes?: number): Promise<Message | null> {
    if (!isResponse(message)) {
      const roots = isRequest(message) && message.method === 'roots/list' && this.#options.roots !== true;
      if (isRequest(message) && !roots) this.#open.asks(message.id);
      return roots ? null : message;
    }
    // An error without an id answers nothing and tells the client that something was not understood.
    if (message.id === null) return message.error === undefined ? null : message;
    const { id } = message;
    const open = this.#open.answered(id);
    if (open === undefined) return null;
    if (open.permit === null) return filtered(message, open, this.#guard.verifier, this.#options.alias);
    return this.#ended(id, message, open, bytes ?? utf8(JSON.stringify(message)).length);
  }

  async #ended(id: Id, message: RpcResponse, open: Open, bytes: number): Promise<Message> {
    const permit = open.permit!;
    const { answerBytes } = this.#options;
    if (answerBytes !== undefined && bytes > answerBytes) {
      // The reservation was for less: more must not go out unpaid (law L10).
      await permit.finish({ status: 'error', bytes: answerBytes, error: 'answer_too_large' });
      const denial = deny('budget_exceeded', `the answer has more than ${answerBytes} bytes`);
      return denialResponse(
        { jsonrpc: '2.0', id, method: open.method },
        denial,
        permit.record,
        () => undefined,
      );
    }
    const failed = message.error !== undefined || message.result?.['isError'] === true;
    if (message.result !== undefined) permit.ingest(message.result);
    const cost = reportedCost(message.result);
    await permit.finish({ status: failed ? 'error' : 'ok', bytes, ...(cost === undefined ? {} : { cost }) });
    return warned(message, permit.warnings);
  }

  /** The server can't have got the request, or won't answer it: its call is over. */
  async failed(id: Id): Promise<void> {
    await this.#open.end(id)?.permit?.finish({ status: 'error' });
  }

  /** The way an answer would have come is gone; the answer may still come by another (resumed streams). */
  async interrupted(id: Id): Promise<void> {
    const open = this.#open.get(id);
    if (open === undefined) return;
    open.cancelled = true;
    await open.permit?.finish({ status: 'unknown' });
  }

  /** The connection ended: what is open ends with it. */
  async close(): Promise<void> {
    await Promise.all(this.#open.drain().map(async ({ permit }) => permit?.finish({ status: 'unknown' })));
  }
}

// Beside what the server says; its own entry of that name does not count.
function warned(message: RpcResponse, warnings: readonly BudgetWarning[]): RpcResponse {
  const { result } = message;
  const meta = result?.['_meta'];
  const others = typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta : {};
  if (result === undefined || (warnings.length === 0 && !Object.hasOwn(others, WARNING_KEY))) return message;
  const { [WARNING_KEY]: _, ...rest } = others as Params;
  const mine = warnings.length === 0 ? {} : { [WARNING_KEY]: warnings };
  return { ...message, result: { ...result, _meta: { ...rest, ...mine } } };
}

const withParams = <M extends Message>(m: M, params: Params | undefined): M =>
  params === undefined ? m : { ...m, params };

// What is forwarded is what was checked (attack G2): the arguments are the snapshot's, written out again.
function checkedParams(method: string, params: Params | undefined, args: Arguments): Params {
  const value = JSON.parse(args.canonical()) as Params;
  if (method === 'tools/call') return { ...params, arguments: value };
  return { ...params, ...value };
}
