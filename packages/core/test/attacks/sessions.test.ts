// Attack catalogue P6, P9 and the session side of P3 and P8: tickets, windows, epochs. What can be reached through
// the API alone goes through it; a ticket with a lie in it is signed by its holder, as the liar would.
import { describe, expect, test } from 'vitest';
import {
  attenuate,
  authorize,
  concat,
  decodeCbor,
  delegate,
  encodeCbor,
  evaluate,
  fromBase64url,
  LABELS,
  mint,
  OFFER_PREFIX,
  offerText,
  ProofSession,
  PublicKey,
  readOffer,
  restrict,
  SecretKey,
  toBase64url,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  baseSpec,
  bytes16,
  COLD,
  facts,
  EPOCH,
  holder,
  keyring,
  makeCall,
  mintBase,
  NOW,
  openingProof as opening,
  search,
  SESSION_OFFER as offer,
  SESSIONS as sessions,
  sessionVerifier as make,
  shownSession as verdict,
  T0,
  TestLedger,
  verifierWith,
  x25519Secret,
  type Lie,
} from '../sample.ts';
import { proofText, readProof } from '../../src/proof/proof.ts';
import { SessionTable, type SessionTableOptions } from '../../src/proof/session-table.ts';
import { sessionId } from '../../src/proof/ticket.ts';
import { readToken } from '../../src/token/frame.ts';
import { Prefixes } from '../../src/token/prefix.ts';

const token = mintBase();
/** The table of a verifier with this epoch, asked without the verifier, and how it is asked. */
const tableOf = (more: Partial<SessionTableOptions>): SessionTable =>
  new SessionTable(offer.audience, { ...sessions, ...more }, nodeProvider);
const USE = {
  call: search,
  token: new Prefixes(readToken(token)!).all(),
  root: new Uint8Array(32),
  holder: holder(0).publicKey.bytes,
  tokenExpires: NOW + 10_000,
  skew: 30,
};

test('P6 an honest ticket, by hand and by ProofSession, opens a session that goes on', () => {
  expect(verdict(make(), opening())).toBe('session');
  const v = make();
  const session = ProofSession.open(offer, { time: NOW }, holder(0));
  expect(verdict(v, session.prove(token, search, NOW))).toBe('session');
  expect(verdict(v, session.prove(token, search, NOW))).toBe('session');
  session.established();
  expect(verdict(v, session.prove(token, search, NOW))).toBe('session');
  // A session serves every token of its holder.
  expect(
    verdict(
      v,
      session.prove(attenuate(token, restrict.calls(1)), search, NOW),
      attenuate(token, restrict.calls(1)),
    ),
  ).toBe('session');
});

