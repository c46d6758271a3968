// What a token weighs in a verifier's cache, and which tokens of a grant are kept as parents (attack K1).
import { describe, expect, it, vi } from 'vitest';
import { attenuate, createVerifier, Keyring, mintBearer, restrict, type Constraint } from '../src/index.ts';
import type { AuthenticToken } from '../src/index.ts';
import { BoundedMap } from '../src/bounded-map.ts';
import { readToken, type Frame } from '../src/token/frame.ts';
import { makeAuthentic, partsOf } from '../src/verify/authentic.ts';
import { TokenCache } from '../src/verify/cache.ts';

const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const verifier = createVerifier({
  audience: 'a',
  keys: keyring.domainKeys(),
  bearer: true,
  cache: { tokens: 0 },
});
const minted = (session = 's'): string =>
  mintBearer(keyring, {
    operator: { id: 'acme' },
    model: { id: 'm', digest: new Uint8Array(32) },
    session,
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

describe('K1 what a token weighs', () => {
  /** Bytes kept for a token whose `q` is constrained so, beside those for its length. */
  function weight(q: Constraint | null): number {
    const text = q === null ? minted() : attenuate(minted(), restrict.args(['*'], { q }));
    const cache = new TokenCache({ entries: 16, bytes: BYTES });
    cache.set(text, authentic(text));
    expect(cache.size).toBe(1);
    const { bytes } = frame(text);
    const names = 128 + 2 * 42;
    return cache.weight - names - 2 * text.length - 40 * bytes.length;
  }
  const plain = weight(null);
  const short: Constraint = { kind: 'length', max: 5 };

  it.each<readonly [string, Constraint, number]>([
    ['a constraint', short, 640],
    ['one for each item', { kind: 'each', constraint: short }, 2 * 640],
    [
      'all of three',
      { kind: 'all', constraints: [short, short, { kind: 'each', constraint: short }] },
      5 * 640,
    ],
    ['a value', { kind: 'equals', value: 'x' }, 640],
    ['null', { kind: 'equals', value: null }, 640],
    ['a value of four objects and lists', { kind: 'equals', value: { a: [1, [2]], b: {} } }, 640 + 4 * 320],
    ['values', { kind: 'oneOf', values: [1, 'x', [2], { c: [null] }] }, 640 + 3 * 320],
  ])('is what it can come to hold: %s', (_, constraint, expected) => {
    // The items end where the tail's head begins: some bytes are neither.
    expect(Math.abs(weight(constraint) - plain - expected)).toBeLessThan(100);
  });

  it('is more than its bytes', () => {
    expect(plain).toBeGreaterThan(900);
    expect(plain).toBeLessThan(1100);
  });

  it('is bounded by the budget, not only the number', () => {
    const cache = new TokenCache({ entries: 1024, bytes: 200_000 });
    for (let i = 0; i < 60; i++) {
      const text = minted();
      cache.set(text, authentic(text));
      expect(cache.weight).toBeLessThanOrEqual(200_000);
    }
    expect(cache.size).toBeGreaterThan(2);
    expect(cache.size).toBeLessThan(20);
  });
});

describe('the family of a grant', () => {
  const children = (n: number, root: string): string[] =>
    Array.from({ length: n }, (_, i) => attenuate(root, restrict.calls(i + 1)));

  it('keeps eight, and gives the longest place to a shorter one', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const long = children(8, attenuate(root, restrict.note('n')));
    for (const text of long) cache.set(text, authentic(text));
    const heir = attenuate(long[0]!, restrict.tools('x'));
    expect(cache.parentOf(frame(heir))?.view.digest).toBe(authentic(long[0]!).view.digest);
    cache.set(root, authentic(root));
    // The root took the place of one of the eight; what follows any of them still has a parent.
    for (const text of long)
      expect(cache.parentOf(frame(attenuate(text, restrict.tools('x'))))).toBeDefined();
    const lost = long.filter(
      (text) =>
        cache.parentOf(frame(attenuate(text, restrict.tools('x'))))!.view.digest ===
        authentic(root).view.digest,
    );
    expect(lost).toHaveLength(1);
    // A longer one takes no place.
    const longer = attenuate(heir, restrict.note('m'));
    cache.set(longer, authentic(longer));
    expect(cache.parentOf(frame(attenuate(longer, restrict.tools('y'))))?.view.digest).not.toBe(
      authentic(longer).view.digest,
    );
  });

  it('counts a token that is set twice once', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const [first, ...rest] = children(8, root);
    for (const text of [first!, first!, first!, ...rest.slice(0, 6), root]) cache.set(text, authentic(text));
    for (const text of [first!, ...rest.slice(0, 6)])
      expect(cache.parentOf(frame(attenuate(text, restrict.tools('x'))))?.view.digest).toBe(
        authentic(text).view.digest,
      );
    expect(cache.parentOf(frame(attenuate(root, restrict.tools('x'))))?.view.digest).toBe(
      authentic(root).view.digest,
    );
  });

  it('is not shared by grants of one length and one end', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    // Fresh token ids: the same length, the same last bytes.
    const [a, b] = [minted(), minted()];
    cache.set(a, authentic(a));
    const ofB = frame(attenuate(b, restrict.calls(1)));
    expect(cache.parentOf(ofB)).toBeUndefined();
    cache.set(b, authentic(b));
    expect(cache.parentOf(ofB)?.view.digest).toBe(authentic(b).view.digest);
    expect(cache.parentOf(frame(attenuate(a, restrict.calls(1))))?.view.digest).toBe(
      authentic(a).view.digest,
    );
  });

  const bySignatures = (text: string): AuthenticToken =>
    makeAuthentic({ ...partsOf(authentic(text)), verifiedBy: 'signatures' });

  it('S9 a token that was found genuine by signatures is nobody’s parent', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const child = attenuate(root, restrict.calls(1));
    const token = bySignatures(root);
    cache.set(root, token);
    expect(cache.get(root)).toBe(token);
    expect(cache.parentOf(frame(child))).toBeUndefined();
    // Nor is it one in the place of the same token found genuine by its MAC.
    cache.set(root, authentic(root));
    expect(cache.parentOf(frame(child))).toBeDefined();
    cache.set(root, bySignatures(root));
    expect(cache.parentOf(frame(child))).toBeUndefined();
  });

  it('S9 a token that was found genuine by signatures takes no parent’s place', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    for (const text of children(8, root)) cache.set(text, bySignatures(text));
    const longer = attenuate(root, restrict.calls(1), restrict.note('n'));
    cache.set(longer, authentic(longer));
    expect(isParent(cache, longer)).toBe(true);
  });

  /** Whether a child of `text` starts from it. */
  const isParent = (cache: TokenCache, text: string): boolean =>
    cache.parentOf(frame(attenuate(text, restrict.tools('x'))))?.view.digest === authentic(text).view.digest;

  it.each([0, 3, 7])('gives the place of the longest to the next, wherever it stands: %d', (at) => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const short = children(7, root);
    const long = attenuate(root, restrict.note('a'), restrict.note('b'), restrict.note('c'));
    const middle = attenuate(root, restrict.note('a'), restrict.note('b'));
    const all = [...short.slice(0, at), long, ...short.slice(at)];
    for (const text of all) cache.set(text, authentic(text));
    expect(all.every((text) => isParent(cache, text))).toBe(true);
    cache.set(middle, authentic(middle));
    expect([...short, middle].every((text) => isParent(cache, text))).toBe(true);
    expect(isParent(cache, long)).toBe(false);
    // Of one length, the one that came last is kept.
    const next = children(8, root).at(-1)!;
    cache.set(next, authentic(next));
    expect(isParent(cache, next)).toBe(true);
    expect(isParent(cache, middle)).toBe(false);
    const last = attenuate(root, restrict.note('z'));
    cache.set(last, authentic(last));
    expect(isParent(cache, last)).toBe(true);
  });

  it('that has lost its members to the budget finds none, and makes room for others', () => {
    const cache = new TokenCache({ entries: 1024, bytes: 400_000 });
    const root = minted();
    const lost = children(8, root);
    for (const text of lost) cache.set(text, authentic(text));
    for (let i = 0; i < 60; i++) {
      const other = minted(`another ${i}`);
      cache.set(other, authentic(other));
    }
    expect(lost.some((text) => cache.get(text) !== undefined)).toBe(false);
    expect(lost.some((text) => isParent(cache, text))).toBe(false);
    const next = attenuate(lost[0]!, restrict.note('n'));
    cache.set(next, authentic(next));
    expect(isParent(cache, next)).toBe(true);
  });

  it('is as bounded in number as the tokens are', () => {
    const set = vi.spyOn(BoundedMap.prototype, 'set');
    try {
      const cache = new TokenCache({ entries: 16, bytes: BYTES });
      // Each of another family.
      for (let i = 100; i < 200; i++) {
        const text = minted(`s${i}`);
        cache.set(text, authentic(text));
      }
      const maps = new Set(set.mock.contexts as unknown as BoundedMap<unknown>[]);
      expect(maps.size).toBe(2);
      for (const map of maps) expect(map.size).toBeLessThanOrEqual(16);
    } finally {
      set.mockRestore();
    }
  });

  it('is each grant’s own, when their ends differ', () => {
    const cache = new TokenCache({ entries: 1024, bytes: BYTES });
    const roots = Array.from({ length: 40 }, (_, i) => minted(`s${String(i).padStart(2, '0')}`));
    for (const root of roots) cache.set(root, authentic(root));
    expect(roots.every((root) => isParent(cache, root))).toBe(true);
  });

  it('serves a child of many caveats as well as one of few', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    cache.set(root, authentic(root));
    const far = attenuate(root, ...Array.from({ length: 30 }, (_, i) => restrict.note(`n${i}`)));
    expect(cache.parentOf(frame(far))?.view.digest).toBe(authentic(root).view.digest);
    const near = attenuate(root, restrict.note('n0'), restrict.note('n1'));
    cache.set(near, authentic(near));
    expect(cache.parentOf(frame(far))?.view.digest).toBe(authentic(near).view.digest);
  });

  it('S9 no token is the parent of one whose caveats are others, though they begin alike', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const parent = attenuate(root, restrict.note('abcdefgh'));
    cache.set(parent, authentic(parent));
    for (const other of ['abcdefgx', 'xbcdefgh', 'abcdefg', 'abcdefghi', 'a'])
      expect(cache.parentOf(frame(attenuate(root, restrict.note(other), restrict.calls(1))))).toBeUndefined();
  });
});
