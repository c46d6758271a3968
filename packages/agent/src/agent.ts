// The front door of an agent: its key and its token, and from then on a `fetch` and MCP transports that prove every
// call, and sub-agents with less. Key and token are texts or files, told apart by their prefixes. The parts below
// (`capabilityFetch`, `attach`, `withSubAgent`) stay for whoever needs more; they have no file access.
import {
  inspect,
  isName,
  isToolPattern,
  ownOptions,
  Problems,
  publicKey,
  PublicKey,
  restrict,
  SecretKey,
  signer,
  spanSeconds,
  toBase64url,
  type Restriction,
  type Signer,
  type Span,
} from '@ambit/core';
import { nodeProvider, textOf } from '@ambit/core/node';
import type { CallMapping } from '@ambit/wire/http';
import type { TransportLike } from '@ambit/wire/mcp';
import { capabilityFetch } from './fetch.ts';
import { attach } from './mcp.ts';
import { noOther } from './options.ts';
import { withSubAgent, type SpawnOptions, type SubAgent } from './sub-agent.ts';

/** Who the agent is and what it may do. */
export interface OpenAgentOptions {
  /** The holder's secret key: `ambsec_holder_...`, or the file that has it; or a signer, where the key is elsewhere. */
  readonly key: string | Signer<'holder'>;
  /** `amb1_...`, or the file that has it; or what gives the current one, where tokens are renewed. */
  readonly token: string | (() => string);
  /** The service; default the one that the token names. */
  readonly audience?: string;
  /** Ends the tokens of sub-agents; default: they end by their time alone. See `SpawnOptions`. */
  readonly revoke?: SpawnOptions['revoke'];
  /** What a request asks for where `fetch` is not told; default `http.<method>`. The service has the same. */
  readonly toCall?: CallMapping;
  /** Unix milliseconds; default the system clock. */
  readonly nowMs?: () => number;
  readonly fetch?: typeof fetch;
}

// The compiler asks for a name that is added above.
const NAMES: Readonly<Record<keyof OpenAgentOptions, true>> = {
  key: true,
  token: true,
  audience: true,
  revoke: true,
  toCall: true,
  nowMs: true,
  fetch: true,
};

/** What a request asks for, as the service's guard will see it. */
export interface AgentRequest extends RequestInit {
  readonly tool?: string;
  readonly args?: ReturnType<CallMapping>['args'];
}

// Fetch's own options, and what Node and browsers have beside. A `dispatcher` or whatever else one platform has would not
// reach the wire: `openAgent` takes a `fetch` of one's own.
type Init = Exclude<keyof AgentRequest, 'dispatcher'> | 'cache' | 'duplex' | 'priority';
const REQUEST: Readonly<Record<Init, true>> = {
  tool: true,
  args: true,
  body: true,
  cache: true,
  credentials: true,
  duplex: true,
  headers: true,
  integrity: true,
  keepalive: true,
  method: true,
  mode: true,
  priority: true,
  redirect: true,
  referrer: true,
  referrerPolicy: true,
  signal: true,
  window: true,
};

/** What a sub-agent gets: at least one of `tools`, `calls` and `only`. */
export interface SubTask {
  /** Its public key, as text, or the file that has it. */
  readonly to: string | PublicKey<'holder'>;
  /** Tool patterns. */
  readonly tools?: readonly string[];
  /** How many calls, in all. */
  readonly calls?: number;
  /** What else narrows it. */
  readonly only?: readonly Restriction[];
  /** How long; default `'5m'`. */
  readonly for?: Span;
  /** Its name in the log; default `sub-agent`. */
  readonly label?: string;
}

const TASK_NAMES: Readonly<Record<keyof SubTask, true>> = {
  to: true,
  tools: true,
  calls: true,
  only: true,
  for: true,
  label: true,
};

/** An agent with its authority. */
export interface Agent {
  readonly audience: string;
  /** The public key, `ambpub_holder_...`: what an issuer binds a token to. */
  readonly holder: string;
  /** `fetch` with token and proof. Rejects with AmbitError: an unknown option, no call, or `service_unreachable`. */
  fetch(input: string | URL | Request, init?: AgentRequest): Promise<Response>;
  /** Attaches token and proofs to an MCP client's transport, before `client.connect(transport)`. */
  attach<T extends TransportLike>(transport: T): T;
  /** Runs a sub-task with a narrower token, which ends with it. Rejects as `createSubAgent` throws. */
  withSubAgent<T>(given: SubTask, task: (agent: SubAgent) => Promise<T>): Promise<T>;
}

/** A new key for an agent: `key` is secret and stays with it, `holder` is what the issuer gets. */
export function createAgentKey(): { readonly key: string; readonly holder: string } {
  const secret = SecretKey.generate('holder');
  return { key: secret.unsafeText(), holder: publicKey(secret, nodeProvider).toString() };
}

