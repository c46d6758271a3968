// A witness over HTTP: `POST <prefix>/add-checkpoint` and `GET <prefix>/<hash of origin>/checkpoint`.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Witness } from './witness.ts';

/** The longest request: a note and 63 hashes. */
const MAX_BODY = 131_072;

async function body(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_BODY) return null;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A listening witness. */
export interface WitnessServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a witness. TLS, if any, is terminated in front of it; all its answers are signed. */
export async function serveWitness(
  witness: Witness,
  options: { port?: number; host?: string; onError?: (error: unknown) => void } = {},
): Promise<WitnessServer> {
  const server: Server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8192 },
    (request, response) => {
      const reply = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
        response.writeHead(status, {
          'content-type': type,
          'content-length': Buffer.byteLength(text),
          'cache-control': 'no-store',
        });
        response.end(text);
      };
      const handle = async (): Promise<void> => {
        const path = (request.url ?? '/').split('?', 1)[0]!;
        const [, hash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(path) ?? [];
        if (request.method === 'POST' && path === '/add-checkpoint') {
          const text = await body(request);
          if (text === null) {
            reply(413, '');
            request.destroy();
            return;
          }
          const { status, body: out, type } = await witness.add(text);
          reply(status, out, type);
        } else if ((request.method === 'GET' || request.method === 'HEAD') && hash !== undefined) {
          const note = await witness.latest(hash);
          reply(note === null ? 404 : 200, note ?? '');
        } else reply(404, '');
      };
      handle().catch((error: unknown) => {
        options.onError?.(error);
        if (!response.headersSent) reply(500, '');
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const { port, address, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
