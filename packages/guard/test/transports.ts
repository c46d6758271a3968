// Client transports over a pair of streams, and a server that keeps what it received: what a test needs to stand at
// both ends of a proxy.
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { proxyStdio, type StdioProxyOptions } from '@ambit/guard/mcp';
import type { Guard } from '@ambit/guard';

const require = createRequire(import.meta.url);

/** The entry file of a published server. */
export const serverFile = (name: 'filesystem' | 'everything' | 'memory'): string =>
  require.resolve(`@modelcontextprotocol/server-${name}/dist/index.js`);

/** A transport that both SDKs' clients accept. */
export interface StreamTransport {
  onmessage?: ((message: never, extra?: never) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  start(): Promise<void>;
  send(message: unknown): Promise<void>;
  close(): Promise<void>;
}

/** A proxy with a client's transport before it. */
export interface Proxied {
  readonly transport: StreamTransport;
  /** Raw bytes to the proxy, for what no client would send. */
  readonly raw: (text: string) => void;
  /** Every line that came back. */
  readonly lines: string[];
  readonly exit: Promise<number>;
}

/** Runs `command` behind the stdio proxy. */
export function proxied(
  guard: Guard,
  command: string,
  args: readonly string[],
  more: Partial<StdioProxyOptions> = {},
): Proxied {
  const input = new PassThrough();
  const output = new PassThrough();
  const errors = new PassThrough();
  errors.resume();
  const exit = proxyStdio({ guard, command, args, input, output, errors, ...more });
  const lines: string[] = [];
  const transport: StreamTransport = {
    start: async () => undefined,
    send: async (message) => void input.write(`${JSON.stringify(message)}\n`),
    close: async () => {
      input.end();
      transport.onclose?.();
    },
  };
  let pending = '';
  output.on('data', (chunk: Buffer) => {
    pending += chunk.toString();
    for (let at = pending.indexOf('\n'); at >= 0; at = pending.indexOf('\n')) {
      const line = pending.slice(0, at);
      pending = pending.slice(at + 1);
      lines.push(line);
      transport.onmessage?.(JSON.parse(line) as never);
    }
  });
  return { transport, raw: (text) => void input.write(text), lines, exit };
}

/** A command that copies its input into `file` on its way to the real server: what the server received. */
export function recorded(file: string, args: readonly string[]): readonly string[] {
  const script =
    "const{spawn}=require('child_process'),fs=require('fs');const[f,...a]=process.argv.slice(1);" +
    "const c=spawn(process.execPath,a,{stdio:['pipe','inherit','ignore']});const w=fs.openSync(f,'a');" +
    "process.stdin.on('data',d=>{fs.writeSync(w,d);c.stdin.write(d)}).on('end',()=>c.stdin.end());" +
    "c.on('exit',s=>process.exit(s??1));process.on('SIGTERM',()=>c.kill());";
  return ['-e', script, file, ...args];
}
