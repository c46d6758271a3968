// The front door of an issuer: a home of its own, or one that `ambit init` made; what is asked for bound by the four layers
// where a configuration is in force; everything that is wrong said at once; revoking; the log beside a running guard.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  directorySource,
  homePaths,
  homeVerifier,
  openHome,
  openReader,
  search,
  serveLog,
} from '@ambit/audit';
import { openAuthority, type Ask, type Authority, type OpenAuthorityOptions } from '@ambit/authority';
import { keyringFileText, keyringIn, parseKeyringFile, withKeysOf } from '@ambit/authority/keyring';
import { AmbitError, inspect, publicKey, SecretKey, VerificationKey, type Inspection } from '@ambit/core';
import { acquireLock } from '@ambit/files';
import { measure, signModel } from '@ambit/identity';
import { openSqlite } from '@ambit/state/sqlite';
import { ACME, modelSigner } from '../../identity/test/operators.ts';

const NOW = 1_772_373_600;
const holder = publicKey(SecretKey.generate('holder')).toString();

let folder: string;
let open: Authority[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ambit-authority-'));
  mkdirSync(join(folder, 'weights'));
  writeFileSync(join(folder, 'weights', 'a.bin'), 'layer1');
  open = [];
});
afterEach(async () => {
  for (const authority of open) await authority.close();
  rmSync(folder, { recursive: true });
});
async function opened(options: Partial<OpenAuthorityOptions> = {}): Promise<Authority> {
  const home = join(folder, 'home');
  const authority = await openAuthority({
    home,
    issuer: 'iam.acme.com',
    nowMs: () => NOW * 1000,
    ...options,
  });
  open.push(authority);
  return authority;
}
const ask = (more: Partial<Ask> = {}): Ask => ({
  user: 'jane',
  model: join(folder, 'weights'),
  tools: ['files.read'],
  holder,
  for: '15m',
  ...more,
});
const errorOf = async (job: Promise<unknown>): Promise<AmbitError> => {
  const error: unknown = await job.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(AmbitError);
  return error as AmbitError;
};
async function recorded(home = join(folder, 'home')): Promise<string[]> {
  const { reader } = await openReader(directorySource(homePaths(home).directory), await homeVerifier(home));
  const kinds: string[] = [];
  for await (const { record } of search(reader, {})) kinds.push(record.kind);
  return kinds;
}
const fieldsOf = ({ message }: Error): string[] => (message.match(/^ {2}\w+/gm) ?? []).map((m) => m.trim());

