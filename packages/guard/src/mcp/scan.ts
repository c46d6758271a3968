// `ambit mcp scan`: asks a server for its tools and writes the least-privilege configuration to start from. What
// the server's annotations say is a hint and may only make an entry stricter: a tool that does not say that it is
// read-only is taken to write, one that does not say that its world is closed is taken to reach outside.
import { spawn } from 'node:child_process';
import { isToolName } from '@ambit/core';
import { readLines } from './lines.ts';

/** A tool as the server describes it, as far as it matters here. */
export interface ScannedTool {
  readonly name: string;
  readonly writes: boolean;
  readonly external: boolean;
  readonly untrusted: boolean;
  /** Arguments that look like paths or addresses: where constraints pay. */
  readonly worth: readonly string[];
}

/** Lists the tools of a stdio server. Rejects when it does not answer within `milliseconds`. */
export async function scanStdio(
  command: string,
  args: readonly string[],
  milliseconds = 15_000,
): Promise<readonly ScannedTool[]> {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = new Map<number, (result: unknown) => void>();
  child.stdin.on('error', () => undefined);
  const lines = readLines(child.stdout, 64 * 1_048_576, async (line) => {
    if (line === null) return;
    try {
      const m = JSON.parse(line.toString('utf8')) as { id?: unknown; result?: unknown };
      if (typeof m.id === 'number') answers.get(m.id)?.(m.result);
    } catch {
      // Not protocol.
    }
  });
  let id = 0;
  const ask = (method: string, params: object): Promise<unknown> => {
    const mine = ++id;
    return new Promise((resolve) => {
      answers.set(mine, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: mine, method, params })}\n`);
    });
  };
  const limit = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error('The server did not answer in time.')), milliseconds);
    timer.unref();
    child.once('error', reject);
    child.once('exit', () => reject(new Error('The server ended before it had listed its tools.')));
  });
  try {
    return await Promise.race([listTools(ask, child.stdin), limit]);
  } finally {
    child.removeAllListeners('exit');
    child.stdin.end();
    child.kill();
    await lines.catch(() => undefined);
  }
}

async function listTools(
  ask: (method: string, params: object) => Promise<unknown>,
  stdin: NodeJS.WritableStream,
): Promise<readonly ScannedTool[]> {
  const clientInfo = { name: 'ambit-scan', version: '0.1.0' };
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  const tools: ScannedTool[] = [];
  let cursor: string | undefined;
  do {
    const page = (await ask('tools/list', cursor === undefined ? {} : { cursor })) as ToolsPage | undefined;
    for (const tool of page?.tools ?? []) tools.push(scanned(tool));
    cursor = page?.nextCursor;
  } while (cursor !== undefined && tools.length < 10_000);
  return tools;
}

interface ToolsPage {
  readonly tools?: readonly RawTool[];
  readonly nextCursor?: string;
}
interface RawTool {
  readonly name: string;
  readonly annotations?: { readonly readOnlyHint?: unknown; readonly openWorldHint?: unknown };
  readonly inputSchema?: { readonly properties?: Readonly<Record<string, unknown>> };
}

const scanned = ({ name, annotations = {}, inputSchema = {} }: RawTool): ScannedTool => ({
  name,
  writes: annotations.readOnlyHint !== true,
  external: annotations.openWorldHint !== false,
  untrusted: annotations.openWorldHint !== false,
  worth: Object.keys(inputSchema.properties ?? {}).filter(
    (p) =>
      /path|file|dir|url|uri|host|email|^to$|recipient|source|destination|target/i.test(p) && PLAIN.test(p),
  ),
});

// What a server says goes into a file that people apply: nothing of it may be read as more than a word.
const PLAIN = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const word = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_./-]*$/.test(name) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(name)
    ? name
    : JSON.stringify(name);

/**
 * A whole operator configuration over the tools, to be completed by a person: what reads is allowed, what writes is
 * listed for a decision; no model and no user is admitted yet, so that nothing can be minted under it unchanged.
 */
export function configurationOf(tools: readonly ScannedTool[], operator = 'acme-corp'): string {
  const known = [...new Map(tools.filter((t) => isToolName(t.name)).map((t) => [t.name, t])).values()];
  const odd = tools.filter((t) => !isToolName(t.name));
  const names = (writes: boolean): string =>
    known.flatMap((t) => (t.writes === writes ? [word(t.name)] : [])).join(', ');
  const entry = (t: ScannedTool): string => {
    const flags = `external: ${t.external}, data: [internal], untrusted: ${t.untrusted}, writes: ${t.writes}`;
    const note = t.worth.length === 0 ? '' : `  # worth a constraint: ${t.worth.join(', ')}`;
    return `  ${word(t.name)}: { ${flags} }${note}`;
  };
  return [
    '# Written by `ambit mcp scan` from the description of the server. Read it before you trust it: every entry is',
    '# the strictest that the hints allow, and only tools that say they are read-only are allowed.',
    'ambit: 1',
    `operator: ${operator}`,
    `issuer: iam.${operator}`,
    'tools:',
    ...known.map(entry),
    ...odd.map(
      (t) => `  # ${JSON.stringify(t.name.slice(0, 100))} is no tool name; give it an alias in the guard`,
    ),
    'allow:',
    `  tools: [${names(false)}]`,
    '  data: [internal]',
    `  # left out, since they write: ${names(true) || 'none'}`,
    'sessions:',
    '  default: { life: 15m }',
    '  most: { life: 1h }',
    '# To be completed: who attests models, which models, for whom.',
    '# signers: { platform: ambpub_model_... }',
    '# models: { agent-v1: { signers: [platform] } }',
    '# users: { jane: { tools: [...], data: [internal] } }',
    '',
  ].join('\n');
}
