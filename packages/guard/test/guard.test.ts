// The guard itself: fail closed at every step, callbacks that change nothing, denials that can't be read as success,
// forgotten awaits, agents that don't mix, and the four layers of a real operator configuration.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  attenuate,
  parseCall as makeCall,
  createVerifier,
  fromHex,
  inspect,
  prove,
  restrict,
  SecretKey,
  signer,
  toBase64url,
  type Signer,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  createGuard,
  type Guard,
  type GuardOptions,
  type Permit,
  type GuardRequest,
  type Refusal,
} from '@ambit/guard';
import { issue, newSessionId } from '@ambit/authority';
import {
  apply,
  configuredEntitlements,
  measure,
  readOperator,
  ResolvedEntitlements,
  signModel,
  verifyAttestation,
  type Entitlement,
  type Registration,
} from '@ambit/identity';
import type { Recorded, Sink } from '@ambit/audit';
import type { Store } from '@ambit/state';
import { AUDIENCE, seconds, world, type World } from './world.ts';

let w: World;
beforeEach(async () => {
  w = await world();
});
afterEach(async () => w.end());

const base = (more: Partial<GuardOptions> = {}): Guard =>
  createGuard({
    verifier: w.verifier,
    store: w.store,
    audit: w.recorder,
    tools: () => ({ external: false, data: ['internal'] }),
    timeout: 30_000,
    ...more,
  });
function present(
  token: string,
  tool = 'echo',
  args: object = {},
  by: Signer<'holder'> = w.agent,
): GuardRequest {
  const made = makeCall({ tool, args: args as { [name: string]: unknown } });
  if (!made.ok) throw new Error(made.message);
  return {
    token,
    proof: prove(token, made.call, { audience: AUDIENCE, time: seconds() }, by),
    call: made.call,
  };
}
const codeOf = (a: Permit | Refusal): string => (a.ok ? 'allowed' : a.denial.code);
const counter = (): { runs: number; tool: () => Promise<string> } => {
  const c = { runs: 0, tool: async () => `run ${(c.runs += 1)}` };
  return c;
};

