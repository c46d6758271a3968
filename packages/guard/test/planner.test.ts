// Sub-agents: `spawn` narrows, hands over and ends; the planner example with its workers and servers as processes.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCall as makeCall, prove, restrict, SecretKey, signer, type Signer } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { withSubAgent, createSubAgent, type SpawnOptions } from '@ambit/agent';
import { storeRevoker } from '@ambit/state';
import { AUDIENCE, seconds, world, type World } from './world.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(async () => w.end());
const worker = signer(SecretKey.generate('holder'), nodeProvider);
const options = (more: Partial<SpawnOptions> = {}): SpawnOptions => ({
  to: worker.publicKey,
  label: 'worker',
  only: [restrict.tools('echo')],
  revoke: storeRevoker(w.store),
  ...more,
});
async function use(token: string, tool: string, by: Signer<'holder'> = worker): Promise<string> {
  const made = makeCall({ tool, args: {} });
  if (!made.ok) throw new Error(made.message);
  const proof = prove(token, made.call, { audience: AUDIENCE, time: seconds() }, by);
  const answer = await w.guard.authorize({ token, proof, call: made.call });
  return answer.ok ? 'allowed' : answer.denial.code;
}

describe('spawn', () => {
  it('gives less, to another key, and ends with the sub-task; the planner and a sibling live on', async () => {
    const token = w.token({ delegations: 1 });
    const sibling = createSubAgent(token, w.agent, options());
    let kept = '';
    const result = await withSubAgent(token, w.agent, options(), async (agent) => {
      kept = agent.token;
      expect(agent.expires).toBeLessThanOrEqual(seconds() + 301);
      expect(await use(agent.token, 'echo')).toBe('allowed');
      expect(await use(agent.token, 'read_file')).toBe('tool_not_granted');
      return 'result';
    });
    expect(result).toBe('result');
    expect(await use(kept, 'echo')).toBe('revoked');
    expect(await use(sibling.token, 'echo')).toBe('allowed');
    expect(await use(token, 'read_file', w.agent)).toBe('allowed');
  });

  it('a sub-task that throws ends its token as well, and its own error is seen', async () => {
    const token = w.token({ delegations: 1 });
    let kept = '';
    const task = withSubAgent(token, w.agent, options(), async (agent) => {
      kept = agent.token;
      throw new Error('the task failed');
    });
    await expect(task).rejects.toThrow('the task failed');
    expect(await use(kept, 'echo')).toBe('revoked');
  });

  it('whatever the sub-agent derived in turn dies with it', async () => {
    const token = w.token({ delegations: 2 });
    const second = signer(SecretKey.generate('holder'), nodeProvider);
    const agent = createSubAgent(token, w.agent, options());
    const below = createSubAgent(agent.token, worker, options({ to: second.publicKey, label: 'second' }));
    expect(await use(below.token, 'echo', second)).toBe('allowed');
    await agent.end();
    expect(await use(below.token, 'echo', second)).toBe('revoked');
  });

  it('needs a restriction, an allowance to delegate, and the holder; an end that failed can be tried again', async () => {
    const token = w.token({ delegations: 1 });
    expect(() => createSubAgent(token, w.agent, options({ only: [] }))).toThrow(RangeError);
    expect(() => createSubAgent(w.token(), w.agent, options())).toThrow(
      expect.objectContaining({ code: 'delegation_exceeded' }),
    );
    expect(() => createSubAgent(token, w.thief, options())).toThrow(
      expect.objectContaining({ code: 'delegation_invalid' }),
    );
    let down = true;
    const flaky = options({
      revoke: async (...a) => (down ? Promise.reject(new Error('down')) : storeRevoker(w.store)(...a)),
    });
    const agent = createSubAgent(token, w.agent, flaky);
    await expect(agent.end()).rejects.toThrow('down');
    down = false;
    await agent.end();
    expect(await use(agent.token, 'echo')).toBe('revoked');
  });
});

it('examples/planner: two workers, two servers, five processes', async () => {
  const file = fileURLToPath(new URL('../../../examples/planner/planner.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 50_000 });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const outcome = ({ worker: who, after, denied }: Record<string, unknown>): unknown[] => [
    who,
    after ?? 'during',
    denied ?? 'ok',
  ];
  expect(lines.filter((l) => 'worker' in l).map(outcome)).toEqual([
    ['reader', 'during', 'ok'],
    ['reader', 'during', 'argument_refused'],
    ['reader', 'during', 'tool_not_granted'],
    ['reader', 'the sub-task', 'revoked'],
    ['keeper', 'during', 'ok'],
    ['keeper', 'during', 'tool_not_granted'],
    ['keeper', 'during', 'ok'],
    ['keeper', 'during', 'budget_exceeded'],
    ['keeper', 'the sub-task', 'revoked'],
  ]);
  const log = lines.filter((l) => 'log' in l);
  expect(log).toHaveLength(9);
  for (const line of log) expect((line['by'] as string[])[0]).toBe('planner');
  expect(lines.at(-1)).toEqual({ verified: true });
});
