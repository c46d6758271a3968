// Attack catalogue, group I, with real tokens, a real store and a real artifact; and the life of a session.
import { beforeAll, describe, expect, test } from 'vitest';
import {
  AmbitError,
  parseCall,
  createVerifier,
  Keyring,
  mint,
  prove,
  signer,
  toBase64url,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  diffText,
  explainLayers,
  federate,
  registrationOf,
  unverifiedActor,
  ResolvedEntitlements,
  verifierSeals,
  type Entitlement,
  type Manifest,
  askedView,
  checkRevoked,
  type RevocationView,
} from '@ambit/identity';
import { ACME, acme, holderKey, holderSecret, partnerSecret } from '../../identity/test/operators.ts';
import { applyConfiguration, diffConfigurationTexts, duringSession, grantFor } from '../src/index.ts';
import { artifact, AUDIENCE, codeOf, layerOf, T0, World } from './world.ts';

let model: { measured: Manifest; text: string };
let other: { measured: Manifest; text: string };
let w: World;
beforeAll(async () => {
  model = await artifact();
  other = await artifact('agent-v1');
});
const fresh = (): World => (w = new World(model));
const digest = (m: Manifest): string => toBase64url(m.digest);

describe('binding: requested AND operator AND model AND user', () => {
  test('junior and senior get different grants for the same request', () => {
    fresh();
    const specs = ['jane', 'sam'].map((user) => {
      const bound = grantFor(w.request({ user }), w.context);
      if (!bound.ok) throw new Error(bound.message);
      return bound;
    });
    expect(specs[0]!.spec).toMatchObject({
      user: 'jane',
      tools: ['read_internal_docs', 'web_search'],
      data: ['internal:research', 'public'],
      expires: T0 + 600,
      delegations: 1,
    });
    expect(specs[1]!.spec).toMatchObject({
      user: 'sam',
      tools: ['fs.*', 'ping', 'read_customers', 'read_internal_docs', 'web_search'],
      data: ['internal:customers', 'internal:research', 'public'],
      expires: T0 + 900,
    });
    expect(specs[0]!.taken.find((t) => t.layer === 'user')).toEqual({
      layer: 'user',
      tools: ['fs.*', 'ping', 'read_customers'],
      data: ['internal:customers'],
    });
  });

  test('the digest of configuration and model, session, user and task stand in the token', async () => {
    fresh();
    const { token, session } = await w.token({ task: 'weekly report' });
    const seen = w.verifier.identify(token);
    expect(seen).toMatchObject({
      ok: true,
      token: {
        view: {
          operator: { id: 'acme-corp', config: acme().digestHex },
          model: { id: 'agent-v2' },
          session,
          user: 'sam',
        },
      },
    });
  });

  test('deny lists add up, and those that can not matter are left out', () => {
    fresh();
    const bound = grantFor(w.request({ deny: ['fs.chmod', 'nothing.here'] }), w.context);
    expect(bound.ok && bound.spec.deny).toEqual(['fs.chmod', 'fs.delete', 'fs.format']);
  });

  test('budgets, life and delegations come down to the smallest', () => {
    fresh();
    const of = (over: object): object => {
      const bound = grantFor(w.request(over), w.context);
      if (!bound.ok) throw new Error(bound.message);
      return {
        life: bound.spec.expires - T0,
        delegations: bound.spec.delegations,
        budgets: bound.spec.budgets,
      };
    };
    const external = { unit: 'external', limit: 20 };
    expect(of({})).toEqual({ life: 900, delegations: 1, budgets: [{ unit: 'calls', limit: 50 }, external] });
    expect(of({ life: 60, delegations: 0, budgets: [{ unit: 'calls', limit: 3 }] })).toEqual({
      life: 60,
      delegations: 0,
      budgets: [{ unit: 'calls', limit: 3 }, external],
    });
    expect(
      of({
        life: 99_999,
        delegations: 9,
        budgets: [
          { unit: 'calls', limit: 9999 },
          { unit: 'calls', limit: 5, window: 60 },
        ],
      }),
    ).toEqual({
      life: 3600,
      delegations: 2,
      budgets: [{ unit: 'calls', limit: 200 }, { unit: 'calls', limit: 5, window: 60 }, external],
    });
    expect(of({ user: 'jane', life: 99_999 })).toMatchObject({ life: 600 });
  });

  test.each([
    ['operator', { tools: ['unclassified_tool'] }],
    ['operator', { data: ['secret'] }],
    ['model', { tools: ['fs.delete'] }],
    ['user', { user: 'jane', tools: ['read_customers'] }],
    ['user', { user: 'jane', data: ['internal:customers'] }],
  ] as const)('nothing left: authority_empty names the layer %s', (layer, over) => {
    fresh();
    expect(grantFor(w.request(over), w.context)).toMatchObject({ ok: false, code: 'authority_empty', layer });
  });

  test('two groups never add up to what neither of them has', async () => {
    fresh();
    w.applyLater(
      acme((t) =>
        t.replace(
          'data: [internal:research], untrusted: false, writes: false }\n  read_customers',
          'data: [internal:customers], untrusted: false, writes: false }\n  read_customers',
        ),
      ),
    );
    // pat is in docs (read_internal_docs on research) and crm (read_customers on customers); the tool now touches customers.
    const { token } = await w.token({ user: 'pat' });
    expect(codeOf(await w.use(token, 'read_customers'))).toBe('allowed');
    const outcome = await w.use(token, 'read_internal_docs');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['user_not_entitled', 'user']);
  });

  test('a request of another form is misuse and throws', () => {
    fresh();
    for (const over of [
      { user: '' },
      { tools: ['**'] },
      { data: ['a b'] },
      { life: 0 },
      { life: 1.5 },
      { delegations: -1 },
      { tools: new Array(257).fill('a') as string[] },
    ]) {
      expect(() => grantFor(w.request(over), w.context)).toThrow(TypeError);
    }
  });
});