describe('fail closed', () => {
  it('L11 a log that rejects, or hangs: the tool does not run, and the budget is given back', async () => {
    const token = w.token({ budgets: [{ unit: 'calls', limit: 1 }] });
    const c = counter();
    const sinks: Sink[] = [
      { record: () => Promise.reject(new Error('disk full')) },
      { record: () => new Promise<Recorded>(() => undefined) },
      {
        record: () => {
          throw new Error('at once');
        },
      },
    ];
    for (const audit of sinks) {
      const answer = await base({ audit, timeout: 300 }).run(present(token), c.tool);
      expect(answer).toMatchObject({ ok: false, denial: { code: 'audit_unavailable' }, record: null });
    }
    expect(c.runs).toBe(0);
    expect(await base().run(present(token), c.tool)).toMatchObject({ ok: true, result: 'run 1' });
    expect(await base().run(present(token), c.tool)).toMatchObject({
      ok: false,
      denial: { code: 'budget_exceeded' },
    });
  });

  it('S8 a store that rejects, hangs or throws denies; what it reserved too late is given back', async () => {
    const token = w.token({ budgets: [{ unit: 'calls', limit: 1 }] });
    const c = counter();
    let release = (): void => undefined;
    const late = new Promise<void>((resolve) => (release = resolve));
    const { budgets } = w.store;
    const broken: Partial<Store>[] = [
      { budgets: { ...budgets, reserve: () => Promise.reject(new Error('gone')) } },
      { budgets: { ...budgets, reserve: () => new Promise(() => undefined) } },
      {
        sessions: {
          ...w.store.sessions,
          check: () => {
            throw new Error('gone');
          },
        },
      },
      {
        revocations: { ...w.store.revocations, isRevoked: () => ({ ok: false, code: 'revocations_stale' }) },
      },
      {
        budgets: {
          ...budgets,
          reserve: async (...a) => {
            await late;
            return budgets.reserve(...a);
          },
          release: (r) => budgets.release(r),
        },
      },
    ];
    const codes: string[] = [];
    for (const part of broken)
      codes.push(
        codeOf(await base({ store: { ...w.store, ...part }, timeout: 300 }).authorize(present(token))),
      );
    expect(codes).toEqual([
      'store_unavailable',
      'store_unavailable',
      'store_unavailable',
      'revocations_stale',
      'store_unavailable',
    ]);
    release();
    await new Promise((r) => setTimeout(r, 100));
    expect(await base().run(present(token), c.tool)).toMatchObject({ ok: true });
    // A tool that the operator lists proceeds, uncharged, and the record says so.
    const listed = base({
      store: {
        ...w.store,
        budgets: { ...budgets, reserve: async () => ({ ok: false, code: 'store_unavailable', caveat: -1 }) },
      },
      proceedOnFault: ['echo'],
    });
    expect(codeOf(await listed.authorize(present(token)))).toBe('allowed');
    expect((await w.records()).at(-1)?.reason).toContain('proceeded uncharged');
  });

  it('a watcher, a flow keeper or a fact finder that throws denies, and gives the budget back', async () => {
    const token = w.token({ budgets: [{ unit: 'calls', limit: 1 }] });
    const fail = (): never => {
      throw new Error('bug');
    };
    expect(codeOf(await base({ watcher: { refuse: fail } }).authorize(present(token)))).toBe(
      'service_failed',
    );
    expect(codeOf(await base({ flow: { facts: fail } }).authorize(present(token)))).toBe('fact_missing');
    expect(codeOf(await base({ tools: fail }).authorize(present(token)))).toBe('fact_missing');
    expect(codeOf(await base().authorize({ ...present(token), known: fail }))).toBe('fact_missing');
    expect(codeOf(await base().authorize(present(token)))).toBe('allowed');
  });

  it('L2 each stage of a call that throws denies, in a record; what was charged before it is given back', async () => {
    const token = w.token({ budgets: [{ unit: 'calls', limit: 1 }] });
    const fail = (): never => {
      throw new Error('bug');
    };
    const unreadable = { ...present(token), call: Object.defineProperty({}, 'tool', { get: fail }) as never };
    const verifier = Object.create(w.verifier, { verify: { value: fail } }) as typeof w.verifier;
    const revocations = { ...w.store.revocations, isRevoked: fail };
    const codes = [
      codeOf(await base({ verifier }).authorize(present(token))),
      codeOf(await base({ tools: fail }).authorize(present(token))),
      codeOf(await base({ store: { ...w.store, revocations } }).authorize(present(token))),
      codeOf(await base({ watcher: { refuse: fail } }).authorize(present(token))),
    ];
    expect(codes).toEqual(['internal', 'fact_missing', 'store_unavailable', 'service_failed']);
    expect((await w.records()).map((r) => r.code)).toEqual(codes);
    await expect(base().authorize(unreadable)).resolves.toMatchObject({ ok: false });
    expect(codeOf(await base().authorize(present(token)))).toBe('allowed');
  });

  it('an outcome that cannot be written is reported, changes no answer, and the next call is denied', async () => {
    const faults: unknown[] = [];
    let up = true;
    const audit: Sink = { record: (d) => (up ? w.recorder.record(d) : Promise.reject(new Error('full'))) };
    const g = base({ audit, onFault: (e) => void faults.push(e) });
    const answer = await g.run(present(w.token()), async () => {
      up = false;
      return 'done';
    });
    expect(answer).toMatchObject({ ok: true, result: 'done' });
    await g.settled();
    expect(faults).toHaveLength(1);
    expect(codeOf(await g.authorize(present(w.token())))).toBe('audit_unavailable');
  });

  it.each([-1, 0.5, Number.NaN])(
    'G3 an outcome of %d bytes gives nothing back, and never gets to the store',
    async (bytes) => {
      const faults: unknown[] = [];
      const g = base({ onFault: (e) => void faults.push(e) });
      const token = w.token({ budgets: [{ unit: 'bytes', limit: 1000 }] });
      const moves = (): GuardRequest => ({ ...present(token), known: () => ({ bytes: 600 }) });
      expect(
        await g.run(
          moves(),
          async () => 'done',
          () => ({ bytes }),
        ),
      ).toMatchObject({ ok: true });
      await g.settled();
      // The log takes no such number either; the store is not even asked.
      expect(faults).toMatchObject([{ code: 'audit_refused' }]);
      expect(codeOf(await g.authorize(moves()))).toBe('budget_exceeded');
    },
  );

  it('A5 what failed leaves a record: refused before there was a call, forged, malformed', async () => {
    const g = base();
    await g.authorize({ token: 'amb1_forged', call: { tool: 'echo' } });
    await g.authorize({ call: { tool: 'no such tool!' } });
    await g.authorize({ ...present(w.token()), proof: undefined });
    // A thief with a token and a key of its own: the proof is by another holder than the token's.
    await g.authorize({
      ...present(w.token({ holder: w.thief.publicKey }), 'echo', {}, w.thief),
      token: w.token(),
    });
    expect((await w.records()).map((r) => r.code)).toEqual([
      'token_invalid',
      'tool_invalid',
      'proof_missing',
      'proof_invalid',
    ]);
  });

  it('S7 a model revoked by its digest is refused', async () => {
    const token = w.token();
    expect(codeOf(await base().authorize(present(token)))).toBe('allowed');
    await w.store.revocations.add(
      { kind: 'model', value: toBase64url(fromHex('01'.repeat(32))!), reason: 'leaked' },
      seconds(),
    );
    expect(codeOf(await base().authorize(present(token)))).toBe('revoked');
  });
});

