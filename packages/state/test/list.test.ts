// What a signed list is made of (`list/`): its entries, its lines, and each way in which one may be wrong. `by` signs
// whatever it is given here, so that what is refused is refused for its form.
import {
  LABELS,
  SecretKey,
  encodeCbor,
  publicKey,
  sha256,
  signer,
  toBase64url,
  type Cbor,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { describe, expect, test } from 'vitest';
import {
  allRevocations,
  importEntries,
  memoryStore,
  revocationPages,
  signedLines,
  signSnapshot,
  SnapshotRevocations,
  readSnapshot,
  type Revocation,
  type RevocationAnswer,
  type Revocations,
} from '../src/index.ts';
import { entriesOf, toRow } from '../src/list/entries.ts';
import { ListReader } from '../src/list/read.ts';
import { END_PREFIX, ENTRIES_A_LINE, LIST_PREFIX, ListWriter } from '../src/list/write.ts';
import { isSequence, sequenceWindow, WINDOW } from '../src/replay.ts';
import { hex, id, NOW } from '../src/testing/make.ts';

const secret = new SecretKey('issuer', new Uint8Array(32).fill(7));
const by = signer(secret, nodeProvider);
const stranger = signer(new SecretKey('issuer', new Uint8Array(32).fill(8)), nodeProvider);
const keys = [publicKey(secret, nodeProvider)];
const entry = (seq: number, value: string, more: Partial<Revocation> = {}): Revocation => ({
  seq,
  kind: 'user',
  issuer: 'acme',
  value,
  reason: 'lost',
  time: NOW,
  ...more,
});
const ROW = ['user', 'acme', 'a', 'lost', NOW, null, 1];

describe('an entry in a list', () => {
  test('is a row and read from it as it was, frozen, in order', () => {
    const { issuer: _, ...named } = entry(2, id('h'), { kind: 'holder' });
    const entries = [entry(1, 'a'), named, entry(3, 'b', { expires: NOW + 5, kind: 'session' })];
    expect(toRow(entries[0]!)).toEqual(ROW);
    expect(toRow(entries[1]!)).toEqual(['holder', null, id('h'), 'lost', NOW, null, 2]);
    expect(toRow(entries[2]!)).toEqual(['session', 'acme', 'b', 'lost', NOW, NOW + 5, 3]);
    const read = entriesOf(entries.map(toRow), 'acme')!;
    expect(read).toEqual(entries);
    expect(read.map((each) => Object.keys(each).length)).toEqual([6, 5, 7]);
    expect(read.every((each) => Object.isFrozen(each))).toBe(true);
    expect(entriesOf([], 'acme')).toEqual([]);
  });

  const changed = (at: number, value: unknown): unknown[] => ROW.map((old, i) => (i === at ? value : old));
  test.each<[string, unknown]>([
    ['is no list', 'row'],
    ['is an object', { length: 7 }],
    ['is short', ROW.slice(0, 6)],
    ['is long', [...ROW, 1]],
    ['has no kind', changed(0, 5)],
    ['has another kind', changed(0, 'all')],
    ['has an issuer that is no text', changed(1, 5)],
    ['is of another issuer', changed(1, 'other')],
    ['lacks its issuer', changed(1, null)],
    ['has a value that is no text', changed(2, 5)],
    ['has an empty value', changed(2, '')],
    ['has a reason that is no text', changed(3, 5)],
    ['has a time that is no number', changed(4, 'x')],
    ['has an end that is no number', changed(5, 'x')],
    ['has an end that is not whole', changed(5, 1.5)],
    ['has a number that is none', changed(6, 'x')],
  ])('that %s makes all of them none', (_what, row) => {
    expect(entriesOf([ROW, row], 'acme')).toBe(null);
    expect(entriesOf([ROW, ROW], 'acme')?.length).toBe(2);
  });
});

const line = (prefix: string, value: Cbor): string => prefix + toBase64url(encodeCbor(value));
const signed = (prefix: string, body: Cbor, who = by): string => {
  const bytes = encodeCbor(body);
  return line(prefix, [bytes, who.sign(LABELS.revocations, bytes)]);
};
const HEAD = encodeCbor([2, 'acme', NOW]);
const BEGIN = LIST_PREFIX + toBase64url(HEAD);
const PAGE = encodeCbor([ROW]);
const CHAIN = sha256(sha256(HEAD), PAGE);
/** What reading lines comes to: the list, or a code and what is said of it. */
const read = (...lines: string[]): unknown => {
  const reader = new ListReader(keys, nodeProvider);
  for (const each of lines) reader.unverified(each);
  const end = reader.end();
  return end.ok ? end.list : [end.code, end.message];
};
const MALFORMED = ['input_invalid', expect.stringContaining('not a signed') as string];

describe('a list of version 2', () => {
  const END = [2, 'acme', 7, NOW, 1, CHAIN] as const;

  test('is what its end says, whose digest is of all that was signed', () => {
    const expected = { issuer: 'acme', number: 7, time: NOW, digest: toBase64url(CHAIN) };
    const lines = [BEGIN, toBase64url(PAGE), signed(END_PREFIX, [...END])];
    const list = read(...lines);
    expect(list).toEqual(expected);
    expect(Object.isFrozen(list)).toBe(true);
    expect(read(...lines, '', '')).toEqual(expected);
  });

  test('gives the entries of each line, and null from the first that is wrong', () => {
    const reader = new ListReader(keys, nodeProvider);
    expect(reader.unverified(BEGIN)).toEqual([]);
    expect(reader.unverified(toBase64url(PAGE))).toEqual([entry(1, 'a')]);
    expect(reader.unverified('!')).toBe(null);
    expect(reader.unverified(toBase64url(PAGE))).toBe(null);
    expect(reader.unverified(signed(END_PREFIX, [...END]))).toBe(null);
    expect(reader.end()).toMatchObject({ ok: false, code: 'input_invalid' });
  });

  test('that is cut off says so; nothing is no list', () => {
    const cut = ['input_invalid', expect.stringContaining('cut off') as string];
    expect(read(BEGIN)).toEqual(cut);
    expect(read(BEGIN, toBase64url(PAGE))).toEqual(cut);
    expect(read()).toEqual(MALFORMED);
  });

  test.each<[string, string]>([
    ['no prefix', toBase64url(HEAD)],
    ['another prefix', `ambr3_${toBase64url(HEAD)}`],
    ['no base64url', `${LIST_PREFIX}!`],
    ['nothing', LIST_PREFIX],
    ['no list', line(LIST_PREFIX, 'acme')],
    ['another version', line(LIST_PREFIX, [1, 'acme', NOW])],
    ['an issuer that is no text', line(LIST_PREFIX, [2, 5, NOW])],
    ['a time that is no number', line(LIST_PREFIX, [2, 'acme', 'now'])],
    ['too few', line(LIST_PREFIX, [2, 'acme'])],
    ['too many', line(LIST_PREFIX, [2, 'acme', NOW, 1])],
    ['bytes behind it', LIST_PREFIX + toBase64url(new Uint8Array([...HEAD, 0]))],
  ])('is none when its head has %s', (_what, head) => {
    expect(read(head)).toEqual(MALFORMED);
    expect(read(head, toBase64url(PAGE), signed(END_PREFIX, [...END]))).toEqual(MALFORMED);
  });

  test.each<[string, string]>([
    ['is empty', ''],
    ['has no entry', line('', [])],
    ['is no list', line('', 'acme')],
    ['is no base64url', '!'],
    ['has a wrong entry', line('', [ROW, 5])],
  ])('is none when a page %s', (_what, page) => {
    expect(read(BEGIN, page)).toEqual(MALFORMED);
    expect(read(BEGIN, page, signed(END_PREFIX, [2, 'acme', 7, NOW, 0, sha256(HEAD)]))).toEqual(MALFORMED);
  });

  const body = encodeCbor([...END]);
  const signature = by.sign(LABELS.revocations, body);
  const changed = (at: number, value: Cbor): Cbor => END.map((old, i) => (i === at ? value : old));
  test.each<[string, string]>([
    ['is no base64url', `${END_PREFIX}!`],
    ['is no list', line(END_PREFIX, 'x')],
    ['is short', line(END_PREFIX, [body])],
    ['is long', line(END_PREFIX, [body, signature, 1])],
    ['has a body that is no bytes', line(END_PREFIX, ['x', signature])],
    ['has a signature that is no bytes', line(END_PREFIX, [body, 'x'])],
    ['is of another version', signed(END_PREFIX, changed(0, 1))],
    ['has a number that is none', signed(END_PREFIX, changed(2, 'x'))],
    ['has a chain that is no bytes', signed(END_PREFIX, changed(5, 'x'))],
    ['says too little', signed(END_PREFIX, END.slice(0, 5))],
    ['says too much', signed(END_PREFIX, [...END, 1])],
  ])('is none when its end %s', (_what, end) => {
    expect(read(BEGIN, toBase64url(PAGE), end)).toEqual(MALFORMED);
  });

  test.each<[string, Cbor]>([
    ['issuer', changed(1, 'other')],
    ['time', changed(3, NOW + 1)],
    ['count', changed(4, 2)],
    ['chain', changed(5, sha256(HEAD))],
  ])('is another than was signed when its end says another %s', (_what, end) => {
    expect(read(BEGIN, toBase64url(PAGE), signed(END_PREFIX, end))).toEqual([
      'input_invalid',
      expect.stringContaining('not the one that was signed'),
    ]);
  });

  test('is read by any of the keys, and by none that is not known', () => {
    const end = signed(END_PREFIX, [...END], stranger);
    expect(read(BEGIN, toBase64url(PAGE), end)).toEqual(['seal_invalid', expect.any(String)]);
    const text = signSnapshot([], { issuer: 'acme', now: NOW }, by);
    const other = publicKey(new SecretKey('issuer', new Uint8Array(32).fill(8)), nodeProvider);
    expect(readSnapshot(text, [other, ...keys], nodeProvider).ok).toBe(true);
    expect(readSnapshot(text, [], nodeProvider)).toMatchObject({ code: 'seal_invalid' });
  });

  test('is over with its end: nothing but blank lines may follow', () => {
    const whole = [BEGIN, toBase64url(PAGE), signed(END_PREFIX, [...END])];
    for (const more of [toBase64url(PAGE), ' ', BEGIN]) expect(read(...whole, more)).toEqual(MALFORMED);
    const reader = new ListReader(keys, nodeProvider);
    expect([...whole, ''].map((each) => reader.unverified(each)?.length)).toEqual([0, 1, 0, 0]);
  });
});

describe('a list of version 1', () => {
  const OLD = [1, 'acme', 3, NOW, [ROW]] as unknown as Cbor[];
  const changed = (at: number, value: Cbor): Cbor => OLD.map((old, i) => (i === at ? value : old));

  test('is one line, whose digest is of its body', () => {
    expect(read(signed('ambr1_', OLD))).toEqual({
      issuer: 'acme',
      number: 3,
      time: NOW,
      digest: toBase64url(sha256(encodeCbor(OLD))),
    });
    const reader = new ListReader(keys, nodeProvider);
    expect(reader.unverified(signed('ambr1_', OLD))).toEqual([entry(1, 'a')]);
    expect(read(signed('ambr1_', changed(4, [])))).toMatchObject({ number: 3 });
  });

  test.each<[string, string]>([
    ['is no base64url', 'ambr1_!'],
    ['is not signed', line('ambr1_', OLD)],
    ['is of another version', signed('ambr1_', changed(0, 2))],
    ['has an issuer that is no text', signed('ambr1_', changed(1, 5))],
    ['has an issuer that is no text, and no entry', signed('ambr1_', [1, 5, 3, NOW, []])],
    ['has a number that is none', signed('ambr1_', changed(2, 'x'))],
    ['has a time that is no number', signed('ambr1_', changed(3, 'x'))],
    ['has entries that are no list', signed('ambr1_', changed(4, 'x'))],
    ['has a wrong entry', signed('ambr1_', changed(4, [5]))],
    ['says too little', signed('ambr1_', OLD.slice(0, 4))],
    ['says too much', signed('ambr1_', [...OLD, 1])],
  ])('is none when it %s', (_what, text) => expect(read(text)).toEqual(MALFORMED));

  test('of a stranger is not believed', () => {
    expect(read(signed('ambr1_', OLD, stranger))).toEqual(['seal_invalid', expect.any(String)]);
  });
});

describe('a list that is written', () => {
  const many = (n: number): Revocation[] => Array.from({ length: n }, (_, i) => entry(i + 1, `u${i}`));

  test('has 256 entries a line, the last one fewer, and no empty one', () => {
    for (const [n, lines] of [
      [0, 2],
      [1, 3],
      [ENTRIES_A_LINE, 3],
      [ENTRIES_A_LINE + 1, 4],
    ] as const)
      expect(signSnapshot(many(n), { issuer: 'acme', now: NOW }, by).split('\n').length).toBe(lines);
    const writer = new ListWriter({ issuer: 'acme', now: NOW }, by);
    expect(writer.head).toBe(BEGIN);
    expect(writer.lines(many(255))).toEqual([]);
    expect(writer.lines(many(258)).length).toBe(2);
    expect(writer.end().length).toBe(2);
  });

  const listOf = (entries: Revocation[], about: object = {}) => {
    const found = readSnapshot(
      signSnapshot(entries, { issuer: 'acme', now: NOW, ...about }, by),
      keys,
      nodeProvider,
    );
    if (!found.ok) throw new Error(found.message);
    return found.snapshot;
  };

  test('leaves out what has ended and what is of another issuer, and has the highest number of all', () => {
    const { issuer: _, ...named } = entry(3, id('h'), { kind: 'holder' });
    const list = listOf([
      entry(1, 'over', { expires: NOW }),
      entry(2, 'not yet', { expires: NOW + 1 }),
      named,
      entry(9, 'x', { issuer: 'other' }),
      entry(4, 'a'),
    ]);
    expect(list.entries.map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(list).toMatchObject({ issuer: 'acme', time: NOW, number: 9 });
    expect([Object.isFrozen(list), Object.isFrozen(list.entries)]).toEqual([true, true]);
    expect(listOf([entry(1, 'a')], { number: 40 }).number).toBe(40);
    expect(listOf([]).number).toBe(0);
  });

  test('is dated in Unix seconds', () => {
    expect(() => signSnapshot([], { issuer: 'acme', now: NOW * 1000 }, by)).toThrow(RangeError);
  });

  test('page by page is the list that is written at once', async () => {
    const store = memoryStore({ nowSeconds: () => NOW });
    expect(await allRevocations(store.revocations)).toEqual([]);
    expect(await importEntries(many(1500), store.revocations, NOW)).toBe(1500);
    const sizes: number[] = [];
    for await (const page of revocationPages(store.revocations)) sizes.push(page.length);
    expect(sizes).toEqual([1000, 500]);
    const all = await allRevocations(store.revocations);
    expect(all.map(({ value }) => value)).toEqual(many(1500).map(({ value }) => value));
    const lines: string[] = [];
    for await (const each of signedLines(
      revocationPages(store.revocations),
      { issuer: 'acme', now: NOW },
      by,
    ))
      lines.push(each);
    expect(lines.join('\n')).toBe(signSnapshot(all, { issuer: 'acme', now: NOW }, by));
  });
});

describe('an import', () => {
  /** A store that answers as it is told, and what it was asked and given. */
  function world(answer: RevocationAnswer, asks: boolean) {
    const asked: unknown[] = [];
    const added: Revocation[] = [];
    const say = (subject: unknown): RevocationAnswer => (asked.push(subject), answer);
    const revocations = {
      add: async (each: Revocation) => (added.push(each), each),
      isRevoked: say,
      ...(asks ? { ask: async (subject: unknown) => say(subject) } : {}),
    } as unknown as Revocations;
    return { asked, added, revocations };
  }

  test('asks by name, of the issuer or of none, and the server where it has to be asked', async () => {
    const { issuer: _, ...named } = entry(1, id('x'));
    const nobody = { token: '', key: '', nodes: [], holders: [] };
    for (const asks of [false, true]) {
      const w = world({ ok: true }, asks);
      const entries: Revocation[] = [
        entry(1, 'a'),
        entry(2, hex('t'), { kind: 'token' }),
        { ...named, kind: 'node' },
        { ...named, kind: 'holder' },
        { ...named, kind: 'model' },
      ];
      expect(await importEntries(entries, w.revocations, NOW)).toBe(5);
      expect(w.asked).toEqual([
        { ...nobody, issuer: 'acme', user: 'a' },
        { ...nobody, issuer: 'acme', token: hex('t') },
        { ...nobody, issuer: '', nodes: [id('x')] },
        { ...nobody, issuer: '', holders: [id('x')] },
        { ...nobody, issuer: '', model: id('x') },
      ]);
      expect(w.added).toEqual(entries);
    }
  });

  test('adds what is known for less long, and stops with the fault of a store that does not answer', async () => {
    const known = (expires?: number): RevocationAnswer => ({
      ok: false,
      code: 'revoked',
      entry: entry(1, 'a', expires === undefined ? {} : { expires }),
    });
    const counts = async (answer: RevocationAnswer, expires?: number): Promise<number> =>
      importEntries(
        [entry(1, 'a', expires === undefined ? {} : { expires })],
        world(answer, false).revocations,
        NOW,
      );
    expect(await counts(known(), NOW + 1)).toBe(0);
    expect(await counts(known())).toBe(0);
    expect(await counts(known(NOW + 1))).toBe(1);
    expect(await counts(known(NOW + 1), NOW + 1)).toBe(0);
    expect(await counts(known(NOW + 1), NOW + 2)).toBe(1);
    await expect(counts({ ok: false, code: 'revocations_stale' })).rejects.toMatchObject({
      code: 'revocations_stale',
    });
  });

  test('leaves out what has ended, and goes on after 64', async () => {
    const w = world({ ok: true }, false);
    const entries = Array.from({ length: 130 }, (_, i) =>
      entry(i + 1, `u${i}`, i % 2 === 0 ? {} : { expires: i === 1 ? NOW + 1 : NOW }),
    );
    expect(await importEntries(entries, w.revocations, NOW)).toBe(66);
    expect(w.added.map(({ seq }) => seq)).toEqual([1, 2, ...Array.from({ length: 64 }, (_, i) => 2 * i + 3)]);
  });
});

describe('a verifier that is given lists by hand', () => {
  const view = (more: object = {}): SnapshotRevocations =>
    new SnapshotRevocations({ issuer: 'acme', keys, maxAge: 600, provider: nodeProvider, ...more });
  const list = (now: number, number = 1, users: string[] = []): string =>
    signSnapshot(
      users.map((user, i) => entry(i + 1, user)),
      { issuer: 'acme', now, number },
      by,
    );
  const said = (answer: { ok: boolean; code?: string; message?: string }): string =>
    answer.ok ? 'ok' : `${answer.code} ${answer.message}`;
  const about = (user: string) => ({ issuer: 'acme', token: '', key: '', user, nodes: [], holders: [] });

  test('has a bound of age above 0', () => {
    for (const maxAge of [0, -1, Number.NaN]) expect(() => view({ maxAge })).toThrow(RangeError);
    expect(view({ maxAge: 1 }).seen).toBe(null);
  });

  test('takes a list from thirty seconds ahead up to its age, and says what is wrong with others', () => {
    expect(said(view().load(list(NOW + 30), NOW))).toBe('ok');
    expect(said(view().load(list(NOW + 31), NOW))).toMatch(/^revocations_stale.*future/);
    expect(said(view().load(list(NOW), NOW + 600))).toBe('ok');
    expect(said(view().load(list(NOW), NOW + 601))).toMatch(/^revocations_stale.*601 s old/);
    const other = signSnapshot([], { issuer: 'other', now: NOW }, by);
    expect(said(view().load(other, NOW))).toMatch(/^input_invalid.*a list of other, not of acme/);
    expect(() => view().load(list(NOW), NOW * 1000)).toThrow(RangeError);
  });

  test('S7 knows what it has seen: what is older by number or time, or another, is refused', async () => {
    const seen = view();
    const first = seen.load(list(NOW, 5, ['a']), NOW);
    expect(first).toMatchObject({ ok: true, snapshot: { number: 5 } });
    const { number, time, digest } = seen.seen!;
    expect([number, time, Object.isFrozen(seen.seen)]).toEqual([5, NOW, true]);
    expect(said(seen.load(list(NOW, 5, ['a']), NOW))).toBe('ok');
    expect(said(seen.load(list(NOW, 5, ['b']), NOW))).toMatch(/two lists/);
    expect(said(seen.load(list(NOW + 1, 4), NOW))).toMatch(/rolled back from number 5 to 4/);
    expect(said(seen.load(list(NOW - 1, 5), NOW))).toMatch(/rolled back/);
    expect(seen.seen).toEqual({ number, time, digest });
    expect(said(seen.load(list(NOW - 1, 6), NOW))).toBe('ok');
    expect(said(seen.load(list(NOW + 1, 6, ['c']), NOW))).toBe('ok');
    expect(said(await seen.loadLines(list(NOW + 2, 6).split('\n'), NOW))).toBe('ok');
    await expect(seen.loadLines([], NOW * 1000)).rejects.toThrow(RangeError);
  });

  test('S7 what was seen before a start is no list that may be used', () => {
    const seen = view();
    seen.load(list(NOW, 5), NOW);
    expect(seen.isRevoked(about('a'), NOW)).toEqual({ ok: true });
    expect(view({ seen: seen.seen! }).isRevoked(about('a'), NOW)).toEqual({
      ok: false,
      code: 'revocations_stale',
    });
    expect(view({ seen: seen.seen! }).seen).toEqual(seen.seen);
  });

  test('reads blanks behind a list and none before it; what is no list is said to be none', () => {
    expect(said(view().load(`${list(NOW)} \n `, NOW))).toBe('ok');
    for (const text of [`\n${list(NOW)}`, ` ${list(NOW)}`, '', 'x'])
      expect(said(view().load(text, NOW))).toMatch(/^input_invalid/);
  });

  test('verifies with the provider that it is given, or with its own', () => {
    const foreign = signSnapshot([], { issuer: 'acme', now: NOW }, stranger);
    expect(said(view({ provider: undefined }).load(list(NOW), NOW))).toBe('ok');
    expect(said(view({ provider: undefined }).load(foreign, NOW))).toMatch(/^seal_invalid/);
    const asked = { ...nodeProvider, verify: () => true };
    expect(said(view({ provider: asked }).load(foreign, NOW))).toBe('ok');
  });

  test('stops at the first line that is wrong', async () => {
    let lines = 0;
    function* forever(): Generator<string> {
      for (; lines < 10; lines++) yield lines === 1 ? '!' : BEGIN;
    }
    expect(said(await view().loadLines(forever(), NOW))).toMatch(/^input_invalid/);
    expect(lines).toBe(1);
  });
});

describe('a number of a session', () => {
  test('is whole and not below 0', () => {
    expect([0, 1, Number.MAX_SAFE_INTEGER].map(isSequence)).toEqual([true, true, true]);
    expect([-1, 0.5, Number.MAX_SAFE_INTEGER + 1, Number.NaN].map(isSequence)).toEqual(Array(4).fill(false));
  });

  test('counts in a window that is as wide as a verifier makes it, and goes on from what was kept', () => {
    const window = sequenceWindow();
    expect([0, 0, WINDOW, 0, 1].map((n) => window.claim(n))).toEqual(['ok', 'taken', 'ok', 'outside', 'ok']);
    const kept = sequenceWindow({ highest: window.highest, bits: window.bits });
    expect([WINDOW, 1, 2].map((n) => kept.claim(n))).toEqual(['taken', 'taken', 'ok']);
  });
});