describe('I1 the model', () => {
  test('I1 the running artifact is not the attested one', async () => {
    fresh();
    expect(await w.open({ model: { id: 'agent-v2', measured: other.measured } })).toMatchObject({
      ok: false,
      code: 'model_tampered',
      layer: 'model',
    });
    expect(await w.open({ model: { id: 'agent-v2', measured: other.measured.digest } })).toMatchObject({
      code: 'model_tampered',
    });
    expect(await w.open({ model: { id: 'agent-v2', measured: model.measured.digest } })).toMatchObject({
      ok: true,
    });
  });

  test('I1 no attestation, one for another model, a model nobody admitted', async () => {
    fresh();
    expect(await w.open({}, { attestation: null })).toMatchObject({ code: 'model_unattested' });
    const wrong = new World(other).attestation;
    expect(
      await w.open({ model: { id: 'agent-v2', measured: other.measured } }, { attestation: wrong }),
    ).toMatchObject({ code: 'model_unattested' });
    expect(await w.open({ model: { id: 'agent-v9', measured: model.measured } })).toMatchObject({
      code: 'model_unknown',
    });
  });

  test('I1 a signer the configuration does not trust any more', async () => {
    fresh();
    w.applyLater(acme((t) => t.replace('signers: [ml-platform]', 'signers: [ml-lab]')));
    expect(await w.open()).toMatchObject({ code: 'model_signer_unknown' });
  });

  test('I1 revoking a digest ends all sessions of the model at once, and no other is minted', async () => {
    fresh();
    const tokens = await Promise.all(['sam', 'jane', 'sam'].map((user) => w.token({ user })));
    for (const { token } of tokens) expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    await w.store.revocations.add(
      { kind: 'model', value: digest(model.measured), reason: 'poisoned' },
      w.now,
    );
    for (const { token } of tokens) {
      const outcome = await w.use(token, 'web_search');
      expect([codeOf(outcome), layerOf(outcome)]).toEqual(['revoked', 'model']);
    }
    expect(await w.open()).toMatchObject({ ok: false, code: 'model_revoked', layer: 'model' });
  });

  test('I1 a digest taken out of the configuration denies within a grace period too', async () => {
    fresh();
    const { token } = await w.token();
    w.apply(
      acme((t) =>
        t
          .replace(
            '{ signers: [ml-platform],',
            `{ signers: [ml-platform], digests: ["sha256:${'0'.repeat(64)}"],`,
          )
          .replace('sessions:', 'grace: 10m\nsessions:'),
      ),
    );
    const outcome = await w.use(token, 'web_search');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['model_unknown', 'model']);
  });
});

