// What a token weighs in a verifier's cache, and which tokens of a grant are kept as parents (attack K1).
import { describe, expect, it } from 'vitest';
import { attenuate, createVerifier, Keyring, mintBearer, restrict, type Constraint } from '../src/index.ts';
import type { AuthenticToken } from '../src/index.ts';
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

  it('S9 a token that was found genuine by signatures is nobody’s parent', () => {
    const cache = new TokenCache({ entries: 64, bytes: BYTES });
    const root = minted();
    const token = authentic(root);
    const bySignatures = makeAuthentic({ ...partsOf(token), verifiedBy: 'signatures' });
    cache.set(root, bySignatures);
    expect(cache.get(root)).toBe(bySignatures);
    expect(cache.parentOf(frame(attenuate(root, restrict.calls(1))))).toBeUndefined();
  });
});