describe('P6 tickets with a lie in them', () => {
  test.each<readonly [string, Lie, string]>([
    ['another audience', { ticket: { audience: 'mail.acme.com' } }, 'ticket_invalid'],
    [
      "another verifier's key",
      { ticket: { verifier: nodeProvider.x25519PublicKey(new Uint8Array(32).fill(1)) } },
      'ticket_invalid',
    ],
    ['another epoch', { ticket: { epoch: bytes16(0x0f) } }, 'ticket_invalid'],
    [
      'another holder, signed by it',
      { ticket: { holder: holder(1).publicKey.bytes }, by: holder(1) },
      'ticket_invalid',
    ],
    [
      'another holder, signed by oneself',
      { ticket: { holder: holder(1).publicKey.bytes } },
      'ticket_invalid',
    ],
    ['signed by another', { by: holder(1) }, 'ticket_invalid'],
    ['expired', { ticket: { issuedAt: NOW - 300, expires: NOW } }, 'ticket_expired'],
    ['from the future', { ticket: { issuedAt: NOW + 31, expires: NOW + 60 } }, 'ticket_invalid'],
    ['living too long', { ticket: { expires: NOW + 301 } }, 'ticket_invalid'],
    ['ending before it begins', { ticket: { issuedAt: NOW + 5, expires: NOW + 5 } }, 'ticket_invalid'],
    [
      'all-zero ephemeral key',
      { ticket: { ephemeral: new Uint8Array(32) }, shared: new Uint8Array(32) },
      'ticket_invalid',
    ],
    [
      'small-order ephemeral key',
      {
        ticket: {
          ephemeral: Uint8Array.from(
            Buffer.from('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800', 'hex'),
          ),
        },
        shared: new Uint8Array(32),
      },
      'ticket_invalid',
    ],
    [
      'non-canonical ephemeral key',
      {
        ticket: { ephemeral: Uint8Array.from(Buffer.from('ee' + 'ff'.repeat(30) + '7f', 'hex')) },
        shared: new Uint8Array(32),
      },
      'ticket_invalid',
    ],
    ['MAC under the all-zero secret', { shared: new Uint8Array(32) }, 'proof_invalid'],
    [
      "another's ephemeral key in one's own ticket",
      { ticket: { ephemeral: nodeProvider.x25519PublicKey(new Uint8Array(32).fill(5)) } },
      'proof_invalid',
    ],
    [
      'a bit of its signature flipped',
      { signature: (s) => s.map((x, i) => (i === 40 ? x ^ 1 : x)) },
      'ticket_invalid',
    ],
    ['for another token', { token: mintBase({ tokenId: bytes16(9) }) }, 'proof_invalid'],
    ['for another call', { call: makeCall({ tool: 'files.read' }) }, 'proof_invalid'],
    ['too old a statement', { time: NOW - 61 }, 'proof_expired'],
  ])('%s', (_, lie, code) => {
    const v = make();
    expect(verdict(v, opening(lie))).toBe(code);
    // Nothing was registered: the honest one, same nonce and all, still opens with number 0.
    expect(verdict(v, opening())).toBe('session');
  });

  test('its beginning may be ahead of the clock by the skew that is allowed', () => {
    expect(verdict(make(), opening({ ticket: { issuedAt: NOW + 30, expires: NOW + 60 } }))).toBe('session');
  });

  test('it ends with its token', () => {
    const short = mint(keyring, { ...baseSpec, expires: NOW + 100 });
    expect(verdict(make(), opening({ token: short }), short)).toBe('ticket_invalid');
    expect(verdict(make(), opening({ token: short, ticket: { expires: NOW + 100 } }), short)).toBe('session');
  });

  test('a malformed one: trailing bytes, a field less, an outsized one', () => {
    const good = readProof(opening());
    if (good?.kind !== 'opening') throw new Error('test');
    const fields = decodeCbor(good.ticket)!.value as readonly never[];
    const bads = [
      concat(good.ticket, Uint8Array.of(0)),
      encodeCbor(fields.slice(1)),
      encodeCbor([...fields, 1]),
      new Uint8Array(0),
    ];
    for (const ticket of bads) {
      const signature = holder(0).sign(LABELS.ticket, ticket);
      expect(verdict(make(), proofText({ ...good, ticket, signature }))).toBe('ticket_invalid');
    }
    expect(verdict(make(), proofText({ ...good, ticket: new Uint8Array(600) }))).toBe('proof_invalid');
  });

  test('an audience of 256 bytes fits in', () => {
    const audience = 'a'.repeat(256);
    const v = verifierWith({ audience, keys: keyring.exportFor(audience), proofSessions: sessions });
    const t = mintBase({ audience });
    const session = ProofSession.open(v.sessionOffer!, { time: NOW }, holder(0));
    expect(verdict(v, session.prove(t, search, NOW), t)).toBe('session');
  });
});

describe('P6 sequence numbers', () => {
  test('reused, late, far ahead, behind the window, overflowing', () => {
    const v = make();
    const run: readonly (readonly [number, string])[] = [
      [1023, 'session'],
      [1023, 'replayed'],
      [0, 'session'],
      [0, 'replayed'],
      [2047, 'session'],
      [1023, 'proof_invalid'],
      [1024, 'session'],
      [1024, 'replayed'],
      [2047 + 1025, 'proof_invalid'],
      [2 ** 32, 'proof_invalid'],
      [2 ** 53 - 1, 'proof_invalid'],
      [2048, 'session'],
      [2048, 'replayed'],
    ];
    for (const [sequence, code] of run) expect(verdict(v, opening({ sequence }))).toBe(code);
  });

  test('first number beyond the window', () => {
    expect(verdict(make(), opening({ sequence: 1024 }))).toBe('proof_invalid');
  });

  test('all of a shuffled run are accepted once each', () => {
    const v = make();
    const session = ProofSession.open(offer, { time: NOW }, holder(0));
    const proofs = Array.from({ length: 300 }, () => session.prove(token, search, NOW));
    const shuffled = proofs
      .map((p, i) => [((i * 7919) % 300) + i / 1000, p] as const)
      .sort((a, b) => a[0] - b[0]);
    for (const [, p] of shuffled) expect(verdict(v, p)).toBe('session');
    for (const [, p] of shuffled) expect(verdict(v, p)).toBe('replayed');
  });

  test('a claimed number stays claimed when clearing denies', () => {
    const v = make();
    const c = makeCall({ tool: 'db.admin.drop' });
    const proof = opening({ call: c });
    const verified = v.verify({ token, proof, call: c, now: NOW });
    expect(verified.ok && authorize(verified.token, facts())).toMatchObject({
      ok: false,
      code: 'tool_not_granted',
    });
    expect(verdict(v, proof, token, NOW, c)).toBe('replayed');
  });
});