describe('I2 the configuration', () => {
  test('I2 a token minted under an older configuration is refused at once', async () => {
    fresh();
    const { token } = await w.token();
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    w.now += 10;
    w.apply(acme((t) => t.replace('limit: 50', 'limit: 51')));
    const outcome = await w.use(token, 'web_search');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['config_changed', 'operator']);
    w.now += 10;
    expect(codeOf(await w.use((await w.token()).token, 'web_search'))).toBe('allowed');
  });

  test('I2 going back to the earlier configuration does not bring its tokens back', async () => {
    fresh();
    const { token } = await w.token();
    w.apply(acme((t) => t.replace('limit: 50', 'limit: 51')));
    w.apply(acme());
    expect(codeOf(await w.use(token, 'web_search'))).toBe('config_changed');
    expect(await w.open()).toMatchObject({ ok: false, code: 'config_changed' });
    w.now = w.registration.since;
    expect(codeOf(await w.use((await w.token()).token, 'web_search'))).toBe('allowed');
    expect(codeOf(await w.use(token, 'web_search'))).toBe('config_changed');
  });

  test('I2 applying the same meaning again ends nothing', async () => {
    fresh();
    const { token } = await w.token();
    w.now += 5;
    w.apply(acme((t) => `# another comment\n${t}`));
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
  });

  test('I2 a stated grace period lets old tokens end in it, with the rights of today', async () => {
    fresh();
    const { token } = await w.token();
    w.now += 10;
    w.apply(
      acme((t) =>
        t.replace('sessions:', 'grace: 2m\nsessions:').replace('read_customers, fs.*', 'read_customers'),
      ),
    );
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    expect(codeOf(await w.use(token, 'fs.read'))).toBe('user_not_entitled');
    w.now += 119;
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    w.now += 1;
    expect(codeOf(await w.use(token, 'web_search'))).toBe('config_changed');
  });

  test('I2 a change without grace ends an earlier grace period, one with grace never lengthens it', async () => {
    fresh();
    const { token } = await w.token({ life: 3600 });
    const graced =
      (n: number) =>
      (t: string): string =>
        t.replace('sessions:', 'grace: 2m\nsessions:').replace('limit: 50', `limit: ${n}`);
    w.now += 10;
    w.apply(acme(graced(60)));
    w.now += 100;
    w.apply(acme(graced(61)));
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    w.now += 20;
    expect(codeOf(await w.use(token, 'web_search'))).toBe('config_changed');
    fresh();
    const again = await w.token();
    w.now += 10;
    w.apply(acme(graced(60)));
    w.apply(acme((t) => t.replace('limit: 50', 'limit: 61')));
    expect(codeOf(await w.use(again.token, 'web_search'))).toBe('config_changed');
  });

  test('I2 an issuer that goes on minting under the old configuration within the grace period is refused', async () => {
    fresh();
    const stale = w.context;
    w.now += 10;
    w.apply(acme((t) => t.replace('sessions:', 'grace: 10m\nsessions:')));
    w.now += 5;
    const late = await w.open({}, { registration: stale.registration });
    expect(codeOf(await w.use(late.ok ? late.token : '', 'web_search'))).toBe('config_changed');
  });

  test('I2 a token minted without a configuration', async () => {
    fresh();
    const bound = grantFor(w.request(), w.context);
    if (!bound.ok) throw new Error(bound.message);
    const token = mint(w.keyring, { ...bound.spec, operator: { id: 'acme-corp' }, holder: holderKey });
    expect(codeOf(await w.use(token, 'web_search'))).toBe('config_changed');
  });

  test('I2 a configuration changed on disk after it was applied is not taken for the applied one', async () => {
    const first = await applyConfiguration(ACME, null, [], T0);
    expect(registrationOf(first.applied).operator.digestHex).toBe(acme().digestHex);
    const edited = { ...first.applied, text: ACME.replace('groups: [junior]', 'groups: [senior]') };
    expect(() => registrationOf(edited)).toThrow(expect.objectContaining({ code: 'config_changed' }));
    expect(() =>
      registrationOf({ ...first.applied, record: { ...first.applied.record, since: -1 } }),
    ).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    const record = JSON.parse(JSON.stringify(first.applied.record)) as typeof first.applied.record;
    expect(registrationOf({ text: ACME, record })).toMatchObject({ since: T0, retiring: [] });
  });
});

