// A hijacked agent under another user: adds records, then tries everything else. Prints one line for each attempt.
// Arguments: root directory, socket path, pid of the writer.
import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connectLog } from '../../src/serve/client.ts';
import { encodeFrame, OPERATION } from '../../src/serve/frame.ts';

const [root, socket, pid] = process.argv.slice(2);
const say = (what: string, how: string): void => void process.stdout.write(`${what}: ${how}\n`);
const attempt = async (what: string, act: () => unknown): Promise<void> => {
  try {
    await act();
    say(what, 'done');
  } catch (error) {
    say(what, error instanceof Error && 'code' in error ? String(error.code) : 'failed');
  }
};
const log = connectLog(socket!);
const other = connectLog(`${socket}.2`);
say('as', String(process.getuid!()));
const mine = await log.record({
  kind: 'decision',
  code: 'allowed',
  session: 's',
  tool: { name: 'mail.send' },
});
const theirs = await other.record({ kind: 'decision', code: 'allowed' });
await attempt('read own', () => log.read(mine.index));
await attempt('receipt of own', () => log.receipt(mine.index));
await attempt('read of another', () => log.read(theirs.index));
await attempt('read past the end', () => log.read(1_000_000));
await attempt('list files', () => readdirSync(join(root!, 'log')));
await attempt('read checkpoint', () => readFileSync(join(root!, 'log/checkpoint')));
await attempt('read key', () => readFileSync(join(root!, 'head')));
await attempt('change tile', () => writeFileSync(join(root!, 'log/tile/0/000.p/1'), 'x'));
await attempt('append to wal', () => appendFileSync(join(root!, 'log/wal/0000000000000000.wal'), 'x'));
await attempt('cut wal', () => truncateSync(join(root!, 'log/wal/0000000000000000.wal'), 0));
await attempt('remove log', () => rmSync(join(root!, 'log'), { recursive: true }));
await attempt('remove socket', () => unlinkSync(socket!));
await attempt('kill writer', () => process.kill(Number(pid), 'SIGKILL'));
await attempt('set the time', () => log.record({ kind: 'decision', code: 'allowed', at: 1 }));
await attempt('be another', () => log.record({ kind: 'decision', code: 'allowed', by: 'guard-2' }));
await attempt('break the chain', () =>
  log.record({ kind: 'decision', code: 'allowed', seq: 9, prev: 'x' } as never),
);
await attempt('no record at all', () => log.record({ kind: 'gossip' } as never));
const raw = (bytes: Uint8Array): Promise<string> =>
  new Promise((resolve) => {
    const out: Buffer[] = [];
    const connection = createConnection(socket!, () => connection.end(bytes));
    connection.on('data', (d: Buffer) => out.push(d));
    connection.on('error', () => resolve('error'));
    connection.on('close', () => resolve(Buffer.concat(out).toString('latin1')));
    setTimeout(() => connection.destroy(), 300);
  });
for (const operation of [0, 5, 6, 99, 255]) {
  const answer = await raw(encodeFrame(operation, 1, '0'));
  say(`operation ${operation}`, answer.includes('method_not_allowed') ? 'method_not_allowed' : answer);
}
const append = async (payload: Uint8Array | string): Promise<string> => {
  const answer = await raw(encodeFrame(OPERATION.append, 1, payload));
  return answer.includes('audit_refused') ? 'audit_refused' : answer;
};
say('append JSON', await append('{"kind":"decision","code":"allowed"}'));
say('append a date', await append(Uint8Array.of(0xc1, 0)));
say('append a record of cbor-x', await append(Buffer.from('d9dfff830081616101', 'hex')));
say('append brackets', await append(new Uint8Array(262_144).fill(0x81)));
say('append a huge list', await append(Buffer.from('9affffffff', 'hex')));
say('append __proto__', await append(Buffer.from('a1695f5f70726f746f5f5fa0', 'hex')));
say('garbage', (await raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))) === '' ? 'closed' : 'answered');
say(
  'huge frame',
  (await raw(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 1]))) === '' ? 'closed' : 'answered',
);
await attempt('still appending', () =>
  log.record({ kind: 'outcome', of: mine.index, session: 's', result: { status: 'ok' } }),
);
process.exit(0);