describe('group G', () => {
  it('G3 a denial cannot be read as success: it is another shape, and every face of it says no', async () => {
    const refused = await base().authorize(present(w.token(), 'write_elsewhere'));
    expect(refused.ok).toBe(false);
    for (const field of ['call', 'view', 'finish', 'result', 'permit'])
      expect(refused).not.toHaveProperty(field);
    const ran = await base().run(present(w.token(), 'write_elsewhere'), async () => 'x');
    expect(ran).not.toHaveProperty('result');
  });

  it('G4 callbacks that throw, reject or return nonsense change no decision', async () => {
    const seen: string[] = [];
    const reject = (async () => {
      throw new Error('metrics are down');
    }) as unknown as () => void;
    const meter = {
      createCounter: () => ({ add: reject }),
      createHistogram: () => ({
        record: () => {
          throw new Error('no');
        },
      }),
    };
    const observer = { decided: reject, ingested: reject, ended: reject };
    for (const onDecision of [
      reject,
      () => {
        throw new Error('no');
      },
      (() => false) as () => void,
    ]) {
      const g = base({ onDecision, observer, telemetry: { meter } });
      const answer = await g.run(present(w.token()), async (_, permit) => {
        permit.ingest({ x: 1 });
        return 'fine';
      });
      seen.push(answer.ok ? answer.result : answer.denial.code);
      seen.push(codeOf(await g.authorize(present(w.token(), 'other'))));
    }
    expect(seen).toEqual(Array.from({ length: 3 }, () => ['fine', 'tool_not_granted']).flat());
    // Rejections that nobody handles would have ended the process by now.
    await new Promise((r) => setTimeout(r, 20));
  });

  it('G5 a forgotten await is found by the compiler or the linter, in each of its forms', () => {
    // Types: never run. `npm run check` fails when one of these compiles.
    const misuse = async (g: Guard, p: GuardRequest): Promise<void> => {
      // @ts-expect-error a promise has no `ok`
      if (g.authorize(p).ok) throw new Error();
      const answer = await g.authorize(p);
      // @ts-expect-error a refusal has no `call`: `ok` has to be asked first
      void answer.call;
      // @ts-expect-error nor does the answer of `run` have a result before that
      void (await g.run(p, async () => 1)).result;
    };
    expect(misuse).toBeTypeOf('function');
    const here = dirname(fileURLToPath(import.meta.url));
    const folder = mkdtempSync(join(here, 'lint-'));
    try {
      const file = join(folder, 'forgotten.ts');
      writeFileSync(
        file,
        `import type { Guard, GuardRequest } from '@ambit/guard';
export async function forgotten(g: Guard, p: GuardRequest): Promise<string> {
  g.authorize(p);
  if (g.authorize(p)) return 'ran';
  g.run(p, async () => 1);
  return 'refused';
}
`,
      );
      const oxlint = join(here, '../../../node_modules/.bin/oxlint');
      const { stdout } = spawnSync(oxlint, ['--type-aware', file], {
        cwd: join(here, '../../..'),
        encoding: 'utf8',
      });
      expect(stdout.match(/no-floating-promises/g)).toHaveLength(2);
      expect(stdout.match(/no-misused-promises/g)).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('G6 five hundred interleaved calls of two agents never mix', async () => {
    const other = w.thief;
    const tokens = {
      a: w.token({ user: 'ann', tools: ['tool.*'] }),
      b: w.token({ user: 'bob', tools: ['tool.*'], deny: ['tool.odd'], holder: other.publicKey }),
    };
    const g = base();
    const wait = (): Promise<void> => new Promise((r) => setTimeout(r, Math.random() * 20));
    const wrong: unknown[] = [];
    const allowed = { a: 0, b: 0 };
    await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        const who = i % 2 === 0 ? 'a' : 'b';
        const tool = i % 4 < 2 ? 'tool.even' : 'tool.odd';
        await wait();
        const answer = await g.run(
          present(tokens[who], tool, { i, who }, who === 'a' ? w.agent : other),
          async (call, permit) => {
            await wait();
            const args = JSON.parse(call.args.canonical()) as { i: number; who: string };
            return { args, user: permit.view.user, tool: call.tool };
          },
        );
        const expected = who === 'a' || tool === 'tool.even';
        if (answer.ok !== expected) wrong.push([i, answer]);
        if (!answer.ok) return;
        allowed[who] += 1;
        const { args, user, tool: run } = answer.result;
        if (args.i !== i || args.who !== who || user !== (who === 'a' ? 'ann' : 'bob') || run !== tool)
          wrong.push([i, answer.result]);
      }),
    );
    expect(wrong).toEqual([]);
    expect(allowed).toEqual({ a: 250, b: 125 });
    await g.settled();
    const log = await w.records();
    for (const r of log.filter((x) => x.kind === 'outcome')) {
      const decision = log[r.of!]!;
      expect([decision.kind, decision.code, decision.user, decision.tool?.name]).toEqual([
        'decision',
        'allowed',
        r.user,
        r.tool?.name,
      ]);
    }
    expect(log).toHaveLength(500 + 375);
  });
});

