// The caches of a verifier: bounded, exact, and of use to the children of what they hold (docs/design.md
// section 6).
import { describe, expect, it, vi } from 'vitest';
import { attenuate, createVerifier, Keyring, mintBearer, restrict } from '../src/index.ts';
import type { AuthenticToken } from '../src/index.ts';
import { readToken, type Frame } from '../src/token/frame.ts';
import { BoundedMap } from '../src/bounded-map.ts';
import { TokenCache } from '../src/verify/cache.ts';

const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const verifier = createVerifier({
  audience: 'a',
  keys: keyring.domainKeys(),
  bearer: true,
  cache: { tokens: 0 },
});
const minted = (): string =>
  mintBearer(keyring, {
    operator: { id: 'acme' },
    model: { id: 'm', digest: new Uint8Array(32) },
    session: 's',
    user: 'u',
    tools: ['*'],
    issuedAt: NOW,
    expires: NOW + 900,
  });
const authentic = (text: string): AuthenticToken => {
  const found = verifier.identify(text);
  if (!found.ok) throw new Error(found.message);
  return found.token;
};
const frame = (text: string): Frame => readToken(text)!;
const BYTES = 2 ** 24;

describe('tokens by their bytes and as parents', () => {
  it('finds exactly the text it was given', () => {
    const cache = new TokenCache({ entries: 16, bytes: BYTES });
    const a = minted();
    cache.set(a, authentic(a));
    expect(cache.get(a)).toBeDefined();
    // The same tail under another grant is another token.
    const b = minted();
    expect(cache.get(b.slice(0, -50) + a.slice(-50))).toBeUndefined();
    expect(cache.get(b)).toBeUndefined();
  });

  it('gives a child the longest of its parents, and no stranger', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const middle = attenuate(root, restrict.calls(5));
    for (const text of [root, middle, minted(), attenuate(root, restrict.calls(6))]) {
      cache.set(text, authentic(text));
    }
    const child = attenuate(middle, restrict.tools('x'), restrict.note('n'));
    expect(cache.parentOf(frame(child))?.view.digest).toBe(authentic(middle).view.digest);
    expect(cache.parentOf(frame(root))).toBeUndefined();
    expect(cache.parentOf(frame(attenuate(minted(), restrict.calls(5))))).toBeUndefined();
  });

  it('a hundred children do not push their parent out', () => {
    const cache = new TokenCache({ entries: 1024, bytes: BYTES });
    const root = minted();
    cache.set(root, authentic(root));
    for (let i = 0; i < 100; i++) {
      const child = attenuate(root, restrict.calls(i + 1));
      expect(cache.parentOf(frame(child))?.view.digest).toBe(authentic(root).view.digest);
      cache.set(child, authentic(child));
    }
  });

  it('K1 a grant has eight possible parents, however many children it has', () => {
    const cache = new TokenCache({ entries: 1024, bytes: BYTES });
    const root = minted();
    cache.set(root, authentic(root));
    for (let i = 0; i < 60; i++) {
      const child = attenuate(root, restrict.calls(i + 1));
      cache.set(child, authentic(child));
    }
    const get = vi.spyOn(BoundedMap.prototype, 'get');
    try {
      expect(cache.parentOf(frame(attenuate(root, restrict.note('n'))))).toBeDefined();
      // The family, and each of its members.
      expect(get.mock.calls.length).toBe(9);
    } finally {
      get.mockRestore();
    }
  });

  it('holds no more than it may, and keeps what is used', () => {
    const map = new BoundedMap<number>({ entries: 100, bytes: BYTES });
    map.set('used', -1);
    for (let i = 0; i < 1000; i++) {
      map.set(`k${i}`, i);
      expect(map.get('used')).toBe(-1);
      expect(map.size).toBeLessThanOrEqual(100);
    }
    expect(map.get('k0')).toBeUndefined();
  });
});