describe('I3 the user', () => {
  test('I3 an agent asks for more than its user may do', async () => {
    fresh();
    const { token, taken } = await w.token({ user: 'jane' });
    expect(taken.flatMap((t) => t.tools)).toContain('read_customers');
    for (const tool of ['read_customers', 'fs.read', 'ping', 'code_exec', 'unclassified'])
      expect(codeOf(await w.use(token, tool))).not.toBe('allowed');
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
  });

  test('I3 a grant that claims more than the user may do is held to what the user may do', async () => {
    fresh();
    const bound = grantFor(w.request(), w.context);
    if (!bound.ok) throw new Error(bound.message);
    const token = mint(w.keyring, {
      ...bound.spec,
      user: 'jane',
      session: (await w.token()).session,
      holder: holderKey,
    });
    for (const tool of ['read_customers', 'fs.read', 'ping']) {
      const outcome = await w.use(token, tool);
      expect([codeOf(outcome), layerOf(outcome)]).toEqual(['user_not_entitled', 'user']);
    }
  });

  test('I3 an unknown user is refused at minting and at use', async () => {
    fresh();
    expect(await w.open({ user: 'mallory' })).toMatchObject({ code: 'user_unknown', layer: 'user' });
    const { token } = await w.token();
    w.apply(
      acme((t) =>
        t.replace('sessions:', 'grace: 10m\nsessions:').replace('  sam: { groups: [senior] }\n', ''),
      ),
    );
    expect(codeOf(await w.use(token, 'web_search'))).toBe('user_unknown');
  });

  test('I3 a revoked user is refused by the layer user', async () => {
    fresh();
    const { token } = await w.token();
    await w.store.revocations.add(
      { kind: 'user', issuer: 'razorsec-iam-service', value: 'sam', reason: 'left' },
      w.now,
    );
    const outcome = await w.use(token, 'web_search');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['revoked', 'user']);
    expect(await w.open()).toMatchObject({ code: 'revoked', layer: 'user' });
  });

  const withResolver = (t: string): string =>
    `${t.replace(/users:[^]*sessions:/, 'sessions:')}entitlements: { from: resolver, staleness: 30s }\n`;

  test('I3 a right lost in mid-session is lost to the agent within the staleness bound', async () => {
    w = new World(model, acme(withResolver));
    let rights: Entitlement | null = { groups: ['senior', 'no-such-group'] };
    const entitlements = new ResolvedEntitlements({
      resolver: { resolve: () => Promise.resolve(rights) },
      nowSeconds: () => w.now,
    });
    w.entitlements = entitlements;
    expect(await w.open()).toMatchObject({ code: 'entitlements_unavailable', layer: 'user' });
    await entitlements.refresh(w.registration.operator, 'sam');
    const { token } = await w.token();
    expect(codeOf(await w.use(token, 'read_customers'))).toBe('allowed');
    rights = { groups: ['junior'] };
    w.now += 29;
    expect(codeOf(await w.use(token, 'read_customers'))).toBe('allowed');
    w.now += 1;
    expect(codeOf(await w.use(token, 'read_customers'))).toBe('entitlements_unavailable');
    await entitlements.refresh(w.registration.operator, 'sam');
    const outcome = await w.use(token, 'read_customers');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['user_not_entitled', 'user']);
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    rights = null;
    w.now += 15;
    await entitlements.refresh(w.registration.operator, 'sam');
    expect(codeOf(await w.use(token, 'web_search'))).toBe('user_unknown');
  });

  test('I3 a resolver that fails, hangs or answers nonsense denies, and only after the bound', async () => {
    w = new World(model, acme(withResolver));
    const operator = w.registration.operator;
    let answer: () => Promise<unknown> = () => Promise.resolve({ groups: ['senior'] });
    const entitlements = new ResolvedEntitlements({
      resolver: { resolve: () => answer() as Promise<Entitlement> },
      nowSeconds: () => w.now,
      timeout: 0.02,
    });
    w.entitlements = entitlements;
    await entitlements.refresh(operator, 'sam');
    const { token } = await w.token();
    for (const bad of [
      (): Promise<unknown> => Promise.reject(new Error('down')),
      (): Promise<unknown> => new Promise(() => {}),
      (): Promise<unknown> => Promise.resolve({ groups: 'senior' }),
      (): Promise<unknown> => Promise.resolve({ tools: ['**'] }),
      (): Promise<unknown> => Promise.resolve(7),
      (): Promise<unknown> => {
        throw new Error('at once');
      },
    ]) {
      answer = bad;
      await entitlements.refresh(operator, 'kim');
      expect(entitlements.view(operator, 'kim', w.now)).toMatchObject({ code: 'entitlements_unavailable' });
    }
    w.now += 20;
    await entitlements.refresh(operator, 'sam');
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    w.now += 10;
    expect(codeOf(await w.use(token, 'web_search'))).toBe('entitlements_unavailable');
  });

  test('I3 what is forgotten is gone at once, an answer on its way included; a clock that goes back helps nobody', async () => {
    w = new World(model, acme(withResolver));
    const operator = w.registration.operator;
    const waiting: ((e: Entitlement) => void)[] = [];
    let asked = 0;
    const entitlements = new ResolvedEntitlements({ resolver: { resolve: () => new Promise((r) => { asked++; waiting.push(r); }) }, nowSeconds: () => w.now }); // prettier-ignore
    const both = [entitlements.refresh(operator, 'sam'), entitlements.refresh(operator, 'sam')];
    expect(asked).toBe(1);
    entitlements.forget('sam');
    waiting[0]!({ groups: ['senior'] });
    await Promise.all(both);
    expect(entitlements.view(operator, 'sam', w.now)).toMatchObject({ code: 'entitlements_unavailable' });
    const again = entitlements.refresh(operator, 'sam');
    w.now += 25;
    waiting[1]!({ groups: ['senior'] });
    await again;
    // The answer counts from when it was asked for, not from when it came.
    expect('ok' in entitlements.view(operator, 'sam', w.now + 4)).toBe(false);
    expect(entitlements.view(operator, 'sam', w.now + 5)).toMatchObject({ code: 'entitlements_unavailable' });
    expect(entitlements.view(operator, 'sam', w.now - 20)).toMatchObject({
      code: 'entitlements_unavailable',
    });
  });

  test('I3 a clock that went back before the answer came makes the answer no younger', async () => {
    w = new World(model, acme(withResolver));
    const operator = w.registration.operator;
    let answer: (e: Entitlement) => void = () => {};
    const entitlements = new ResolvedEntitlements({
      resolver: { resolve: () => new Promise((r) => { answer = r; }) },
      nowSeconds: () => w.now,
    }); // prettier-ignore
    const asking = entitlements.refresh(operator, 'sam');
    expect(entitlements.view(operator, 'sam', T0 + 30)).toMatchObject({ code: 'entitlements_unavailable' });
    answer({ groups: ['senior'] });
    await asking;
    expect(entitlements.view(operator, 'sam', T0 + 29)).toMatchObject({ code: 'entitlements_unavailable' });
  });

  test('I3 a configuration that names a resolver is not answered from the configuration, nor the reverse', () => {
    w = new World(model, acme(withResolver));
    expect(grantFor(w.request(), w.context)).toMatchObject({ code: 'entitlements_unavailable' });
    fresh();
    const entitlements = new ResolvedEntitlements({
      resolver: { resolve: () => Promise.resolve({ groups: ['senior'] }) },
    });
    expect(grantFor(w.request(), { ...w.context, entitlements })).toMatchObject({
      code: 'entitlements_unavailable',
    });
  });
});

