// A planner and two workers over the MCP filesystem and memory servers, each in a process of its own.
//   node examples/planner/planner.mjs        (after `npm run build`)
// The operator's side mints one token for the planner. The planner derives a narrower one for each worker, hands it
// over, and ends it with the sub-task. Both servers stand unmodified behind the guard.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createVerifier, Keyring, mint, PublicKey, restrict, SecretKey, signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  directorySource,
  homePaths,
  homeVerifier,
  openHome,
  openReader,
  search,
  verifyLog,
} from '@ambit/audit';
import { withSubAgent } from '@ambit/agent';
import { createGuard } from '@ambit/guard';
import { proxyStdio } from '@ambit/guard/mcp';
import { storeRevoker } from '@ambit/state';
import { openSqlite } from '@ambit/state/sqlite';

const AUDIENCE = 'tools.acme.com';
const now = () => Math.floor(Date.now() / 1000);
const server = (name) =>
  createRequire(import.meta.url).resolve(`@modelcontextprotocol/server-${name}/dist/index.js`);
const say = (line) => console.log(JSON.stringify(line));

// The operator: keys, state, log, guard.
const home = mkdtempSync(join(tmpdir(), 'ambit-planner-'));
const docs = join(home, 'docs');
mkdirSync(docs);
writeFileSync(join(docs, 'plan.md'), 'Ship on Friday.');
writeFileSync(join(home, 'payroll.csv'), 'jane,90000');
const keyring = Keyring.create('iam.acme.com');
const store = openSqlite(join(home, 'state.db'));
const recorder = await openHome(home, { origin: 'audit.acme.com/planner' });
await store.sessions.open(
  { issuer: 'iam.acme.com', id: 'task-1', operator: 'acme-corp', user: 'jane', expires: now() + 600 },
  now(),
);
const verifier = createVerifier({
  audience: AUDIENCE,
  keys: keyring.exportFor(AUDIENCE),
  provider: nodeProvider,
  proofSessions: { key: SecretKey.generate('x25519') },
});
const tools = () => ({ external: false, data: ['internal'] });
const guard = createGuard({ verifier, store, audit: recorder, tools });

// The planner: one token, delegable once, and a key of its own.
const planner = signer(SecretKey.generate('holder'), nodeProvider);
const token = mint(keyring, {
  operator: { id: 'acme-corp' },
  model: { id: 'planner-v1', digest: new Uint8Array(32).fill(1) },
  session: 'task-1',
  user: 'jane',
  audience: AUDIENCE,
  tools: ['read_text_file', 'list_directory', 'create_entities', 'read_graph'],
  data: ['internal'],
  budgets: [{ unit: 'calls', limit: 20 }],
  delegations: 1,
  holder: planner.publicKey,
  issuedAt: now(),
  expires: now() + 600,
});

/** One sub-task: a worker, its server behind the guard, its token; all three end together. */
async function subTask(name, serverArgs, env, only, calls) {
  const worker = fork(new URL('worker.mjs', import.meta.url), { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] });
  const exited = once(worker, 'exit');
  const [hello] = await once(worker, 'message');
  const to = PublicKey.parse('holder', hello.key);
  const proxy = proxyStdio({
    guard,
    command: process.execPath,
    args: serverArgs,
    env: { ...process.env, ...env },
    input: worker.stdout,
    output: worker.stdin,
    errors: process.stderr,
  });
  const results = await withSubAgent(
    token,
    planner,
    { to, only, label: name, revoke: storeRevoker(store) },
    async (agent) => {
      worker.send({ name, token: agent.token, audience: AUDIENCE, calls });
      const [answer] = await once(worker, 'message');
      return answer.results;
    },
  );
  for (const result of results) say({ worker: name, ...result });
  worker.send('go on');
  const [{ late }] = await once(worker, 'message');
  say({ worker: name, after: 'the sub-task', ...late });
  await exited;
  await proxy;
  return results;
}

try {
  const inDocs = restrict.args(['read_text_file'], { path: { kind: 'subpath', roots: [docs] } });
  const [plan] = await subTask(
    'reader',
    [server('filesystem'), home],
    {},
    [restrict.tools('read_text_file'), inDocs, restrict.calls(3)],
    [
      { tool: 'read_text_file', args: { path: join(docs, 'plan.md') } },
      { tool: 'read_text_file', args: { path: join(home, 'payroll.csv') } },
      { tool: 'write_file', args: { path: join(docs, 'plan.md'), content: 'Never ship.' } },
    ],
  );
  const entity = (text) => ({ entities: [{ name: 'plan', entityType: 'note', observations: [text] }] });
  await subTask(
    'keeper',
    [server('memory')],
    { MEMORY_FILE_PATH: join(home, 'memory.jsonl') },
    [restrict.tools('create_entities'), restrict.calls(2)],
    [
      { tool: 'create_entities', args: entity(plan.text) },
      { tool: 'delete_entities', args: { entityNames: ['plan'] } },
      { tool: 'create_entities', args: entity('two') },
      { tool: 'create_entities', args: entity('three') },
    ],
  );
  await guard.settled();
  await recorder.log.checkpoint();
  const source = directorySource(homePaths(home).directory);
  const { reader } = await openReader(source, await homeVerifier(home));
  for await (const { record } of search(reader, { kind: 'decision' })) {
    say({
      log: record.code,
      tool: record.tool.name,
      by: record.token.chain.map((n) => n.label ?? 'planner'),
      for: record.user,
    });
  }
  const report = await verifyLog({ directory: homePaths(home).directory, log: await homeVerifier(home) });
  say({ verified: report.ok });
} finally {
  await recorder.close();
  await store.close();
  rmSync(home, { recursive: true, force: true });
}
