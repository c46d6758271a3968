// The README's examples of servers, run as they stand against real ones that the test starts; what differs is named in
// `REPLACED`: ports, the password and the path of a certificate.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPostgres, startPostgres, stopServers } from './postgres-server.ts';
import { startCluster } from './redis-cluster.ts';
import { freePort, hasRedis, startRedis, stopAll } from './redis-server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const readme = readFileSync(join(here, '../README.md'), 'utf8');
/** Inside the package, so that its dependencies are found. */
const folder = join(here, '../node_modules/.ambit-test', `readme-${process.pid}`);
const files = mkdtempSync(join(tmpdir(), 'ambit-readme-'));
beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(files, { recursive: true, force: true });
  stopAll();
  stopServers();
});

/** The blocks that follow a marker, up to the next text: language and code. */
function blocks(name: string): { readonly language: string; readonly code: string }[] {
  const from = readme.indexOf(`<!-- run: ${name} -->`);
  expect(from, `the README has a block ${name}`).toBeGreaterThan(0);
  const found: { language: string; code: string }[] = [];
  let rest = readme.slice(readme.indexOf('\n', from));
  for (
    let block;
    (block = /^\s*```(\w+)\n([^]*?)```\n/.exec(rest)) !== null;
    rest = rest.slice(block[0].length)
  )
    found.push({ language: block[1]!, code: block[2]! });
  return found;
}

/** After an example: a budget of one, spent once. */
const USE = `
const { charges, counter, serverSeconds } = await import('${join(here, '../src/testing/make.ts')}');
const at = serverSeconds();
const spend = () => store.budgets.reserve(charges([counter('one', 1, 1, { expires: at + 600 })]), at);
const first = await spend();
const second = await spend();
await store.revocations.add({ kind: 'user', issuer: 'acme', value: 'u', reason: '' }, at);
console.log(first.ok, second.ok, second.code, (await store.revocations.since(0)).entries.length);
await store.close();
process.exit(0);
`;

/** Runs an example; `replaced` pairs what the README says with what is true here. */
async function run(name: string, replaced: readonly (readonly [string, string])[]): Promise<string> {
  let said = '';
  for (const { language, code } of blocks(name)) {
    const text = replaced.reduce((all, [from, to]) => all.replaceAll(from, to), code);
    if (language === 'sh') {
      const ran = spawnSync('sh', ['-c', text], { encoding: 'utf8' });
      expect(ran.stdout + ran.stderr).toBe('OK\n');
      continue;
    }
    const [source, bundled] = [join(folder, `${name}.ts`), join(folder, `${name}.mjs`)];
    writeFileSync(source, text + USE);
    await build({
      entryPoints: [source],
      outfile: bundled,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@ambit/source'],
      external: ['ioredis', 'pg', '@photostructure/sqlite', '@noble/*'],
      logLevel: 'silent',
    });
    const child = spawn(process.execPath, [bundled], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (said += part));
    await new Promise((resolve) => child.once('close', resolve));
  }
  return said;
}

const RIGHT = 'true false budget_exceeded 1\n';

describe.skipIf(!hasRedis)('the README with Redis', () => {
  test('one server, a user with an access list', async () => {
    const server = await startRedis();
    const replaced = [
      ['redis-cli', `redis-cli -p ${server.port}`],
      [':6379', `:${server.port}`],
      ['PASSWORD', 'hunter2'],
    ] as const;
    expect(await run('redis', replaced)).toBe(RIGHT);
    // That user has no more than it needs.
    const denied = spawnSync(
      'redis-cli',
      ['-p', String(server.port), '--user', 'ambit', '--pass', 'hunter2', '--no-auth-warning', 'FLUSHALL'],
      { encoding: 'utf8' },
    );
    expect(denied.stdout).toContain('NOPERM');
    await server.stop();
  });

  test('finding S16 clients of your own', async () => {
    const server = await startRedis();
    expect(await run('own', [['6379', String(server.port)]])).toBe(RIGHT);
    await server.stop();
  });

  test('a master that a Sentinel watches', async () => {
    const server = await startRedis();
    const port = await freePort();
    const config = join(files, 'sentinel.conf');
    writeFileSync(
      config,
      `port ${port}\nbind 127.0.0.1\ndir ${files}\nsentinel monitor main 127.0.0.1 ${server.port} 1\n`,
    );
    const sentinel = spawn('redis-server', [config, '--sentinel'], { stdio: 'ignore' });
    try {
      await expect
        .poll(() => spawnSync('redis-cli', ['-p', String(port), 'ping'], { encoding: 'utf8' }).stdout)
        .toBe('PONG\n');
      expect(await run('sentinel', [['26379', String(port)]])).toBe(RIGHT);
    } finally {
      const ended = new Promise((resolve) => sentinel.once('exit', resolve));
      sentinel.kill('SIGKILL');
      await ended;
      await server.stop();
    }
  });

  test('a Cluster', async () => {
    const cluster = await startCluster();
    const replaced = cluster.nodes.map((node, i) => [`700${i + 1}`, String(node.port)] as const);
    expect(await run('cluster', replaced)).toBe(RIGHT);
    await cluster.stop();
  });

  test('TLS, by an authority of your own', async () => {
    const at = (name: string): string => join(files, name);
    const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
    const subject = [
      '-subj',
      '/CN=ambit test',
      '-days',
      '2',
      '-nodes',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
    ];
    openssl('req', '-x509', ...subject, '-keyout', at('ca.key'), '-out', at('ca.pem'));
    openssl(
      'req',
      '-x509',
      ...subject,
      ...['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...[
        '-addext',
        'basicConstraints=critical,CA:FALSE',
        '-keyout',
        at('server.key'),
        '-out',
        at('server.pem'),
      ],
    );
    const port = await freePort();
    const server = await startRedis([
      ...['--save', '', '--tls-port', String(port), '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', at('server.pem'), '--tls-key-file', at('server.key')],
    ]);
    const replaced = [
      [':6380', `:${port}`],
      ['/etc/ambit/redis-ca.pem', at('ca.pem')],
    ] as const;
    expect(await run('tls', replaced)).toBe(RIGHT);
    // A server that another authority vouches for is not believed.
    openssl('req', '-x509', ...subject, '-keyout', at('other.key'), '-out', at('other.pem'));
    expect(await run('tls', [replaced[0], ['/etc/ambit/redis-ca.pem', at('other.pem')]])).toMatch(
      /store_unavailable/,
    );
    await server.stop();
  });
});

test.skipIf(!hasPostgres)('the README with PostgreSQL', async () => {
  const server = await startPostgres();
  const admin = await server.admin();
  await admin.query('create role verifier login');
  expect(await run('postgres', [[':5432', `:${server.port}`]])).toBe(RIGHT);
  await server.stop();
});