test('P9 finding R15b: an epoch is kept only where the numbers are kept too', () => {
  expect(() => verifierWith({ proofSessions: { key: x25519Secret, epoch: EPOCH } })).toThrow(/shared/);
  const shared = { key: x25519Secret, epoch: EPOCH, shared: true };
  expect(verifierWith({ proofSessions: shared }).sessionOffer?.epoch).toEqual(EPOCH);
});

test('P9 an epoch is 16 bytes, and the verifier’s own: who gave or was given it can’t change it', () => {
  for (const n of [0, 15, 17])
    expect(() => make({ unsafeEpoch: new Uint8Array(n) })).toThrow(new TypeError('epoch: expected 16 bytes'));
  const given = EPOCH.slice();
  const v = make({ unsafeEpoch: given });
  given.fill(0);
  v.sessionOffer!.epoch.fill(0);
  expect(verdict(v, opening())).toBe('session');
});

describe('P9 captured traffic', () => {
  const session = ProofSession.open(offer, { time: NOW }, holder(0));
  const first = session.prove(token, search, NOW);
  session.established();
  const later = session.prove(token, search, NOW);

  test('after a restart, at a replica: another epoch, another key', () => {
    const v = make();
    expect(verdict(v, first)).toBe('session');
    expect(verdict(v, later)).toBe('session');
    const restarted = verifierWith({ ...COLD, proofSessions: { key: x25519Secret } });
    expect(verdict(restarted, first)).toBe('ticket_invalid');
    expect(verdict(restarted, later)).toBe('session_unknown');
    const replica = verifierWith({
      ...COLD,
      proofSessions: { key: new SecretKey('x25519', new Uint8Array(32).fill(8)), unsafeEpoch: EPOCH },
    });
    expect(verdict(replica, first)).toBe('ticket_invalid');
    expect(verdict(replica, later)).toBe('session_unknown');
  });

  test('after its window was dropped: not before its ticket is over, and then not again', () => {
    const v = make({ perHolder: 1 });
    expect(verdict(v, first)).toBe('session');
    const second = ProofSession.open(offer, { time: NOW }, holder(0));
    expect(verdict(v, second.prove(token, search, NOW))).toBe('session_limit');
    // At the end of its ticket it makes room, and is over.
    const third = ProofSession.open(offer, { time: NOW + 300 }, holder(0));
    expect(verdict(v, third.prove(token, search, NOW + 300), token, NOW + 300)).toBe('session');
    expect(['proof_expired', 'ticket_expired']).toContain(verdict(v, first, token, NOW + 300));
    const young = opening({ time: NOW + 300 });
    expect(verdict(v, young, token, NOW + 300)).toBe('ticket_expired');
    // A clock set back does not reopen it.
    expect(['proof_expired', 'ticket_expired']).toContain(verdict(v, first, token, NOW));
  });

  test('an open session whose ticket ends is over, swept or not', () => {
    const v = make();
    expect(verdict(v, opening())).toBe('session');
    const p = readProof(opening({ time: NOW + 300, sequence: 5 }));
    if (p?.kind !== 'opening') throw new Error('test');
    const use = proofText({
      kind: 'session',
      session: sessionId(p.ticket, p.signature),
      sequence: 5,
      time: p.time,
      mac: p.mac,
    });
    expect(verdict(v, use, token, NOW + 300)).toBe('session_unknown');
    // In the first form the ticket itself says so.
    const young = opening({ time: NOW + 300, sequence: 6 });
    expect(verdict(v, young, token, NOW + 300)).toBe('ticket_expired');
    expect(verdict(make(), young, token, NOW + 300)).toBe('ticket_expired');
  });

  test('bad statements neither fill the table nor move a window', () => {
    const v = make({ perHolder: 2, total: 2 });
    for (let i = 0; i < 50; i++) {
      expect(
        verdict(v, opening({ ticket: { nonce: bytes16(i + 2) }, shared: new Uint8Array(32).fill(1) })),
      ).toBe('proof_invalid');
    }
    expect(verdict(v, opening())).toBe('session');
    const good = readProof(opening({ sequence: 900 }));
    if (good?.kind !== 'opening') throw new Error('test');
    const forged = proofText({ ...good, mac: good.mac.map((x, i) => (i === 0 ? x ^ 1 : x)) });
    for (let i = 0; i < 3; i++) expect(verdict(v, forged)).toBe('proof_invalid');
    expect(verdict(v, opening({ sequence: 1 }))).toBe('session');
    expect(verdict(v, opening({ sequence: 900 }))).toBe('session');
  });

  test('R9 one grant, however many holders it is delegated to, does not shut others out', () => {
    const v = make({ perRoot: 3, total: 100 });
    const root = mintBase({ delegations: 1 });
    const by = (n: number): string => {
      const t = delegate(root, { to: holder(n).publicKey, label: `d${n}`, time: NOW }, holder(0));
      const p = opening({
        token: t,
        by: holder(n),
        ticket: { holder: holder(n).publicKey.bytes, nonce: bytes16(n) },
      });
      return verdict(v, p, t);
    };
    expect([1, 2, 3, 4, 5].map(by)).toEqual([
      'session',
      'session',
      'session',
      'session_limit',
      'session_limit',
    ]);
    const other = mintBase({ holder: holder(9).publicKey });
    const theirs = opening({
      token: other,
      by: holder(9),
      ticket: { holder: holder(9).publicKey.bytes },
    });
    expect(verdict(v, theirs, other)).toBe('session');
    for (const wrong of [0, -1, 1.5, Number.NaN, Infinity]) {
      for (const field of ['perHolder', 'perRoot', 'total'])
        expect(() => make({ [field]: wrong })).toThrow(RangeError);
    }
  });

  test('P9 no window is dropped before its ticket is over, however near', () => {
    const v = make();
    const late = NOW + 250;
    const ticket = { issuedAt: NOW, expires: NOW + 300 };
    const proof = opening({ ticket, time: late });
    expect(verdict(v, opening({ ticket, sequence: 1 }))).toBe('session');
    expect(verdict(v, proof, token, late)).toBe('session');
    // Another opens, and the table is swept.
    const t = mintBase({ holder: holder(1).publicKey });
    const p = opening({
      token: t,
      by: holder(1),
      time: late,
      ticket: { holder: holder(1).publicKey.bytes, issuedAt: late, expires: late + 300 },
    });
    expect(verdict(v, p, t, late)).toBe('session');
    expect(verdict(v, proof, token, late)).toBe('replayed');
  });

  test('sessions per holder and in all are bounded, and others are not locked out by one', () => {
    const v = make({ perHolder: 2, total: 3 });
    const of = (n: number, i: number): string => {
      const t = mintBase({ holder: holder(n).publicKey });
      const p = opening({
        token: t,
        by: holder(n),
        ticket: { holder: holder(n).publicKey.bytes, nonce: bytes16(i) },
      });
      return verdict(v, p, t);
    };
    expect([of(0, 1), of(0, 2), of(0, 3), of(1, 1), of(2, 1)]).toEqual([
      'session',
      'session',
      'session_limit',
      'session',
      'session_limit',
    ]);
    expect(of(0, 1)).toBe('replayed');
  });

  test('a session counts once, however often it is used, and no more when it is over', () => {
    const table = tableOf({ perHolder: 2, perRoot: 2, total: 3 });
    const use = (n: number, now: number, sequence = 0, holderAt = 0): string => {
      const by = holder(holderAt);
      const lie = { issuedAt: now, expires: now + 300, nonce: bytes16(n), holder: by.publicKey.bytes };
      const p = readProof(opening({ ticket: lie, time: now, sequence, by }))!;
      const u = { ...USE, now, holder: by.publicKey.bytes, root: new Uint8Array(32).fill(holderAt) };
      if (p.kind !== 'opening') throw new Error('test');
      const { kind: _, ticket, signature, ...rest } = p;
      const session = sessionId(ticket, signature);
      const answer = sequence > 0 ? table.use({ kind: 'session', session, ...rest }, u) : table.opening(p, u);
      return answer.ok ? 'ok' : answer.code;
    };
    expect(use(1, NOW)).toBe('ok');
    for (let i = 1; i < 5; i++) expect(use(1, NOW, i)).toBe('ok');
    expect([use(2, NOW), use(3, NOW)]).toEqual(['ok', 'session_limit']);
    expect([use(1, NOW, 0, 1), use(1, NOW, 0, 2)]).toEqual(['ok', 'session_limit']);
    expect(table.size).toBe(3);
    // All are over: whoever comes finds room, as often as before.
    for (const later of [NOW + 300, NOW + 600, NOW + 900]) {
      expect([use(1, later, 0, 2), use(1, later), use(2, later), use(3, later)]).toEqual([
        'ok',
        'ok',
        'ok',
        'session_limit',
      ]);
      expect(table.size).toBe(3);
    }
  });

  test('sessions that are over are dropped by the next that opens, once a minute, and when their place is needed', () => {
    let table = tableOf({});
    const open = (n: number, now: number, life: number): number => {
      const p = readProof(
        opening({ ticket: { issuedAt: now, expires: now + life, nonce: bytes16(n) }, time: now }),
      )!;
      if (p.kind !== 'opening') throw new Error('test');
      expect(table.opening(p, { ...USE, now })).toMatchObject({ ok: true });
      return table.size;
    };
    expect([open(1, NOW, 10), open(2, NOW + 59, 300), open(3, NOW + 60, 300)]).toEqual([1, 2, 2]);
    for (const bound of [{ perHolder: 1 }, { perRoot: 1 }, { total: 1 }]) {
      table = tableOf(bound);
      expect([open(1, NOW, 10), open(2, NOW + 10, 300)], JSON.stringify(bound)).toEqual([1, 1]);
    }
  });

  test("a delegatee can't go on with its delegator's session", () => {
    const v = make();
    expect(verdict(v, opening())).toBe('session');
    const child = delegate(token, { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0));
    expect(verdict(v, opening({ token: child, sequence: 1 }), child)).toBe('proof_invalid');
    expect(verdict(make(), opening({ token: child }), child)).toBe('ticket_invalid');
    expect(() => session.prove(child, search, NOW)).toThrow(
      expect.objectContaining({ code: 'proof_invalid' }),
    );
  });

  test('P8 a statement about the parent shown with the child of the same holder', () => {
    const v = make();
    expect(verdict(v, opening(), attenuate(token, restrict.calls(1)))).toBe('proof_invalid');
  });
});

