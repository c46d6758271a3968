// A real Redis Cluster of three masters, for one test file, and what an operator does to it: slots that move.
import { spawnSync } from 'node:child_process';
import { Cluster } from 'ioredis';
import { startRedis, type Server } from './redis-server.ts';

export interface ClusterServers {
  readonly nodes: readonly Server[];
  connect(): Promise<Cluster>;
  /** Moves the slot of a key, and what is in it, to the next node. Returns how many keys went. */
  move(key: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<ClusterServers> {
  const nodes = await Promise.all(
    [1, 2, 3].map(() => startRedis(['--save', '', '--cluster-enabled', 'yes', '--cluster-port', '0'])),
  );
  const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
  const made = spawnSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'], {
    encoding: 'utf8',
  });
  if (!made.stdout.includes('All 16384 slots covered')) throw new Error(made.stdout + made.stderr);
  const admins = await Promise.all(
    nodes.map(async (node) => {
      const admin = node.connect();
      await admin.connect();
      return admin;
    }),
  );
  const info = async (): Promise<boolean> =>
    (await Promise.all(admins.map((admin) => admin.cluster('INFO')))).every((text) =>
      String(text).includes('cluster_state:ok'),
    );
  for (let i = 0; !(await info()); i++) {
    if (i > 600) throw new Error('the cluster does not come up');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const clients: Cluster[] = [];
  return {
    nodes,
    connect: async () => {
      const client = new Cluster(
        nodes.map((node) => ({ host: '127.0.0.1', port: node.port })),
        { lazyConnect: true, redisOptions: { maxRetriesPerRequest: 2 } },
      );
      client.on('error', () => undefined);
      clients.push(client);
      await client.connect();
      return client;
    },
    move: async (key) => {
      const slot = await admins[0]!.cluster('KEYSLOT', key);
      const counts = await Promise.all(admins.map((admin) => admin.cluster('COUNTKEYSINSLOT', slot)));
      const from = counts.findIndex((n) => n > 0);
      const to = (from + 1) % nodes.length;
      const names = await Promise.all(admins.map((admin) => admin.cluster('MYID')));
      await admins[to]!.cluster('SETSLOT', slot, 'IMPORTING', names[from]!);
      await admins[from]!.cluster('SETSLOT', slot, 'MIGRATING', names[to]!);
      const keys = await admins[from]!.cluster('GETKEYSINSLOT', slot, 100_000);
      await admins[from]!.migrate('127.0.0.1', nodes[to]!.port, '', 0, 10_000, 'KEYS', ...keys);
      for (const at of [to, from, (to + 1) % nodes.length])
        await admins[at]!.cluster('SETSLOT', slot, 'NODE', names[to]!);
      return keys.length;
    },
    stop: async () => {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
