// Questions by name (`named.ts`), with a server in this test's hands that answers nine times at most.
import { expect, test } from 'vitest';
import type { Revocation } from '../src/index.ts';
import { NamedEntries, type Named } from '../src/named.ts';
import type { RevocationName, RevocationSubject } from '../src/revocations.ts';
import { NOW } from '../src/testing/make.ts';

const subject = (user: string, more: Partial<RevocationSubject> = {}): RevocationSubject => ({
  ...{ issuer: 'acme', token: 't', key: 'k', nodes: [], holders: [] },
  user,
  ...more,
});
const entry = (seq: number, value: string, more: Partial<Revocation> = {}): Revocation => ({
  ...{ kind: 'user', issuer: 'acme', reason: '', time: NOW },
  seq,
  value,
  ...more,
});

/** Answers with these entries, as of number 5; `held`: when it is told to. */
function world(entries: readonly Revocation[] = [], held = false) {
  const asked: (readonly RevocationName[])[] = [];
  const waiting: ((answer?: Error) => void)[] = [];
  const named = new NamedEntries(async (names): Promise<Named> => {
    if (asked.push(names) > 9) throw new Error('too often');
    if (held)
      await new Promise<void>((done, fail) => {
        waiting.push((error) => (error === undefined ? done() : fail(error)));
      });
    return { upto: 5, entries };
  });
  return { named, asked, waiting, values: () => asked.map((names) => names.map(([, , value]) => value)) };
}
const steps = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

test('what was found is kept for each token, as of the number of the answer', async () => {
  const w = world([entry(3, 'a')]);
  const [a, b, other] = [subject('a'), subject('b'), subject('a')];
  await Promise.all([w.named.ask(a), w.named.ask(b)]);
  expect(w.named.find(a)).toEqual({ upto: 5, entry: entry(3, 'a') });
  expect(w.named.find(b)).toEqual({ upto: 5, entry: null });
  expect(w.named.find(other)).toBe(undefined);
  expect(w.asked.length).toBe(1);
});

test('a name that two tokens share is asked once', async () => {
  const w = world();
  await Promise.all([w.named.ask(subject('a')), w.named.ask(subject('a')), w.named.ask(subject('b'))]);
  expect(w.asked).toEqual([
    [
      ['token', 'acme', 't'],
      ['user', 'acme', 'a'],
      ['key', 'acme', 'k'],
      ['user', 'acme', 'b'],
    ],
  ]);
});

test('who asks while a question is under way goes into the next, together', async () => {
  const w = world([], true);
  const first = w.named.ask(subject('a'));
  await steps();
  const behind = [w.named.ask(subject('b')), w.named.ask(subject('c'))];
  await steps();
  expect(w.values()).toEqual([['t', 'a', 'k']]);
  w.waiting[0]!();
  await first;
  await steps();
  expect(w.values().slice(1)).toEqual([['t', 'b', 'k', 'c']]);
  w.waiting[1]!();
  await Promise.all(behind);
  // All is answered: the next is asked again.
  const last = w.named.ask(subject('d'));
  await steps();
  expect(w.asked.length).toBe(3);
  w.waiting[2]!();
  await last;
});

test('L9 a question that fails fails all who wait, and nothing is found; the next is asked', async () => {
  const w = world([], true);
  const [a, b] = [subject('a'), subject('b')];
  const first = w.named.ask(a);
  await steps();
  const all = Promise.allSettled([first, w.named.ask(b)]);
  const away = new Error('away');
  w.waiting[0]!(away);
  expect(await all).toEqual([
    { status: 'rejected', reason: away },
    { status: 'rejected', reason: away },
  ]);
  await steps();
  expect([w.asked.length, w.named.find(a), w.named.find(b)]).toEqual([1, undefined, undefined]);
  const again = w.named.ask(b);
  await steps();
  expect(w.values()[1]).toEqual(['t', 'b', 'k']);
  w.waiting[1]!();
  await again;
  expect(w.named.find(b)).toEqual({ upto: 5, entry: null });
});

test('finding S15 a question has a thousand names, but all of one token', async () => {
  const nodes = (from: number, n: number): string[] => Array.from({ length: n }, (_, i) => `n${from + i}`);
  const w = world();
  // Three names each beside the nodes, two of them shared.
  const many = [
    subject('a', { nodes: nodes(0, 1500) }),
    subject('b', { nodes: nodes(2000, 996) }),
    subject('c'),
    subject('d'),
    subject('e'),
  ];
  await Promise.all(many.map((each) => w.named.ask(each)));
  expect(w.asked.map(({ length }) => length)).toEqual([1503, 1000, 4]);
  expect(w.values()[1]).toContain('c');
  expect(w.values()[2]).toEqual(['t', 'd', 'k', 'e']);
});