describe('I4 the session', () => {
  test('I4 closed, expired, unknown', async () => {
    fresh();
    const { token, session, issuer } = await w.token();
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
    const unknown = new World(model);
    expect(codeOf(await unknown.use(token, 'web_search'))).not.toBe('allowed');
    const bound = grantFor(w.request({ session: 'never-opened' }), w.context);
    if (!bound.ok) throw new Error(bound.message);
    const loose = await w.use(mint(w.keyring, { ...bound.spec, holder: holderKey }), 'web_search');
    expect([codeOf(loose), layerOf(loose)]).toEqual(['session_not_found', 'session']);
    await w.store.sessions.close(issuer, session, 'by command', w.now);
    const closed = await w.use(token, 'web_search');
    expect(codeOf(closed)).toMatch(/^(session_closed|revoked)$/);
    expect(layerOf(closed)).toBe('session');
    const short = await w.token({ life: 60 });
    w.now += 60;
    expect(codeOf(await w.use(short.token, 'web_search'))).not.toBe('allowed');
  });

  test('I4 a session id is never used twice, and a grant that can not be minted opens none', async () => {
    fresh();
    const { session } = await w.token();
    await expect(w.open({ session })).rejects.toThrow(AmbitError);
    await expect(w.open({ session: 'bad-audience', audience: '\n' })).rejects.toThrow(AmbitError);
    expect(await w.store.sessions.check('razorsec-iam-service', 'bad-audience', w.now)).toMatchObject({
      ok: false,
      code: 'session_not_found',
    });
  });

  test('I4 a session ends with its task, whichever way that ends', async () => {
    fresh();
    const opened = await w.token();
    const clock = (): number => w.now;
    const inside = await duringSession(opened, w.store.sessions, clock, async (token) =>
      codeOf(await w.use(token, 'web_search')),
    );
    expect(inside).toBe('allowed');
    expect(codeOf(await w.use(opened.token, 'web_search'))).not.toBe('allowed');
    const failing = await w.token();
    await expect(
      duringSession(failing, w.store.sessions, clock, () => Promise.reject(new Error('task'))),
    ).rejects.toThrow('task');
    expect(await w.store.sessions.get(failing.issuer, failing.session)).toMatchObject({
      reason: 'task failed',
    });
  });
});

