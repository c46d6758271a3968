// A wire between a client and a server on loopback that can go silent: bytes are taken and not passed on, and
// nobody is told, as on a network that drops everything.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Proxy {
  readonly port: number;
  /** Silences the connections that are open now. */
  silence(): void;
  /** A connection that sends this text is cut before it is answered. */
  cutAt: string | null;
  /** How many were. */
  cuts: number;
  /** Cuts the connections that are open now. */
  cut(): void;
  close(): Promise<void>;
}

export async function proxy(to: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    near.on('data', (sent) => {
      if (wire.cutAt === null || !sent.includes(wire.cutAt)) return;
      wire.cuts++;
      near.destroy();
    });
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const wire: Proxy = {
    cutAt: null,
    cuts: 0,
    port: (server.address() as AddressInfo).port,
    silence: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.resume();
        far.resume();
      }
    },
    cut: () => {
      for (const [near] of pairs) near.destroy();
    },
    close: async () => {
      for (const [near] of pairs) near.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return wire;
}
