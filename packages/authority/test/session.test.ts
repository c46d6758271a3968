// Sessions of an issuer: one way to open one, one form of id, and the order of minting and opening.
import { describe, expect, it } from 'vitest';
import { inspect, Keyring, SecretKey, signer, type GrantSpec } from '@ambit/core';
import { memoryStore, type SyncStore } from '@ambit/state';
import { mintInSession, newSessionId, openSession, type Minting } from '../src/session.ts';

const T0 = 1_772_373_600;
const keyring = Keyring.create('iam.acme.com');
const holder = signer(SecretKey.generate('holder')).publicKey;
const spec = (more: Partial<GrantSpec> = {}): GrantSpec => ({
  operator: { id: 'acme' },
  model: { id: 'm1', digest: new Uint8Array(32) },
  session: 's-1',
  user: 'jane',
  tools: ['read_*'],
  issuedAt: T0,
  expires: T0 + 900,
  ...more,
});
const fresh = (): { store: SyncStore; minting: Minting } => {
  const store = memoryStore({ nowSeconds: () => T0 });
  return { store, minting: { keyring, holder, sessions: store.sessions } };
};
const minted = async (minting: Minting, grant: GrantSpec): Promise<string> => {
  const done = await mintInSession(grant, minting);
  return done.ok ? (done.opened ? 'opened' : 'joined') : `${done.code} ${done.why}`;
};

describe('minting in a session', () => {
  it('opens a session that is not known, and joins one that is open and fits', async () => {
    const { store, minting } = fresh();
    expect(await minted(minting, spec())).toBe('opened');
    expect(await store.sessions.get('iam.acme.com', 's-1')).toMatchObject({
      operator: 'acme',
      user: 'jane',
      opened: T0,
      expires: T0 + 900,
      closed: null,
    });
    expect(await minted(minting, spec({ expires: T0 + 300 }))).toBe('joined');
  });
  it.each([
    ['input_invalid another', { user: 'joe' }],
    ['input_invalid another', { operator: { id: 'else' } }],
    ['input_invalid short', { expires: T0 + 901 }],
  ] as const)('%s: %j', async (answer, over) => {
    const { minting } = fresh();
    await minted(minting, spec());
    expect(await minted(minting, spec(over))).toBe(answer);
  });
  it('mints nothing in a closed session', async () => {
    const { store, minting } = fresh();
    await minted(minting, spec());
    await store.sessions.close('iam.acme.com', 's-1', 'done', T0);
    expect(await minted(minting, spec())).toBe('session_closed closed');
  });
  it('a grant that can not be written opens no session', async () => {
    const { store, minting } = fresh();
    await expect(mintInSession(spec({ audience: '\n' }), minting)).rejects.toThrow();
    expect(await store.sessions.get('iam.acme.com', 's-1')).toBeNull();
  });
  it('a store that can not open the session lets no token out', async () => {
    const { minting } = fresh();
    const sessions: Minting['sessions'] = {
      ...minting.sessions,
      get: async () => null,
      open: async () => Promise.reject(new Error('the disk is full')),
    };
    await expect(mintInSession(spec(), { ...minting, sessions })).rejects.toThrow('the disk is full');
  });
  it('a bearer token has no holder and no seal', async () => {
    const { minting } = fresh();
    const done = await mintInSession(spec(), { ...minting, holder: null });
    expect(done.ok && inspect(done.token).holder).toBeNull();
    const seal = signer(SecretKey.generate('issuer'));
    await expect(mintInSession(spec(), { ...minting, holder: null, seal })).rejects.toThrow(TypeError);
  });
});

describe('opening a session', () => {
  it('makes an id of 128 random bits when none is given, of the form that minting uses', async () => {
    const { store } = fresh();
    const input = { issuer: 'iam.acme.com', operator: 'acme', expires: T0 + 60 };
    const { id } = await openSession(store.sessions, input, T0);
    expect(id).toMatch(/^s-[A-Za-z0-9_-]{22}$/);
    expect(newSessionId()).toMatch(/^s-[A-Za-z0-9_-]{22}$/);
    await expect(openSession(store.sessions, { ...input, id }, T0)).rejects.toThrow(
      expect.objectContaining({ code: 'input_invalid' }),
    );
  });
});