describe('I5 the operator', () => {
  test('I5 an unregistered operator, and a registered one named by another issuer', async () => {
    fresh();
    const { token } = await w.token();
    w.operators.delete('acme-corp');
    const outcome = await w.use(token, 'web_search');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['operator_unknown', 'operator']);
    fresh();
    const keyring = Keyring.create('another-issuer');
    const bound = grantFor(w.request(), w.context);
    if (!bound.ok) throw new Error(bound.message);
    const foreign = mint(keyring, { ...bound.spec, holder: holderKey });
    const verifier = createVerifier({
      audience: AUDIENCE,
      keys: keyring.domainKeys(),
      provider: nodeProvider,
    });
    expect(codeOf(await w.use(foreign, 'web_search', verifier))).toBe('operator_unknown');
    await expect(
      w.token().then(() => w.open({}, { registration: { ...w.registration } })),
    ).resolves.toBeDefined();
  });

  test('I5 a keyring of another issuer mints nothing for this operator', async () => {
    fresh();
    Object.defineProperty(w, 'keyring', { value: Keyring.create('another-issuer') });
    await expect(w.open()).rejects.toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });

  test('I5 a revoked operator', async () => {
    fresh();
    const { token } = await w.token();
    await w.store.revocations.add(
      { kind: 'operator', issuer: 'razorsec-iam-service', value: 'acme-corp', reason: 'x' },
      w.now,
    );
    const outcome = await w.use(token, 'web_search');
    expect([codeOf(outcome), layerOf(outcome)]).toEqual(['revoked', 'operator']);
  });

  test('finding S15 I3 a list that is not held is asked before a token is minted or explained, about who it is for', async () => {
    fresh();
    const asked: object[] = [];
    let answer: ReturnType<RevocationView['isRevoked']> = { ok: true };
    const view: RevocationView = {
      isRevoked: () => ({ ok: false, code: 'revocations_stale' }),
      ask: async (subject) => (asked.push(subject), answer),
    };
    const minted = await w.open({ session: 'one' }, { revocations: view });
    expect(minted).toMatchObject({ ok: true });
    const names = { issuer: 'razorsec-iam-service', operator: 'acme-corp', user: 'sam', session: 'one' };
    expect(asked).toMatchObject([{ ...names, model: expect.stringMatching(/^[\w-]{43}$/) as string }]);
    answer = { ok: false, code: 'revoked', entry: { kind: 'user' } };
    expect(await w.open({}, { revocations: view })).toMatchObject({ code: 'revoked', layer: 'user' });
    answer = { ok: false, code: 'store_unavailable' };
    expect(await w.open({}, { revocations: view })).toMatchObject({ code: 'store_unavailable' });
    // What is refused before is not asked about; what is stale and can't be asked is refused.
    asked.length = 0;
    const other = { id: 'no such model', measured: w.measured };
    expect(await w.open({ model: other }, { revocations: view })).toMatchObject({ code: 'model_unknown' });
    expect(asked).toEqual([]);
    const silent: RevocationView = { isRevoked: (subject) => view.isRevoked(subject), ask: () => null };
    expect(await w.open({}, { revocations: silent })).toMatchObject({ code: 'revocations_stale' });
    if (!minted.ok) return;
    const seen = w.verifier.identify(minted.token);
    if (!seen.ok) throw new Error(seen.message);
    answer = { ok: false, code: 'revoked', entry: { kind: 'user' } };
    const context = {
      operators: w.operators,
      entitlements: w.entitlements,
      revocations: await askedView(view, seen.token.view),
      session: { ok: true } as const,
    };
    const explained = explainLayers(seen.token.view, 'web_search', context, w.now);
    expect(explained.layers.find((each) => each.layer === 'user')).toMatchObject({ code: 'revoked' });
    // The view is good for who was asked about.
    const someone = { ...seen.token.view, user: 'jane' };
    expect(checkRevoked(context.revocations, someone)?.denial.code).toBe('revocations_stale');
    expect(await askedView(silent, seen.token.view)).toBe(silent);
  });

  test('an unclassified tool is refused for its unknown data even where the operator allows its name', async () => {
    fresh();
    w.apply(
      acme((t) =>
        t
          .replace('allow:\n', 'allow:\n  tools: [web_search, odd]\n')
          .replace(
            'tools: [web_search, read_internal_docs, read',
            'tools: [odd, web_search, read_internal_docs, read',
          ),
      ),
    );
    w.now = w.registration.since;
    const { token } = await w.token({ tools: ['odd', 'web_search'] });
    expect(codeOf(await w.use(token, 'odd'))).toBe('data_unknown');
    expect(codeOf(await w.use(token, 'web_search'))).toBe('allowed');
  });
});

describe('explain', () => {
  test('says of every layer what it answers, and which one forbids', async () => {
    fresh();
    const { token } = await w.token({ user: 'jane' });
    const seen = w.verifier.identify(token);
    if (!seen.ok) throw new Error(seen.message);
    const context = {
      operators: w.operators,
      entitlements: w.entitlements,
      revocations: w.store.revocations,
      session: { ok: true } as const,
    };
    const answers = (tool: string): string[] =>
      explainLayers(seen.token.view, tool, context, w.now).layers.map((l) => `${l.layer} ${l.answer}`);
    expect(answers('web_search')).toEqual([
      'operator allowed',
      'model allowed',
      'session allowed',
      'user allowed',
    ]);
    expect(answers('read_customers')).toEqual([
      'operator allowed',
      'model allowed',
      'session refused',
      'user refused',
    ]);
    expect(answers('code_exec')).toEqual([
      'operator refused',
      'model refused',
      'session refused',
      'user refused',
    ]);
    const { layers } = explainLayers(seen.token.view, 'fs.delete', context, w.now);
    expect(layers[0]).toMatchObject({ layer: 'operator', answer: 'allowed', who: 'acme-corp' });
    expect(layers[1]).toMatchObject({ layer: 'model', answer: 'refused', code: 'tool_denied' });
    expect(layers[1]!.who).toMatch(/^agent-v2@sha256:[0-9a-f]{64}$/);
    expect(layers[1]!.message).toMatch(/fs\.delete\)$/);
    // A session is over at the second it expires, not after it.
    const session = (expires: number): string | undefined =>
      explainLayers({ ...seen.token.view, expires }, 'web_search', context, w.now).layers.find(
        (l) => l.layer === 'session',
      )?.answer;
    expect([session(w.now + 1), session(w.now), session(w.now - 1)]).toEqual([
      'allowed',
      'refused',
      'refused',
    ]);
    // Without any key the same is said of what the token claims, delegations included.
    const claimed = explainLayers(unverifiedActor(token), 'read_customers', context, w.now);
    expect(claimed.layers.map((l) => l.answer)).toEqual(['allowed', 'allowed', 'refused', 'refused']);
    const use = await w.use(token, 'code_exec');
    expect(use !== 'allowed' && use.layers?.map((l) => `${l.layer} ${l.answer}`)).toEqual([
      'operator refused',
      'model not_asked',
      'user not_asked',
    ]);
  });
});

