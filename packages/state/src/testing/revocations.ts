// Revocations and sessions: what is revoked or closed is out, and nothing beside it. Rules that every back end keeps.
import { expect, test } from 'vitest';
import { openSessions } from '../sessions.ts';
import { NOW, hex, id } from './make.ts';
import { inTurn, type World } from './world.ts';

const subject = (name: string): Parameters<World['store']['revocations']['isRevoked']>[0] => ({
  issuer: 'acme',
  token: hex(`token ${name}`),
  key: 'k1',
  operator: `operator ${name}`,
  model: id(`model ${name}`),
  session: `session ${name}`,
  user: `user ${name}`,
  nodes: [id(`node ${name}`), id(`node ${name} 2`)],
  holders: [id(`holder ${name}`), id(`holder ${name} 2`)],
});

export function revocationsRules(w: World): void {
  kindRules(w);
  feedRules(w);
  sessionRules(w);
  pageRules(w);
}

function kindRules(w: World): void {
  test('S7 each kind of revocation refuses the tokens it names and no others', async () => {
    const { revocations } = w.store;
    const kinds = [
      ['token', hex('token a'), 'acme'],
      ['key', 'k1', 'acme'],
      ['operator', 'operator a', 'acme'],
      ['session', 'session a', 'acme'],
      ['user', 'user a', 'acme'],
      ['model', id('model a'), undefined],
      ['node', id('node a 2'), undefined],
      ['holder', id('holder a 2'), undefined],
    ] as const;
    for (const [kind, value, issuer] of kinds) {
      const each = await w.open();
      try {
        expect(each.revocations.isRevoked(subject('a'))).toEqual({ ok: true });
        const entry = await each.revocations.add(
          { kind, value, reason: 'stolen', ...(issuer === undefined ? {} : { issuer }) },
          NOW,
        );
        expect(entry).toMatchObject({ kind, value, reason: 'stolen', time: NOW });
        await expect
          .poll(() => each.revocations.isRevoked(subject('a')))
          .toMatchObject({ code: 'revoked', entry: { kind, value } });
        if (kind !== 'key') expect(each.revocations.isRevoked(subject('b'))).toEqual({ ok: true });
        // A name is its issuer's: another's token of the same name lives.
        const other = {
          ...subject('b'),
          issuer: 'other',
          token: hex('token a'),
          key: 'k1',
          operator: 'operator a',
          session: 'session a',
          user: 'user a',
        };
        if (issuer !== undefined) expect(each.revocations.isRevoked(other)).toEqual({ ok: true });
      } finally {
        await each.close();
      }
    }
    expect(revocations.isRevoked(subject('a'))).toEqual({ ok: true });
  });
}

function feedRules(w: World): void {
  test('a feed: cursors, order, watchers; bad entries are refused', async () => {
    const { revocations } = w.store;
    const seen: string[] = [];
    const stop = revocations.watch((entry) => seen.push(entry.value));
    for (const value of ['u1', 'u2', 'u3'])
      await revocations.add({ kind: 'user', issuer: 'acme', value, reason: '' }, NOW);
    await expect.poll(() => seen).toEqual(['u1', 'u2', 'u3']);
    stop();
    const all = await revocations.since(0);
    expect(all.entries.map((e) => e.value)).toEqual(['u1', 'u2', 'u3']);
    const rest = await revocations.since(all.entries[0]!.seq);
    expect(rest.entries.map((e) => e.value)).toEqual(['u2', 'u3']);
    expect((await revocations.since(rest.cursor)).entries).toEqual([]);
    await revocations.add({ kind: 'user', issuer: 'acme', value: 'u4', reason: '' }, NOW);
    expect((await revocations.since(rest.cursor)).entries.map((e) => e.value)).toEqual(['u4']);
    const bad = [
      { kind: 'user', value: 'x', reason: '' },
      { kind: 'holder', issuer: 'acme', value: 'x', reason: '' },
      { kind: 'user', issuer: 'acme', value: 'a\0b', reason: '' },
      { kind: 'token', issuer: 'acme', value: id('x'), reason: '' },
      { kind: 'model', value: '00'.repeat(32), reason: '' },
      { kind: 'all', issuer: 'acme', value: 'x', reason: '' },
    ] as unknown as Parameters<typeof revocations.add>[0][];
    for (const entry of bad)
      await expect(revocations.add(entry, NOW)).rejects.toMatchObject({ code: 'input_invalid' });
  });
}