describe('P what a verifier asks for', () => {
  test('signed proofs for chosen tools, or altogether', () => {
    const v = verifierWith({ ...COLD, proofSessions: sessions, signedProofTools: ['web_*'] });
    expect(verdict(v, opening())).toBe('proof_signature_required');
    expect(verdict(verifierWith(COLD), opening())).toBe('proof_signature_required');
    const other = makeCall({ tool: 'files.read' });
    expect(verdict(v, opening({ call: other }), token, NOW, other)).toBe('session');
  });
  test('shared windows leave the number to the ledger, and a caller without one is denied', () => {
    const v = make({ shared: true });
    const verified = [
      v.verify({ token, proof: opening(), call: search, now: NOW }),
      make({ shared: true }).verify({ token, proof: opening(), call: search, now: NOW }),
    ];
    const ledger = new TestLedger();
    const [a, b] = verified;
    if (!a!.ok || !b!.ok) throw new Error('test');
    const asked = evaluate(a!.token, facts());
    expect('charges' in asked && asked.charges.sequence).toEqual({
      session: expect.stringMatching(/^[\w-]{43}$/),
      sequence: 0,
      expires: NOW + 300,
      epoch: Buffer.from(EPOCH).toString('hex'),
    });
    expect(authorize(a!.token, facts())).toMatchObject({ code: 'ledger_required' });
    expect(authorize(a!.token, facts(), ledger).ok).toBe(true);
    expect(authorize(b!.token, facts(), ledger)).toMatchObject({ ok: false, code: 'replayed' });
  });
  test('offers: read back, refused when damaged, refused with a key that is none', () => {
    expect(offerText(readOffer(offerText(offer)))).toBe(offerText(offer));
    for (const bad of ['', OFFER_PREFIX, `${offerText(offer)}A`, offerText(offer).slice(0, -2), 'amb1_x']) {
      expect(() => readOffer(bad)).toThrow(expect.objectContaining({ code: 'input_invalid' }));
    }
    const small = { ...offer, key: new PublicKey('x25519', new Uint8Array(32)) };
    expect(() => ProofSession.open(small, { time: NOW }, holder(0))).toThrow(
      expect.objectContaining({ code: 'key_invalid' }),
    );
    expect(() => ProofSession.open(offer, { time: NOW, life: 301 }, holder(0))).toThrow(RangeError);
  });
  test('a kept state goes on with the next number; a damaged one is refused', () => {
    const v = make();
    const s = ProofSession.open(offer, { time: NOW }, holder(0));
    expect(verdict(v, s.prove(token, search, NOW))).toBe('session');
    s.established();
    const again = ProofSession.unsafeResume(holder(0).publicKey, s.unsafeState());
    expect(verdict(v, again.prove(token, search, NOW))).toBe('session');
    for (const damage of [
      { key: 'x' },
      { id: toBase64url(new Uint8Array(31)) },
      { sequence: -1 },
      { ticket: '!' },
    ]) {
      expect(() => ProofSession.unsafeResume(holder(0).publicKey, { ...s.unsafeState(), ...damage })).toThrow(
        expect.objectContaining({ code: 'input_invalid' }),
      );
    }
    expect(fromBase64url(s.unsafeState().id)).toHaveLength(32);
  });
});