describe('federation', () => {
  const seal = signer(partnerSecret, nodeProvider);
  const keyring = Keyring.create('partner-iam');
  const spec = (over: object = {}): Parameters<typeof mint>[1] => ({
    operator: { id: 'partner-labs' }, model: { id: 'their-model', digest: new Uint8Array(32) }, session: 's', user: 'their-user',
    tools: ['web_search', 'read_customers', 'fs.*', 'ping'], data: ['public', 'internal'], issuedAt: T0, expires: T0 + 3600, holder: holderKey, ...over,
  }); // prettier-ignore
  const ask = (token: string, tool: string, now = T0): string => {
    const operator = acme();
    const verifier = createVerifier({
      audience: AUDIENCE,
      keys: Keyring.create('x').domainKeys(),
      provider: nodeProvider,
      ...verifierSeals(operator.config),
    });
    const made = parseCall({ tool, args: {} });
    if (!made.ok) return made.code;
    const proof = prove(
      token,
      made.call,
      { audience: AUDIENCE, time: now },
      signer(holderSecret, nodeProvider),
    );
    const verified = verifier.verify({ token, proof, call: made.call, now });
    if (!verified.ok) return verified.code;
    const federated = federate(operator, verified.token, now);
    return federated.ok ? 'allowed' : federated.code;
  };

  test('a sealed token is worth at most what is accepted of its operator', () => {
    const token = mint(keyring, spec(), seal);
    expect(ask(token, 'web_search')).toBe('allowed');
    expect(ask(token, 'read_customers')).toBe('data_refused');
    for (const tool of ['fs.read', 'ping', 'unclassified', 'code_exec'])
      expect(ask(token, tool)).not.toBe('allowed');
    expect(ask(token, 'web_search', T0 + 299)).toBe('allowed');
    expect(ask(token, 'web_search', T0 + 300)).toBe('expired');
  });

  test('F10 the seal is asked for again behind the verifier', () => {
    fresh();
    const context = {
      operators: w.operators,
      entitlements: w.entitlements,
      revocations: w.store.revocations,
      session: { ok: true } as const,
    };
    const actor = unverifiedActor(mint(keyring, spec(), seal), 'signatures');
    const code = (over: object): string => {
      const answer = explainLayers({ ...actor, ...over }, 'web_search', context, T0);
      return answer.ok ? 'allowed' : answer.code;
    };
    const sealedBy = toBase64url(seal.publicKey.bytes);
    expect(code({ sealedBy })).toBe('allowed');
    expect(code({ sealedBy: null })).toBe('seal_required');
    expect(code({ sealedBy: toBase64url(holderKey.bytes) })).toBe('seal_required');
    expect(code({ sealedBy, issuer: 'another' })).toBe('not_federated');
    expect(code({ sealedBy, verifiedBy: 'mac' })).toBe('not_federated');
    expect(code({ sealedBy, operator: { id: 'nobody', config: null } })).toBe('operator_unknown');
    expect(code({ sealedBy, chain: [1, 2] })).toBe('allowed');
    expect(code({ sealedBy, chain: [1, 2, 3] })).toBe('delegation_exceeded');
  });

  test('F10 no seal, a seal by another key, another operator or issuer', () => {
    expect(ask(mint(keyring, spec()), 'web_search')).not.toBe('allowed');
    expect(ask(mint(keyring, spec(), signer(holderAsIssuer(), nodeProvider)), 'web_search')).not.toBe(
      'allowed',
    );
    expect(ask(mint(keyring, spec({ operator: { id: 'acme-corp' } }), seal), 'web_search')).not.toBe(
      'allowed',
    );
    expect(ask(mint(Keyring.create('razorsec-iam-service'), spec(), seal), 'web_search')).not.toBe('allowed');
  });
});

const holderAsIssuer = (): typeof partnerSecret => {
  const Key = partnerSecret.constructor as new (use: 'issuer', bytes: Uint8Array) => typeof partnerSecret;
  return new Key('issuer', new Uint8Array(32).fill(77));
};