function sessionRules(w: World): void {
  test('I4 sessions: unknown, closed and expired ones deny; closing revokes; ids are used once', async () => {
    const { sessions } = w.store;
    const input = { issuer: 'acme', id: 'session a', operator: 'op', user: 'u', expires: NOW + 100 };
    expect(await sessions.check('acme', 'session a', NOW)).toEqual({
      ok: false,
      code: 'session_not_found',
    });
    const opened = await sessions.open(input, NOW);
    expect(opened).toMatchObject({ ...input, opened: NOW, closed: null });
    expect(await sessions.check('acme', 'session a', NOW)).toMatchObject({ ok: true });
    expect(await sessions.check('other', 'session a', NOW)).toMatchObject({ code: 'session_not_found' });
    expect(await sessions.check('acme', 'session a', NOW + 100)).toMatchObject({ code: 'session_closed' });
    await expect(sessions.open(input, NOW)).rejects.toMatchObject({ code: 'input_invalid' });
    expect(w.store.revocations.isRevoked(subject('a'))).toEqual({ ok: true });
    expect(await sessions.close('acme', 'session a', 'done', NOW + 8)).toMatchObject({
      closed: NOW + 8,
      reason: 'done',
    });
    expect(await sessions.close('acme', 'session a', 'again', NOW + 9)).toMatchObject({
      closed: NOW + 8,
      reason: 'done',
    });
    expect(await sessions.check('acme', 'session a', NOW + 8)).toMatchObject({ code: 'session_closed' });
    await expect.poll(() => w.store.revocations.isRevoked(subject('a'))).toMatchObject({ code: 'revoked' });
    await expect(sessions.open(input, NOW + 9)).rejects.toMatchObject({ code: 'input_invalid' });
    await expect(sessions.close('acme', 'nobody', '', NOW)).rejects.toMatchObject({
      code: 'session_not_found',
    });
    await expect(sessions.open({ ...input, id: 'late', expires: NOW }, NOW)).rejects.toMatchObject({
      code: 'input_invalid',
    });
    await sessions.open({ issuer: 'acme', id: 'no user', operator: 'op', expires: NOW + 100 }, NOW + 1);
    expect((await sessions.list()).map((s) => [s.id, s.user])).toEqual([
      ['no user', null],
      ['session a', 'u'],
    ]);
  });
  test('finding S15 sessions that have ended hide none that is open, however many opened later', async () => {
    const { sessions } = w.store;
    const open = (id: string, at: number, expires: number): Promise<unknown> =>
      sessions.open({ issuer: 'acme', id, operator: 'op', expires }, at);
    await open('open', NOW - 900, NOW + 900);
    await inTurn(1040, (i) => open(`ended ${i}`, NOW - 800, NOW - 600));
    expect((await sessions.list())[0]).toMatchObject({ id: 'open' });
  });
}

function pageRules(w: World): void {
  const open = (id: string, expires: number, issuer = 'acme'): Promise<unknown> =>
    w.store.sessions.open({ issuer, id, operator: 'op', user: 'u', expires }, NOW - 50);
  const idsAt = async (now: number): Promise<string[]> => {
    const ids: string[] = [];
    for await (const session of openSessions(w.store.sessions, now)) ids.push(session.id);
    return ids.toSorted();
  };

  test('finding S15 open sessions are read page by page, each once, and none that is closed or has ended', async () => {
    const { sessions } = w.store;
    expect(await sessions.page(null, NOW)).toEqual({ sessions: [], cursor: null });
    const many = Array.from({ length: 1040 }, (_, i) => `s ${i}`);
    // Half of them end in the same second.
    await inTurn(many.length, (i) => open(many[i]!, i % 2 === 0 ? NOW + 900 : NOW + 900 + i));
    // Of other issuers, whose names and ids are in another order than theirs.
    const others = ['a \u00e9', 'z'] as const;
    await open(others[0], NOW + 900, 'other');
    await open(others[1], NOW + 900, 'aa');
    await open('ended', NOW - 20);
    await open('closed', NOW + 900);
    await sessions.close('acme', 'closed', 'done', NOW);
    const ids: string[] = [];
    const sizes: number[] = [];
    for (let cursor: string | null = null, first = true; first || cursor !== null; first = false) {
      const page = await sessions.page(cursor, NOW);
      // The same page again, for whoever lost the answer.
      expect(await sessions.page(cursor, NOW)).toEqual(page);
      for (const session of page.sessions) ids.push(session.id);
      sizes.push(page.sessions.length);
      expect(sizes.length).toBeLessThan(10);
      ({ cursor } = page);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
    expect(ids.toSorted()).toEqual([...many, ...others].toSorted());
    expect(await idsAt(NOW)).toEqual(ids.toSorted());
    // At other times: a session is open until the second in which it ends.
    expect(await idsAt(NOW + 900)).toEqual(many.filter((_, i) => i % 2 === 1).toSorted());
    expect(await idsAt(NOW + 899)).toEqual(ids.toSorted());
    expect(await idsAt(NOW - 21)).toEqual([...ids, 'ended'].toSorted());
    expect((await sessions.page(null, NOW)).sessions[0]).toMatchObject({
      operator: 'op',
      user: 'u',
      closed: null,
    });
  });

  test('a cursor that no page returned, and a time that is none, are refused as misuse', async () => {
    const { sessions } = w.store;
    for (const cursor of ['', 'x', 'x y', 'a\0b\0c'])
      await expect(sessions.page(cursor, NOW)).rejects.toThrow(TypeError);
    await expect(sessions.page(null, NOW * 1000)).rejects.toThrow(RangeError);
  });
}