/** Opens an agent. AmbitError `input_invalid` that lists everything that is missing or wrong. */
export function openAgent(given: OpenAgentOptions): Agent {
  const options = ownOptions(given);
  const { nowMs, revoke = endsByTime } = options;
  const problems = new Problems();
  problems.unknown(options, NAMES);
  const key = problems.attempt('key', () => signerOf(options.key));
  const token = problems.attempt('token', () => tokenOf(options.token));
  const said = token === undefined ? undefined : problems.attempt('token', () => inspect(token()));
  const audience = options.audience ?? said?.grant.audience;
  if (audience !== undefined && !(typeof audience === 'string' && isName(audience)))
    problems.add('audience', 'expected the name of the service, such as files.acme.com');
  for (const field of ['revoke', 'toCall', 'nowMs', 'fetch'] as const)
    if (options[field] !== undefined && typeof options[field] !== 'function')
      problems.add(field, 'expected a function');
  if (said !== undefined && audience === undefined)
    problems.add('audience', 'the token names no service, so say which one is called');
  if (said !== undefined && key !== undefined && said.holder !== toBase64url(key.publicKey.bytes))
    problems.add('token', 'it belongs to another key; ask the issuer for one for this key');
  problems.done('openAgent');
  const holder = { token: token!, signer: key!, audience: audience!, provider: nodeProvider };
  const timed = { ...holder, ...(nowMs === undefined ? {} : { nowMs }) };
  const sending = options.fetch === undefined ? timed : { ...timed, fetch: options.fetch };
  return Object.freeze({
    audience: holder.audience,
    holder: holder.signer.publicKey.toString(),
    fetch: async (input: string | URL | Request, init: AgentRequest = {}) => {
      noOther('agent.fetch', init, REQUEST);
      const { tool, args, ...rest } = init;
      const named =
        tool === undefined ? options.toCall : () => ({ tool, ...(args === undefined ? {} : { args }) });
      return capabilityFetch(named === undefined ? sending : { ...sending, toCall: named })(input, rest);
    },
    attach: <T extends TransportLike>(transport: T) => attach(transport, timed),
    withSubAgent: async <T>(given: SubTask, task: (agent: SubAgent) => Promise<T>) => {
      const spawn = { ...spawnOf(given), revoke, ...(nowMs === undefined ? {} : { nowMs }) };
      return withSubAgent(holder.token(), holder.signer, spawn, task);
    },
  });
}

const endsByTime = (): Promise<void> => Promise.resolve();

function signerOf(key: OpenAgentOptions['key'] | undefined): Signer<'holder'> {
  if (typeof key === 'object' && key !== null) return key;
  if (typeof key !== 'string') throw new TypeError('expected the secret key, or the file that has it');
  return signer(SecretKey.parse('holder', textOf(key)), nodeProvider);
}

// A text is read once: a file that changes later belongs to another opening.
function tokenOf(token: OpenAgentOptions['token'] | undefined): () => string {
  if (typeof token === 'function') return token;
  if (typeof token !== 'string') throw new TypeError('expected the token, or the file that has it');
  const text = textOf(token);
  return () => text;
}

function spawnOf(task: SubTask): Omit<SpawnOptions, 'revoke'> {
  const problems = new Problems();
  const given = ownOptions(task);
  problems.unknown(given, TASK_NAMES);
  const { to: key, tools, calls, only = [], for: span = '5m', label = 'sub-agent' } = given;
  const to = problems.attempt('to', () => {
    if (key instanceof PublicKey) return key;
    if (typeof key !== 'string')
      throw new TypeError("expected the sub-agent's public key, or the file that has it");
    return PublicKey.parse('holder', textOf(key));
  });
  const life = spanSeconds(span);
  if (life === null) problems.add('for', "expected a time span such as '90s', '5m' or seconds");
  if (
    tools !== undefined &&
    !(Array.isArray(tools) && tools.every((t) => typeof t === 'string' && isToolPattern(t)))
  )
    problems.add('tools', "expected tool names or patterns, such as ['files.*']");
  if (calls !== undefined && !(Number.isSafeInteger(calls) && calls >= 0))
    problems.add('calls', 'expected how many calls, a whole number');
  if (tools === undefined && calls === undefined && only.length === 0)
    problems.add('tools, calls, only', 'expected at least one: a sub-agent gets less');
  problems.done('withSubAgent');
  const narrowed = [
    ...(tools === undefined ? [] : [restrict.tools(...tools)]),
    ...(calls === undefined ? [] : [restrict.calls(calls)]),
    ...only,
  ];
  return { to: to!, only: narrowed, label, life: life! };
}