describe('the layers of an operator, asked at every call', () => {
  const model = signer(SecretKey.generate('model'), nodeProvider);
  const example = readFileSync(new URL('../../../examples/operator.yaml', import.meta.url), 'utf8').replace(
    /ml-platform: ambpub_model_\S+/,
    `ml-platform: ${model.publicKey.toString()}`,
  );
  function operatorOf(text: string): Registration['operator'] {
    return readOperator(text);
  }
  const operators = new Map<string, Registration>();
  async function minted(
    user: string,
    entitlements: GuardOptions['identity'] extends infer I
      ? NonNullable<I> extends { entitlements: infer E }
        ? E
        : never
      : never,
    tools: string[],
  ): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'ambit-model-'));
    writeFileSync(join(directory, 'weights.bin'), 'weights');
    const signed = await signModel(directory, 'razorsec-agent-v2.1', model);
    const measured = await measure(directory);
    rmSync(directory, { recursive: true });
    const registration = operators.get('acme-corp')!;
    const attestation = verifyAttestation(signed.text, registration.operator.config.signers, nodeProvider);
    if (!attestation.ok) throw new Error(attestation.message);
    const opened = await issue(
      {
        user,
        session: newSessionId(),
        model: { id: 'razorsec-agent-v2.1', measured },
        tools,
        data: ['public', 'internal'],
      },
      { registration, attestation, entitlements, revocations: w.store.revocations, now: seconds() },
      { keyring: w.keyring, holder: w.agent.publicKey, sessions: w.store.sessions },
    );
    if (!opened.ok) throw new Error(opened.message);
    return opened.token;
  }
  beforeEach(() => {
    operators.clear();
    operators.set(
      'acme-corp',
      apply(operatorOf(example.replace('razorsec-iam-service', 'iam.acme.com')), seconds() - 5, null),
    );
  });
  const guarded = (entitlements: NonNullable<GuardOptions['identity']>['entitlements']): Guard => {
    const verifier = createVerifier({
      audience: AUDIENCE,
      keys: w.keyring.domainKeys(),
      provider: nodeProvider,
      proofSessions: { key: SecretKey.generate('x25519') },
    });
    return createGuard({
      verifier,
      store: w.store,
      audit: w.recorder,
      identity: { operators, entitlements },
    });
  };

  it('I2, I3 a change of configuration and a right that the user loses end the agent’s, at once', async () => {
    const g = guarded(configuredEntitlements);
    const token = await minted('analyst-sam@acme.com', configuredEntitlements, ['web_search', 'file_write']);
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('allowed');
    expect(codeOf(await g.authorize(present(token, 'external_email')))).not.toBe('allowed');
    const before = operators.get('acme-corp')!;
    const less = example
      .replace('razorsec-iam-service', 'iam.acme.com')
      .replace(
        'analyst-sam@acme.com: { groups: [senior-analyst] }',
        'analyst-sam@acme.com: { groups: [junior-analyst] }',
      );
    // With a grace period the token of the old configuration still works, but not for what the user has lost.
    operators.set('acme-corp', apply(operatorOf(`${less}grace: 10m\n`), seconds(), before));
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('allowed');
    expect(codeOf(await g.authorize(present(token, 'file_write')))).toBe('user_not_entitled');
    operators.set('acme-corp', apply(operatorOf(less), seconds(), before));
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('config_changed');
    operators.clear();
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('operator_unknown');
    const log = (await w.records()).filter((r) => r.kind === 'decision');
    expect(log.at(-3)).toMatchObject({
      code: 'user_not_entitled',
      refused: ['user'],
      allowed: ['operator', 'model'],
    });
  });

  it("the operator's price is charged and settled by its tool, and its threshold warns", async () => {
    const priced = example
      .replace('razorsec-iam-service', 'iam.acme.com')
      .replace(/price: \{ microusd: 5000 \}.*/, 'price: { microusd: { most: 400, least: 0 } }')
      .replace(/^warn: .*$/m, 'warn: 75');
    operators.set('acme-corp', apply(operatorOf(priced), seconds() - 5, null));
    const g = guarded(configuredEntitlements);
    const minted1 = await minted('analyst-sam@acme.com', configuredEntitlements, [
      'web_search',
      'file_write',
    ]);
    const token = attenuate(minted1, restrict.cost('microusd', 1000));
    const call = async (microusd: number): Promise<unknown> => {
      const ran = await g.run(
        present(token, 'web_search'),
        async () => 'found',
        () => ({ cost: { microusd } }),
      );
      return ran.ok ? ran.permit.warnings.map(({ left }) => left) : ran.denial.code;
    };
    expect(await call(300)).toEqual([]);
    expect(await call(300)).toEqual([]);
    // 600 are used, and 400 more could be: 1000 of 1000.
    expect(await call(0)).toEqual([0]);
    expect(await call(1)).toEqual([]);
    expect(await call(0)).toBe('budget_exceeded');
    // A tool whose price the operator does not state.
    expect(codeOf(await g.authorize(present(token, 'file_write')))).toBe('fact_missing');
  });

  it('the state is asked once about session and revocations, and the record has the answers that were given', async () => {
    const asked: string[] = [];
    const verifier = createVerifier({
      audience: AUDIENCE,
      keys: w.keyring.domainKeys(),
      provider: nodeProvider,
    });
    const { revocations, sessions } = w.store;
    const g = createGuard({
      verifier,
      audit: w.recorder,
      identity: { operators, entitlements: configuredEntitlements },
      store: {
        ...w.store,
        revocations: {
          ...revocations,
          isRevoked: (subject) => {
            asked.push('revocations');
            return revocations.isRevoked(subject);
          },
        },
        sessions: {
          ...sessions,
          check: (issuer, id, now) => {
            asked.push('session');
            return sessions.check(issuer, id, now);
          },
        },
      },
    });
    const token = await minted('analyst-sam@acme.com', configuredEntitlements, ['web_search', 'file_write']);
    const last = async (): Promise<unknown> => {
      const { code, allowed, refused } = (await w.records()).at(-1)!;
      return { code, allowed, refused };
    };
    // By the token alone, by caveats: no state is touched (L8), and no layer is said to have been asked.
    expect(codeOf(await g.authorize(present(token, 'external_email')))).not.toBe('allowed');
    const narrowed = attenuate(token, restrict.deny('web_search'));
    expect(codeOf(await g.authorize(present(narrowed, 'web_search')))).toBe('tool_denied');
    expect(await last()).toEqual({
      code: 'tool_denied',
      allowed: ['operator', 'model', 'user'],
      refused: undefined,
    });
    expect(asked).toEqual([]);
    // Once more at the end, because reserving takes time.
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('allowed');
    expect(asked).toEqual(['revocations', 'session', 'revocations']);
    const { session } = inspect(token).grant;
    await sessions.close('iam.acme.com', session, 'done', seconds());
    // Closing writes an entry into the list of revocations, so that services without these sessions learn of it.
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('revoked');
    expect(await last()).toEqual({
      code: 'revoked',
      allowed: ['operator', 'model', 'user'],
      refused: ['session'],
    });
    const value = toBase64url(inspect(token).grant.model.digest);
    const other = await minted('analyst-jane@acme.com', configuredEntitlements, ['web_search']);
    await revocations.add({ kind: 'model', value, reason: 'poisoned' }, seconds());
    const refusal = await g.authorize(present(other, 'web_search'));
    expect(refusal).toMatchObject({
      denial: { code: 'model_revoked' },
      publicDenial: { code: 'model_revoked' },
    });
    expect(await last()).toEqual({
      code: 'model_revoked',
      allowed: ['operator', 'user'],
      refused: ['model'],
    });
  });

  it('an expired token is a logged decision: its session refused it, and no other layer was asked', async () => {
    const g = guarded(configuredEntitlements);
    const token = await minted('analyst-sam@acme.com', configuredEntitlements, ['web_search']);
    const ended = attenuate(token, restrict.expires(seconds()));
    expect(codeOf(await g.authorize(present(ended, 'web_search')))).toBe('expired');
    const last = (await w.records()).filter((r) => r.kind === 'decision').at(-1)!;
    expect(last).toMatchObject({
      code: 'expired',
      caveat: 0,
      refused: ['session'],
      user: 'analyst-sam@acme.com',
    });
    expect(last.allowed).toBeUndefined();
  });

  it('a tool that needs a signature gets no session proof', async () => {
    const g = guarded(configuredEntitlements);
    const token = await minted('analyst-sam@acme.com', configuredEntitlements, [
      'read_customer_records',
      'web_search',
    ]);
    const { ProofSession } = await import('@ambit/core');
    const session = ProofSession.open(g.verifier.sessionOffer!, { time: seconds() }, w.agent, nodeProvider);
    const by = (tool: string): GuardRequest => {
      const made = makeCall({ tool, args: {} });
      if (!made.ok) throw new Error(made.message);
      return { token, proof: session.prove(token, made.call, seconds()), call: made.call };
    };
    expect(codeOf(await g.authorize(by('web_search')))).toBe('allowed');
    expect(codeOf(await g.authorize(by('read_customer_records')))).toBe('proof_signature_required');
    expect(codeOf(await g.authorize(present(token, 'read_customer_records')))).toBe('allowed');
  });

  it('rights by a resolver: fetched before use, lost at once, stale or silent denies', async () => {
    const resolving = `${example.replace('razorsec-iam-service', 'iam.acme.com').replace(/\nusers:\n( {2}.*\n)+/, '\n')}entitlements: { from: resolver, staleness: 1m }\n`;
    operators.set('acme-corp', apply(operatorOf(resolving), seconds() - 5, null));
    let says: () => Promise<Entitlement | null> = async () => ({ groups: ['senior-analyst'] });
    let now = seconds();
    const entitlements = new ResolvedEntitlements({
      resolver: { resolve: () => says() },
      timeout: 0.1,
      nowSeconds: () => now,
    });
    await entitlements.refresh(operators.get('acme-corp')!.operator, 'analyst-sam@acme.com');
    const token = await minted('analyst-sam@acme.com', entitlements, ['web_search', 'file_write']);
    const g = guarded(entitlements);
    entitlements.forget('analyst-sam@acme.com');
    expect(codeOf(await g.authorize(present(token, 'file_write')))).toBe('allowed');
    says = async () => ({ groups: ['junior-analyst'] });
    entitlements.forget('analyst-sam@acme.com');
    expect(codeOf(await g.authorize(present(token, 'file_write')))).toBe('user_not_entitled');
    says = () => new Promise(() => undefined);
    now += 61;
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('entitlements_unavailable');
    // Somebody else's token makes nobody ask.
    let asked = 0;
    says = async () => {
      asked += 1;
      return null;
    };
    await g.authorize({ ...present(token, 'web_search'), token: `${token.slice(0, -4)}AAAA` });
    expect(asked).toBe(0);
    // Nor does a genuine one that a thief presents, or that comes without a proof.
    const own = present(w.token({ holder: w.thief.publicKey }), 'web_search', {}, w.thief);
    expect(codeOf(await g.authorize({ ...own, token }))).toBe('proof_invalid');
    expect(codeOf(await g.authorize({ token, call: { tool: 'web_search' } }))).toBe('proof_missing');
    expect(asked).toBe(0);
    expect(codeOf(await g.authorize(present(token, 'web_search')))).toBe('user_unknown');
    expect(asked).toBe(1);
  });
});