describe('a change of configuration, before it is applied', () => {
  const session = (id: string, user: string, expires = T0 + 1000): object => ({
    id,
    operator: 'acme-corp',
    user,
    expires,
    closed: null,
  });
  test('says who gains, who loses, and how many live sessions end', async () => {
    const next = ACME.replace(
      '{ tools: [web_search, read_internal_docs], data: [public, internal:research], life: 10m }',
      '{ tools: [web_search], data: [public], life: 10m }',
    )
      .replace('pat: { groups: [docs, crm], deny: [web_search] }', 'pat: { groups: [docs, crm, senior] }')
      .replace('  sam:', '  kim: { groups: [docs] }\n  sam:');
    const sessions = [
      session('1', 'jane'),
      session('2', 'jane'),
      session('3', 'pat'),
      session('4', 'sam', T0 - 1),
      { ...session('5', 'sam'), closed: T0 },
      { ...session('6', 'sam'), operator: 'other' },
    ] as Parameters<typeof diffConfigurationTexts>[2];
    const diff = await diffConfigurationTexts(ACME, next, sessions, T0);
    const text = diffText(diff);
    expect(diff.sessions).toEqual({ live: 3, ending: 3, ofLosers: 2, by: T0 });
    expect(diff.users).toEqual([
      {
        user: 'jane',
        change: 'changed',
        gains: { tools: [], data: [] },
        loses: { tools: ['read_internal_docs'], data: ['internal:research'] },
      },
      {
        user: 'kim',
        change: 'added',
        gains: { tools: ['read_internal_docs'], data: ['internal:research'] },
        loses: { tools: [], data: [] },
      },
      {
        user: 'pat',
        change: 'changed',
        gains: {
          tools: ['fs.*', 'fs.read', 'ping', 'web_search'],
          data: ['public'],
        },
        loses: { tools: [], data: [] },
      },
    ]);
    expect(text).toContain('~ user jane\n    - read_internal_docs\n    - data internal:research\n');
    expect(text).toContain('~ groups junior\n    data: ["internal:research","public"] -> ["public"]\n');
    expect(text).toMatch(/3 of 3 live sessions end, 2 of them of users who lose something\n$/);
  });

  test('the reclassification of a tool is a loss to those who had it', async () => {
    const diff = await diffConfigurationTexts(
      ACME,
      ACME.replace(
        'web_search: { external: true, data: [public]',
        'web_search: { external: true, data: [internal:customers]',
      ),
      [],
      T0,
    );
    // No tool touches public data any more, so nobody has it.
    expect(diff.users.map((u) => [u.user, u.loses])).toEqual([
      ['jane', { tools: ['web_search'], data: ['public'] }],
      ['sam', { tools: [], data: ['public'] }],
    ]);
    expect(diff.entries.map((e) => e.section)).toEqual(['allow', 'models', 'tools']);
    expect(diff.entries.slice(2)).toEqual([
      {
        section: 'tools',
        name: 'web_search',
        change: 'changed',
        fields: [{ field: 'data', from: '["public"]', to: '["internal:customers"]' }],
      },
    ]);
  });

  test('a grace period keeps the sessions that end within it', async () => {
    const next = ACME.replace('sessions:', 'grace: 10m\nsessions:');
    const sessions = [session('1', 'jane', T0 + 600), session('2', 'jane', T0 + 601)] as Parameters<
      typeof diffConfigurationTexts
    >[2];
    expect((await diffConfigurationTexts(ACME, next, sessions, T0)).sessions).toEqual({
      live: 2,
      ending: 1,
      ofLosers: 0,
      by: T0 + 600,
    });
  });

  test('nothing changed: nothing ends; another operator: refused', async () => {
    const same = await diffConfigurationTexts(ACME, `# x\n${ACME}`, [session('1', 'jane')] as never, T0);
    expect(same).toMatchObject({ changed: false, sessions: { live: 1, ending: 0 } });
    expect(diffText(same)).toBe('no change: the digests are equal\n');
    await expect(diffConfigurationTexts(ACME, ACME.replace('acme-corp', 'else'), [], T0)).rejects.toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
    await expect(diffConfigurationTexts(ACME, 'ambit: 1', [], T0)).rejects.toThrow(
      /new:1:1 the field operator is missing/,
    );
  });

  test('apply keeps the text and a record, and says what ends', async () => {
    const first = await applyConfiguration(ACME, null, [], T0);
    expect(first.diff).toBeNull();
    const second = await applyConfiguration(
      ACME.replace('limit: 50', 'limit: 51'),
      first.applied,
      [session('1', 'jane')] as never,
      T0 + 5,
    );
    expect(second.applied.record).toMatchObject({ v: 1, operator: 'acme-corp', since: T0 + 5, retiring: [] });
    expect(second.diff?.sessions).toMatchObject({ live: 1, ending: 1 });
  });
});