describe('openAuthority', () => {
  it('makes its home, measures the model, and mints in an open session that is in the log', async () => {
    const authority = await opened();
    const { token, session, expires } = await authority.issue(ask({ audience: 'files.acme.com' }));
    const { grant }: Inspection = inspect(token);
    expect(grant).toMatchObject({
      issuer: 'iam.acme.com',
      user: 'jane',
      session,
      audience: 'files.acme.com',
    });
    expect(grant.model).toEqual({ id: 'weights', digest: (await measure(join(folder, 'weights'))).digest });
    expect(expires).toBe(NOW + 900);
    expect(await recorded()).toEqual(['session', 'mint']);
    for (const name of ['keyring.json', 'session.key', 'state.db', 'home.json'])
      expect(existsSync(join(folder, 'home', name))).toBe(true);
    expect(statSync(join(folder, 'home', 'keyring.json')).mode & 0o077).toBe(0);
  });

  it('opens the same home again with the same keys, and only under its name', async () => {
    const before = (await opened()).keysFor('files.acme.com');
    const again = await opened({ issuer: undefined as never });
    expect(again.keysFor('files.acme.com')).toBe(before);
    const [key] = before.split('\n').filter((line) => line.startsWith('ambsec_'));
    expect(VerificationKey.parse(key!)).toMatchObject({ issuer: 'iam.acme.com', audience: 'files.acme.com' });
    expect((await errorOf(opened({ issuer: 'other' }))).code).toBe('key_invalid');
    rmSync(join(folder, 'home', 'state.db'));
    expect((await errorOf(opened())).code).toBe('store_corrupt');
  });

  it('a keyring that others can read, or that is none of this version, is refused', async () => {
    await opened();
    const path = join(folder, 'home', 'keyring.json');
    const text = readFileSync(path, 'utf8');
    if (process.platform !== 'win32') {
      chmodSync(path, 0o640);
      expect((await errorOf(opened())).code).toBe('key_exposed');
      chmodSync(path, 0o600);
    }
    for (const bad of ['', '[]', 'null', text.replace('"v": 1', '"v": 2'), text.slice(0, -9)]) {
      writeFileSync(path, bad);
      const error = await errorOf(opened());
      expect(error.code).toBe('key_invalid');
      expect(error.message).not.toContain('ambsec');
    }
  });

  it('names a keyring under its lock: a rotation at the same time is not lost', async () => {
    await opened();
    const home = join(folder, 'home');
    const path = join(home, 'keyring.json');
    const file = parseKeyringFile(readFileSync(path, 'utf8'))!;
    writeFileSync(path, keyringFileText({ ...file, issuer: null }));
    const lock = (await acquireLock(join(home, 'keyring.lock')))!;
    const naming = opened();
    const rotated = { ...withKeysOf(file, keyringIn(file).rotate()), issuer: null };
    writeFileSync(path, keyringFileText(rotated));
    lock.release();
    await naming;
    const after = parseKeyringFile(readFileSync(path, 'utf8'))!;
    expect(after).toEqual({ ...rotated, issuer: 'iam.acme.com' });
    expect(after.keys).toHaveLength(2);
  });

  it('a misspelled option is refused, and what a new home lacks is said before it is made', async () => {
    const home = join(folder, 'none');
    const wrong = { home, isuer: 'iam.acme.com', operator: 7, nowMs: 1, configuration: true };
    const error = await errorOf(openAuthority(wrong as never));
    expect(fieldsOf(error)).toEqual(['isuer', 'operator', 'nowMs', 'configuration', 'operator', 'issuer']);
    expect(error.message).toContain('did you mean issuer?');
    expect(fieldsOf(await errorOf(openAuthority(undefined as never)))).toEqual(['home']);
    expect(existsSync(home)).toBe(false);
    const authority = await opened();
    const asked = await errorOf(authority.issue({ ...ask(), tool: ['files.write'], audiance: 'x' } as Ask));
    expect(fieldsOf(asked)).toEqual(['tool', 'audiance']);
    expect((await errorOf(authority.revoke({ session: undefined as never }))).message).toContain(
      'session: expected a text',
    );
  });

  it('a model that is missing, empty, a link or not named as one is each said as it is', async () => {
    const authority = await opened();
    mkdirSync(join(folder, 'empty'));
    symlinkSync(join(folder, 'weights'), join(folder, 'link'));
    const said = async (model: string): Promise<string> =>
      (await errorOf(authority.issue(ask({ model })))).message.split('\n')[1]!.trim();
    expect(await said(join(folder, 'none'))).toMatch(
      /none does not exist\. Expected a folder or file to measure, or NAME@/,
    );
    expect(await said(join(folder, 'empty'))).toMatch(/empty holds no files\.$/);
    expect(await said(join(folder, 'link'))).toMatch(/link is a symbolic link/);
    expect(await said('agent-v2@sha256:12')).toMatch(/does not exist\. Expected .* NAME@sha256:DIGEST/);
    expect(await said('')).toBe('model: expected a folder or file to measure, or NAME@sha256:DIGEST');
  });

  it('says everything that is missing or wrong at once', async () => {
    const authority = await opened();
    expect(fieldsOf(await errorOf(authority.issue({} as Ask)))).toEqual(['user', 'tools', 'holder', 'model']);
    const secret = SecretKey.generate('holder').unsafeText();
    const wrong = ask({
      holder: secret,
      for: 'soon',
      tools: ['no tool'],
      data: ['?'],
      model: join(folder, 'none'),
    });
    const error = await errorOf(authority.issue(wrong));
    expect(fieldsOf(error)).toEqual(['tools', 'data', 'holder', 'for', 'model']);
    expect(error.message).not.toContain(secret.slice(15));
    expect(fieldsOf(await errorOf(openAuthority({ home: '', issuer: '\n', configuration: 'none' })))).toEqual(
      ['home', 'issuer', 'configuration'],
    );
  });

  it('takes times as spans, seconds and dates', async () => {
    const authority = await opened();
    for (const end of ['5m', 300, new Date((NOW + 300) * 1000)])
      expect((await authority.issue(ask({ for: end }))).expires).toBe(NOW + 300);
    expect(fieldsOf(await errorOf(authority.issue(ask({ for: new Date(NOW * 1000) }))))).toEqual(['for']);
  });

  it('revokes a session, a token and its holder, and records each', async () => {
    const authority = await opened();
    const { token, session } = await authority.issue(ask());
    await authority.revoke({ session, reason: 'laptop stolen' });
    await authority.revoke({ token });
    await authority.revoke({ holder });
    const store = openSqlite(join(folder, 'home', 'state.db'));
    try {
      expect((await store.sessions.get('iam.acme.com', session))?.reason).toBe('laptop stolen');
      const { entries } = await store.revocations.since(0);
      expect(entries.map((e) => e.kind)).toEqual(['session', 'node', 'holder']);
      expect(entries[1]!.value).toBe(inspect(token).nodes.at(-1));
    } finally {
      await store.close();
    }
    expect(await recorded()).toEqual(['session', 'mint', 'revocation', 'revocation', 'revocation']);
    expect((await errorOf(authority.issue(ask({ session })))).code).toBe('session_closed');
    expect((await errorOf(authority.revoke({ session, user: 'jane' }))).code).toBe('input_invalid');
  });

  it('writes through whoever holds the log of the home, and hands nothing out that is not in it', async () => {
    const authority = await opened();
    const home = join(folder, 'home');
    const recorder = await openHome(home, { create: false });
    const server = await serveLog({
      recorder,
      sockets: [{ path: join(homePaths(home).root, 'socket'), by: 'cli' }],
    });
    await authority.issue(ask());
    expect(recorder.log.size).toBe(2);
    await server.close();
    await recorder.close();
    rmSync(homePaths(home).key);
    await expect(authority.issue(ask())).rejects.toThrow();
  });
});

