// `ambit mcp`: the guard in front of an unmodified MCP server, and a first configuration for it. The proxy is
// this home's enforcement point: its keys, its state, its configuration, its log.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { configuredEntitlements } from '@ambit/identity';
import { connectLog, serveLog, type Sink } from '@ambit/audit';
import { Behavior, createGuard, type Guard } from '@ambit/guard';
import { configurationOf, proxyHttp, proxyStdio, scanStdio } from '@ambit/guard/mcp';
import type { Command } from 'commander';
import { homeSocket, openLog } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { registrationIn } from '../home/configuration.ts';
import { Failure, listenFailure, usage } from '../failure.ts';
import { parseListen } from '../flags/listen.ts';
import { writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { example } from '../help.ts';
import { withState } from '../home/state.ts';
import { addAcceptFlags, verifierOf, type AcceptFlags } from '../home/verifier.ts';

interface ProxyFlags extends AcceptFlags {
  readonly upstream?: string;
  readonly listen: string;
}

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit mcp scan -o operator.yaml -- npx -y @modelcontextprotocol/server-filesystem /srv/docs',
      'ambit mcp proxy --audience files.acme.com -- npx -y @modelcontextprotocol/server-filesystem /srv/docs',
      'ambit mcp proxy --audience files.acme.com --upstream http://127.0.0.1:3000/mcp --listen 127.0.0.1:3100',
    ),
  );
  defineScan(command, cli);
  defineProxy(command, cli);
}

function defineScan(command: Command, cli: Cli): void {
  command
    .command('scan')
    .argument('<command...>', 'the server and its arguments, after --')
    .description("List a server's tools and write the least-privilege configuration to start from.")
    .option('--operator <name>', 'the operator', 'acme-corp')
    .option('-o, --output <file>', 'where to (default: stdout)')
    .action(
      async (
        [program = '', ...args]: readonly string[],
        f: { readonly operator: string; readonly output?: string },
      ) => {
        const tools = await scanStdio(program, args).catch((error: unknown) => {
          const why = error instanceof Error ? error.message : 'it failed';
          throw new Failure('upstream_failed', `${program}: ${why}`, undefined, { cause: error });
        });
        const text = configurationOf(tools, f.operator);
        cli.say(
          `${tools.length} tools, ${tools.filter((t) => !t.writes).length} of them say that they only read`,
        );
        if (f.output === undefined) return cli.result({ tools, configuration: text }, text);
        writeFile(f.output, text, { mode: 0o644 });
        if (cli.json) cli.result({ tools, file: f.output }, '');
      },
    );
}

function defineProxy(command: Command, cli: Cli): void {
  const proxy = command
    .command('proxy')
    .argument('[command...]', 'a stdio server and its arguments, after --')
    .description('Guard an unmodified server: check each call, and forward only what was checked.')
    .option('--upstream <url>', 'a streamable HTTP server instead')
    .option('--listen <host:port>', 'the address to listen on', '127.0.0.1:3100');
  addAcceptFlags(proxy).action(async ([program, ...args]: readonly string[], f: ProxyFlags) => {
    if ((program === undefined) === (f.upstream === undefined)) {
      throw usage('give the server to guard: a command after `--`, or `--upstream URL`');
    }
    if (cli.stated) throw usage("--at can't be used with `mcp proxy`; it uses the system clock");
    const home = new Home(cli).require();
    await withState(home, (store) =>
      withSink(home, async (audit) => {
        const registration = registrationIn(home);
        const { verifier, issuer } = await verifierOf(cli, home, store, f, { cache: {} });
        const { external, data } = home.defaults;
        const operator = registration?.operator;
        const behavior = new Behavior({ audit, store, tools: (tool) => operator?.facts(tool) ?? {} });
        const guard = createGuard({
          verifier,
          store,
          audit,
          flow: behavior,
          watcher: behavior,
          observer: behavior,
          requireOpenSession: issuer !== null,
          ...(registration === null
            ? { tools: () => ({ external, data }) }
            : {
                identity: {
                  operators: new Map([[registration.operator.id, registration]]),
                  entitlements: configuredEntitlements,
                },
              }),
          onFault: (error) => void cli.report(error),
        });
        if (program === undefined) await serveHttp(cli, guard, f);
        else
          cli.exit = await proxyStdio({
            guard,
            command: program,
            args,
            input: process.stdin,
            output: process.stdout,
          });
        await guard.settled();
      }),
    );
  });
}

/** The home's log: by its own writer's socket when one runs; else this process is the writer, for others as well. */
async function withSink(home: Home, job: (audit: Sink) => Promise<void>): Promise<void> {
  const path = homeSocket(home);
  if (existsSync(path)) {
    const connection = connectLog(path);
    try {
      // The socket has no writer, so the log is free, and this process opens it.
      if (await answers(connection)) return await job(connection);
    } finally {
      await connection.close();
    }
  }
  const recorder = await openLog(home, { checkpointInterval: 1000, lockWait: 2000 });
  const server = await serveLog({ recorder, sockets: [{ path, by: 'cli' }] });
  try {
    await job(recorder);
  } finally {
    await server.close();
    await recorder.close();
  }
}

// A live writer answers each request, at least with a refusal.
async function answers(connection: ReturnType<typeof connectLog>): Promise<boolean> {
  try {
    await connection.receipt(Number.MAX_SAFE_INTEGER);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'audit_unavailable');
  }
}

async function serveHttp(cli: Cli, guard: Guard, f: ProxyFlags): Promise<void> {
  const { host, port } = parseListen(f.listen);
  const handle = proxyHttp({ guard, upstream: f.upstream! });
  const server = createServer((request, response) => {
    answer(handle, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(f.listen, '--listen', error)));
    server.listen(port, host, resolve);
  });
  cli.say(`guarding ${f.upstream ?? ''} as ${f.audience} at http://${f.listen}`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  server.close();
  server.closeAllConnections();
}

async function answer(
  handle: (request: Request) => Promise<Response>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one);
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const method = request.method ?? 'GET';
  const body =
    method === 'GET' || method === 'HEAD' ? null : (Readable.toWeb(request) as ReadableStream<Uint8Array>);
  const url = new URL(request.url ?? '/', 'http://proxy.invalid');
  const given = await handle(
    new Request(url, {
      method,
      headers,
      body,
      signal: gone.signal,
      ...(body === null ? {} : { duplex: 'half' }),
    }),
  );
  response.writeHead(given.status, Object.fromEntries(given.headers));
  if (given.body === null) return void response.end();
  for await (const part of given.body as unknown as AsyncIterable<Uint8Array>) {
    if (response.destroyed) return;
    response.write(part);
  }
  response.end();
}
