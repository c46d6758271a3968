// JSON-RPC 2.0 messages as the Model Context Protocol uses them (revision 2025-11-25 and the `2026` era), by
// structure: no SDK is imported. Everything here is plain data that was checked to be of this shape.

/** The `_meta` key that carries token and proof; a vendor prefix whose second label is not reserved. */
export const CAPABILITY_KEY = 'dev.ambit/capability';
/** The `_meta` key of a denial in a result. */
export const DENIAL_KEY = 'dev.ambit/denial';
/** The `_meta` key of a result under which a tool reports what the call cost, whole numbers by unit. */
export const COST_KEY = 'dev.ambit/cost';
/** The `_meta` key of a result whose call has used a budget up to the operator's threshold. */
export const WARNING_KEY = 'dev.ambit/budgets';
/** The `_meta` key under which a guard offers proof sessions. */
export const OFFER_KEY = 'dev.ambit/offer';

export type Id = string | number;
export type Params = { readonly [name: string]: unknown };

/** A request: it has an id and wants an answer. */
export interface RpcRequest {
  readonly jsonrpc: '2.0';
  readonly id: Id;
  readonly method: string;
  readonly params?: Params;
}
/** A notification: no answer. */
export interface Notification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: Params;
}
/** An answer. */
export interface RpcResponse {
  readonly jsonrpc: '2.0';
  /** Null in an error about something whose id could not be read. */
  readonly id: Id | null;
  readonly result?: Params;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}
export type Message = RpcRequest | Notification | RpcResponse;

/** What is used of a transport, of either SDK. */
export interface TransportLike {
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  send(message: never, options?: never): Promise<void>;
}

const isObject = (x: unknown): x is Params => typeof x === 'object' && x !== null && !Array.isArray(x);
/** The most characters of an id: it is kept, echoed and logged. */
const ID_LENGTH = 256;
const isId = (x: unknown): x is Id =>
  (typeof x === 'string' && x.length <= ID_LENGTH) || (typeof x === 'number' && Number.isSafeInteger(x));

/** The message, or null if invalid. Batches are invalid: MCP removed them (attack G1). */
export function asMessage(x: unknown): Message | null {
  if (!isObject(x) || x['jsonrpc'] !== '2.0') return null;
  const { id, method, params, result, error } = x;
  if (method !== undefined) {
    if (typeof method !== 'string' || (params !== undefined && !isObject(params))) return null;
    if (id !== undefined && !isId(id)) return null;
    return result === undefined && error === undefined ? (x as unknown as Message) : null;
  }
  if (!isId(id) && id !== null) return null;
  return (result !== undefined) !== (error !== undefined) ? (x as unknown as Message) : null;
}

export const isRequest = (m: Message): m is RpcRequest => 'method' in m && 'id' in m;
export const isResponse = (m: Message): m is RpcResponse => !('method' in m);

/** What the caller attached to a request. */
export interface Attached {
  readonly token?: string;
  readonly proof?: string;
}

/** Takes our entry out of `params._meta`; what is forwarded never holds a token (attack G9). */
export function detach(params: Params | undefined): {
  readonly attached: Attached;
  readonly rest: Params | undefined;
} {
  const meta = params?.['_meta'];
  if (params === undefined || !isObject(meta) || !Object.hasOwn(meta, CAPABILITY_KEY)) {
    return { attached: {}, rest: params };
  }
  const { [CAPABILITY_KEY]: ours, ...others } = meta;
  const { _meta: _, ...plain } = params;
  const attached: { token?: string; proof?: string } = {};
  if (isObject(ours)) {
    if (typeof ours['token'] === 'string') attached.token = ours['token'];
    if (typeof ours['proof'] === 'string') attached.proof = ours['proof'];
  }
  return { attached, rest: Object.keys(others).length === 0 ? plain : { ...plain, _meta: others } };
}

/** `params` with our entry in `_meta`. */
export function attachTo(params: Params | undefined, attached: Attached): Params {
  const meta = params?.['_meta'];
  return { ...params, _meta: { ...(isObject(meta) ? meta : {}), [CAPABILITY_KEY]: attached } };
}

/** What a method asks for as a call: its tool name and its arguments. Null: it asks for no authority. */
export function askedBy(
  method: string,
  params: Params | undefined,
): { readonly tool: string; readonly args: unknown } | null {
  const p = params ?? {};
  switch (method) {
    case 'tools/call':
      return { tool: typeof p['name'] === 'string' ? p['name'] : '', args: p['arguments'] ?? {} };
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { tool: `mcp.${method.replace('/', '.')}`, args: { uri: p['uri'] ?? null } };
    case 'prompts/get':
      return { tool: 'mcp.prompts.get', args: { name: p['name'] ?? null, arguments: p['arguments'] ?? {} } };
    case 'completion/complete':
      return {
        tool: 'mcp.completion.complete',
        args: { ref: p['ref'] ?? null, argument: p['argument'] ?? null },
      };
    default:
      return null;
  }
}

/** Requests that ask for no authority: the handshake, liveness, and lists (which are filtered). */
export const FREE_METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'logging/setLevel',
]);

/** Notifications that a client may send. */
export const FREE_NOTIFICATIONS: ReadonlySet<string> = new Set([
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
]);

/** Lists and their items, for filtering. */
export const LISTS: Readonly<
  Record<string, { readonly field: string; readonly tool: (entry: Params) => string }>
> = {
  'tools/list': { field: 'tools', tool: (entry) => String(entry['name']) },
  'resources/list': { field: 'resources', tool: () => 'mcp.resources.read' },
  'resources/templates/list': { field: 'resourceTemplates', tool: () => 'mcp.resources.read' },
  'prompts/list': { field: 'prompts', tool: () => 'mcp.prompts.get' },
};

/** What a tool reports in the `_meta` of its result: numbers by unit; undefined when it reports nothing of that form. */
export function reportedCost(result: unknown): Readonly<Record<string, number>> | undefined {
  const meta = isObject(result) ? result['_meta'] : undefined;
  const cost = isObject(meta) && Object.hasOwn(meta, COST_KEY) ? meta[COST_KEY] : undefined;
  if (!isObject(cost)) return undefined;
  const units = Object.entries(cost).filter((unit): unit is [string, number] => typeof unit[1] === 'number');
  return Object.fromEntries(units.slice(0, 16));
}