describe('finding R16: a verified token runs one call', () => {
  const shown = (): Parameters<typeof authorize>[0] => {
    const verifier = make();
    const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0));
    const proof = session.prove(token, search, NOW);
    const answer = verifier.verify({ token, proof, call: search, now: NOW });
    if (!answer.ok) throw new Error(answer.message);
    return answer.token;
  };

  test('P3 a session proof, whose number no ledger is asked for', () => {
    const verified = shown();
    expect(authorize(verified, facts()).ok).toBe(true);
    expect(authorize(verified, facts())).toMatchObject({ ok: false, code: 'replayed' });
  });

  test('what was refused has not run, and may be asked again', () => {
    const verified = shown();
    expect(authorize(verified, facts({ data: ['secret'] }))).toMatchObject({ code: 'data_refused' });
    const limited = attenuate(token, restrict.calls(1));
    const verifier = make();
    const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0));
    const proof = session.prove(limited, search, NOW);
    const answer = verifier.verify({ token: limited, proof, call: search, now: NOW });
    if (!answer.ok) throw new Error(answer.message);
    const full = { apply: () => ({ ok: false as const, code: 'budget_exceeded' as const, caveat: 0 }) };
    expect(authorize(answer.token, facts())).toMatchObject({ code: 'ledger_required' });
    expect(authorize(answer.token, facts(), full)).toMatchObject({ code: 'budget_exceeded' });
    expect(authorize(answer.token, facts(), new TestLedger()).ok).toBe(true);
    expect(authorize(answer.token, facts(), new TestLedger())).toMatchObject({ code: 'replayed' });
    expect(authorize(verified, facts()).ok).toBe(true);
  });
});

describe('finding R15b: an epoch is as old as its windows', () => {
  test('a table of its own takes none that is given', () => {
    const own = { key: x25519Secret, epoch: EPOCH };
    expect(() => verifierWith({ proofSessions: own })).toThrow(/epoch: expected it with shared: true/);
    expect(() => verifierWith({ proofSessions: { ...own, shared: false } })).toThrow(TypeError);
    expect(verifierWith({ proofSessions: { ...own, shared: true } }).sessionOffer!.epoch).toEqual(EPOCH);
    const a = verifierWith({ proofSessions: { key: x25519Secret } }).sessionOffer!.epoch;
    const b = verifierWith({ proofSessions: { key: x25519Secret } }).sessionOffer!.epoch;
    expect(a).not.toEqual(b);
  });
});