describe('openAuthority under a configuration', () => {
  const configured = async (): Promise<Authority> => {
    const file = join(folder, 'operator.yaml');
    writeFileSync(file, ACME);
    return opened({ configuration: file, issuer: undefined as never });
  };
  it('grants what all layers allow, and says what they took', async () => {
    const authority = await configured();
    const { text } = await signModel(join(folder, 'weights'), 'agent-v2', modelSigner);
    writeFileSync(join(folder, 'agent.att'), text);
    expect(authority.issuer).toBe('razorsec-iam-service');
    const wanted = ask({ modelId: 'agent-v2', tools: ['web_search', 'ping'] });
    expect((await errorOf(authority.issue(wanted))).code).toBe('model_unattested');
    const attested = { ...wanted, modelId: undefined as never, attestation: join(folder, 'agent.att') };
    expect((await errorOf(authority.issue({ ...attested, user: 'nobody' }))).code).toBe('user_unknown');
    expect((await errorOf(authority.issue({ ...attested, tools: ['ping'] }))).code).toBe('authority_empty');
    const { token, taken } = await authority.issue(attested);
    expect(inspect(token).grant).toMatchObject({
      tools: ['web_search'],
      operator: { id: 'acme-corp' },
      model: { id: 'agent-v2' },
    });
    expect(taken.flatMap((t) => t.tools)).toEqual(['ping']);
    expect(JSON.parse(readFileSync(join(folder, 'home', 'configuration.json'), 'utf8'))).toHaveProperty(
      'record.since',
      NOW,
    );
    expect(await recorded()).toEqual(['configuration', 'session', 'mint']);
  });
});
