// Proofs, tickets, offers and windows, field by field: each wrong value is refused where it is read, and a mistake of
// the caller is told what was expected.
import { describe, expect, it } from 'vitest';
import {
  bodyDigest,
  encodeCbor,
  evidence,
  fromBase64url,
  mintBearer,
  offerText,
  PROOF_PREFIX,
  ProofSession,
  proofText,
  prove,
  proveLater,
  publicKey,
  readOffer,
  readProof,
  SecretKey,
  SequenceWindow,
  toBase64url,
  utf8,
  type Cbor,
  type Proof,
  type SessionOffer,
  type SessionTiming,
} from '../src/index.ts';
import { nodeProvider } from '../src/node.ts';
import { readProofBriefly } from '../src/proof/proof.ts';
import { contextDigest, statement } from '../src/proof/statement.ts';
import { encodeTicket, readTicket, sessionId, sessionKey, type Ticket } from '../src/proof/ticket.ts';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  COLD,
  holder,
  keyring,
  mintBase,
  NOW,
  search,
  verifierWith,
  x25519Secret,
} from './sample.ts';

const bytes = (n: number, of = 7): Uint8Array => new Uint8Array(n).fill(of);
const text = (body: Cbor): string => PROOF_PREFIX + toBase64url(encodeCbor(body));

const SIGNED: Proof = { kind: 'signed', time: 5, nonce: bytes(16, 1), signature: bytes(64, 2) };
const SESSION: Proof = { kind: 'session', session: bytes(32, 3), sequence: 4, time: 5, mac: bytes(32, 6) };
const OPENING: Proof = {
  kind: 'opening',
  ticket: bytes(200, 8),
  signature: bytes(64, 2),
  sequence: 4,
  time: 5,
  mac: bytes(32, 6),
};

describe('a proof', () => {
  it('is read back as it was written', () => {
    for (const p of [SIGNED, SESSION, OPENING]) {
      expect(readProof(proofText(p))).toEqual(p);
      expect(readProofBriefly(proofText(p))).toEqual(p);
    }
  });

  it('that is kept is no view of a scratch', () => {
    for (const [kept, next] of [[SIGNED, OPENING], [SESSION, SIGNED], [OPENING, SESSION]] as const) {
      const read = readProof(proofText(kept));
      readProofBriefly(proofText(next));
      readProofBriefly(PROOF_PREFIX + 'A'.repeat(800));
      expect(read).toEqual(kept);
    } // prettier-ignore
  });

  it.each<readonly [string, Cbor]>([
    ['another kind', [4, 5, bytes(16), bytes(64)]],
    ['no kind', [0, 5, bytes(16), bytes(64)]],
    ['a field less', [1, 5, bytes(16)]],
    ['a field more', [1, 5, bytes(16), bytes(64), 0]],
    ['the kind of another length', [2, 5, bytes(16), bytes(64)]],
    ['the length of another kind', [1, bytes(32), 4, 5, bytes(32)]],
    ['an opening of five', [3, bytes(200), bytes(64), 4, 5]],
    ['a session of six', [2, bytes(200), bytes(64), 4, 5, bytes(32)]],
    ['a short nonce', [1, 5, bytes(15), bytes(64)]],
    ['a long signature', [1, 5, bytes(16), bytes(65)]],
    ['a time of text', [1, '5', bytes(16), bytes(64)]],
    ['a time before 1970', [1, -5, bytes(16), bytes(64)]],
    ['a short session', [2, bytes(31), 4, 5, bytes(32)]],
    ['a negative number', [2, bytes(32), -4, 5, bytes(32)]],
    ['a short MAC', [2, bytes(32), 4, 5, bytes(31)]],
    ['a short ticket signature', [3, bytes(200), bytes(63), 4, 5, bytes(32)]],
    ['a map', new Map([[1, 5]])],
  ])('is none with %s', (_, body) => {
    expect(readProof(text(body))).toBeNull();
    expect(readProofBriefly(text(body))).toBeNull();
  });

  it('L7 is none when its head tells another number of fields than follow', () => {
    for (const p of [SIGNED, SESSION, OPENING]) {
      const body = fromBase64url(proofText(p), PROOF_PREFIX.length)!;
      for (const change of [-1, 1]) {
        const other = body.slice();
        other[0]! += change;
        expect(readProof(PROOF_PREFIX + toBase64url(other)), `${p.kind} ${change}`).toBeNull();
      }
    }
  });

  it('E12 has one text', () => {
    const good = proofText(SIGNED);
    for (const other of [
      '',
      good.slice(1),
      ` ${good}`,
      `${good}=`,
      `${good}AA`,
      good.replace('ambp1_', 'amb1_'),
      good.slice(0, -2),
    ])
      expect(readProof(other), other).toBeNull();
    // 640 bytes at most.
    const sized = (n: number): string => proofText({ ...OPENING, ticket: bytes(n) });
    const room = 640 - (encodeCbor([3, bytes(300), bytes(64, 2), 4, 5, bytes(32, 6)]).length - 300);
    for (const fits of [room - 1, room]) expect(readProof(sized(fits)), String(fits)).not.toBeNull();
    for (const more of [1, 2, 3, 400]) expect(readProof(sized(room + more)), String(more)).toBeNull();
  });
});

describe('proving', () => {
  it('P1 is refused for a key that is not the holder’s, and for what has none', () => {
    const options = { audience: AUDIENCE, time: NOW };
    expect(() => prove(mintBase(), search, options, holder(1))).toThrow(
      "not that of the token's current holder",
    );
    const { holder: _, ...spec } = baseSpec;
    const bearer = mintBearer(keyring, { ...spec, delegations: 0 });
    expect(() => prove(bearer, search, options, holder(0))).toThrow('A bearer token has no holder');
    expect(() => prove(mintBase(), {} as never, options, holder(0))).toThrow('call: expected a Call');
    expect(() => prove(mintBase(), search, { ...options, nonce: bytes(15) }, holder(0))).toThrow(
      'nonce: expected 16 bytes',
    );
    for (const time of [-1, Number.NaN])
      expect(() => prove(mintBase(), search, { ...options, time }, holder(0))).toThrow('time: expected Unix');
    expect(() => prove(mintBase(), search, { ...options, audience: '' }, holder(0))).toThrow(
      'audience: expected 1 to 256',
    );
  });

  it('has whole seconds, a nonce of its own, and the same bytes with a key that answers later', async () => {
    const options = { audience: AUDIENCE, time: NOW + 0.9 };
    const read = readProof(prove(mintBase(), search, options, holder(0)));
    expect(read).toMatchObject({ kind: 'signed', time: NOW });
    const nonces = [1, 2].map(
      () => readProof(prove(mintBase(), search, options, holder(0))) as { nonce: Uint8Array },
    );
    expect(nonces[0]!.nonce).not.toEqual(nonces[1]!.nonce);
    const fixed = { ...options, nonce: bytes16(9) };
    const later = {
      publicKey: holder(0).publicKey,
      sign: (...a: Parameters<ReturnType<typeof holder>['sign']>) => Promise.resolve(holder(0).sign(...a)),
    };
    expect(await proveLater(mintBase(), search, fixed, later)).toBe(
      prove(mintBase(), search, fixed, holder(0)),
    );
    expect(readProof(prove(mintBase(), search, { ...options, time: 0 }, holder(0)))).toMatchObject({
      time: 0,
    });
  });

  it('works from the evidence form as well: the tail is not proved', () => {
    const token = mintBase();
    const fixed = { audience: AUDIENCE, time: NOW, nonce: bytes16(9) };
    expect(prove(evidence(token)!, search, fixed, holder(0))).toBe(prove(token, search, fixed, holder(0)));
  });
});

describe('a statement', () => {
  it('has room for names of 256 bytes and no more', () => {
    const fields = { token: bytes(32), time: 5, freshness: bytes(16) };
    expect(statement({ ...fields, audience: 'a'.repeat(256) }, search)).toHaveLength(
      statement({ ...fields, audience: 'a'.repeat(255) }, search).length + 2,
    );
    for (const audience of ['a'.repeat(257), 'é'.repeat(129), 'a'.repeat(5000)])
      expect(() => statement({ ...fields, audience }, search)).toThrow('statement: a name is too long');
  });

  it('P10 tells no request, no body and each body apart; an empty body is none (finding B3)', () => {
    const http = { method: 'GET', origin: 'https://a', target: '/' };
    const digests = [undefined, http, { ...http, bodyDigest: bodyDigest(utf8('')) }, { ...http, bodyDigest: bodyDigest(utf8('x')) },
      { ...http, method: 'PUT' }, { ...http, origin: 'https://b' }, { ...http, target: '/b' }].map(contextDigest); // prettier-ignore
    expect(new Set(digests.map(toBase64url)).size).toBe(6);
    expect(digests[2]).toEqual(digests[1]);
    expect(contextDigest(undefined)).toEqual(contextDigest(undefined));
  });
});

describe('a ticket', () => {
  const ticket: Ticket = {
    holder: bytes(32, 1),
    ephemeral: bytes(32, 2),
    audience: AUDIENCE,
    verifier: bytes(32, 3),
    epoch: bytes(16, 4),
    issuedAt: 5,
    expires: 6,
    nonce: bytes(16, 7),
  };
  const fields: Cbor[] = [
    bytes(32, 1),
    bytes(32, 2),
    AUDIENCE,
    bytes(32, 3),
    bytes(16, 4),
    5,
    6,
    bytes(16, 7),
  ];

  it('is read back, and is malformed with any other field', () => {
    expect(readTicket(encodeTicket(ticket))).toEqual(ticket);
    expect(encodeTicket(ticket)).toEqual(encodeCbor(fields));
    const wrong: Cbor[] = [bytes(31), bytes(33), 5, bytes(31), bytes(15), -1, '6', bytes(17)];
    wrong.forEach((value, i) =>
      expect(readTicket(encodeCbor(fields.map((f, k) => (k === i ? value : f)))), String(i)).toBeNull(),
    );
    expect(readTicket(encodeCbor(fields.slice(1)))).toBeNull();
    expect(readTicket(encodeCbor([...fields, 0]))).toBeNull();
    expect(readTicket(Uint8Array.of(...encodeTicket(ticket), 0))).toBeNull();
    expect(readTicket(encodeTicket({ ...ticket, audience: 'a'.repeat(257) }))).toBeNull();
    expect(readTicket(encodeTicket({ ...ticket, audience: 'a'.repeat(256) }))).not.toBeNull();
    expect(readTicket(bytes(513, 0x80))).toBeNull();
  });

  it('P6 gives a key that every field of the agreement changes', () => {
    const id = sessionId(encodeTicket(ticket), bytes(64));
    const keys = [
      sessionKey(bytes(32), id, ticket),
      sessionKey(bytes(32, 8), id, ticket),
      sessionKey(bytes(32), sessionId(encodeTicket(ticket), bytes(64, 8)), ticket),
      sessionKey(bytes(32), id, { ...ticket, verifier: bytes(32, 8) }),
      sessionKey(bytes(32), id, { ...ticket, ephemeral: bytes(32, 8) }),
      sessionKey(bytes(32), id, { ...ticket, holder: bytes(32, 8) }),
    ];
    expect(new Set(keys.map(toBase64url)).size).toBe(6);
    expect(keys[0]).toHaveLength(32);
  });
});

describe('an offer', () => {
  const offer: SessionOffer = {
    audience: AUDIENCE,
    key: publicKey(x25519Secret, nodeProvider),
    epoch: bytes16(4),
  };
  const body: Cbor[] = [AUDIENCE, offer.key.bytes, bytes16(4)];
  const of = (value: Cbor): string => `ambo1_${toBase64url(encodeCbor(value))}`;

  it('is read back, whole or not at all', () => {
    const read = readOffer(offerText(offer));
    expect(read).toEqual({ audience: AUDIENCE, key: offer.key, epoch: bytes16(4) });
    expect(of(body)).toBe(offerText(offer));
    const wrong: Cbor[] = [[5, body[1]!, body[2]!], ['', body[1]!, body[2]!], [AUDIENCE, bytes(31), body[2]!], [AUDIENCE, 'x', body[2]!],
      [AUDIENCE, body[1]!, bytes(15)], [AUDIENCE, body[1]!, 'x'], body.slice(1), [...body, 0], AUDIENCE, null, new Map()]; // prettier-ignore
    for (const value of wrong)
      expect(() => readOffer(of(value)), JSON.stringify(value)).toThrow('Expected a session offer');
    for (const other of [
      '',
      offerText(offer).slice(1),
      `${offerText(offer)}=`,
      offerText(offer).replace('ambo1_', 'ambp1_'),
      `ambo1_${'A'.repeat(1100)}`,
    ])
      expect(() => readOffer(other), other).toThrow('Expected a session offer');
  });

  it('opens a session of a life that a verifier takes', () => {
    const open = (t: Partial<SessionTiming>): ProofSession =>
      ProofSession.open(offer, { time: NOW, ...t }, holder(0), nodeProvider);
    expect(open({}).expires).toBe(NOW + 300);
    expect(open({ life: 1 }).expires).toBe(NOW + 1);
    expect(open({ life: 300, time: NOW + 0.7 }).expires).toBe(NOW + 300);
    expect(open({}).holder).toBe(holder(0).publicKey);
    for (const life of [0, -1, 301, Number.NaN])
      expect(() => open({ life }), String(life)).toThrow('life: expected 1 to 300 s');
    expect(() => open({ nonce: bytes(15) })).toThrow('nonce: expected 16 bytes');
    expect(JSON.stringify(open({}))).toBe('"[proof session]"');
    expect(open({}).unsafeState().id).not.toBe(open({}).unsafeState().id);
    const fixed = { nonce: bytes16(1), unsafeEphemeral: SecretKey.generate('x25519') };
    expect(open(fixed).unsafeState()).toEqual(open(fixed).unsafeState());
  });

  it('opens the same session with a key that answers later', async () => {
    const fixed = { time: NOW, nonce: bytes16(1), unsafeEphemeral: SecretKey.generate('x25519') };
    const later = {
      publicKey: holder(0).publicKey,
      sign: (...a: Parameters<ReturnType<typeof holder>['sign']>) => Promise.resolve(holder(0).sign(...a)),
    };
    const session = await ProofSession.openLater(offer, fixed, later, nodeProvider);
    expect(session.unsafeState()).toEqual(
      ProofSession.open(offer, fixed, holder(0), nodeProvider).unsafeState(),
    );
    await expect(ProofSession.openLater(offer, { ...fixed, life: 301 }, later)).rejects.toThrow(RangeError);
  });

  it('is used call by call: numbers go up, the ticket is left away once it is known', () => {
    const verifier = verifierWith({ ...COLD, proofSessions: { key: x25519Secret } });
    const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0), nodeProvider);
    const token = mintBase();
    const read = (): Proof => readProof(session.prove(token, search, NOW + 0.5))!;
    expect(read()).toMatchObject({ kind: 'opening', sequence: 0, time: NOW });
    expect(read()).toMatchObject({ kind: 'opening', sequence: 1 });
    session.established();
    expect(read()).toMatchObject({ kind: 'session', sequence: 2 });
    expect(session.unsafeState()).toMatchObject({
      sequence: 3,
      established: true,
      audience: AUDIENCE,
      expires: NOW + 300,
    });
    expect(() => session.prove(token, {} as never, NOW)).toThrow('call: expected a Call');
    // Another token of the same holder is another statement, and the first is one again after it.
    for (const shown of [mintBase({ user: 'bob' }), token, mintBase({ user: 'bob' })]) {
      const opening = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0), nodeProvider);
      for (const other of [token, shown])
        expect(
          verifier.verify({ token: other, proof: opening.prove(other, search, NOW), call: search, now: NOW })
            .ok,
        ).toBe(true);
    }
  });

  it('goes on from a state that is whole', () => {
    const session = ProofSession.open(offer, { time: NOW }, holder(0), nodeProvider);
    const state = session.unsafeState();
    const again = ProofSession.unsafeResume(holder(0).publicKey, {
      ...state,
      sequence: 7,
      established: true,
    });
    expect(again.unsafeState()).toEqual({ ...state, sequence: 7, established: true });
    const damaged: Record<string, unknown>[] = [{ ticket: '=' }, { ticket: 5 }, { signature: 'AAAA' }, { key: 'AAAA' }, { id: 'AAAA' },
      { signature: '=' }, { key: '=' }, { id: '=' }, { signature: 5 }, { key: null }, { id: undefined },
      { sequence: -1 }, { sequence: 0.5 }, { sequence: '1' }, { expires: 'x' }, { expires: 0.5 }]; // prettier-ignore
    for (const change of damaged)
      expect(
        () => ProofSession.unsafeResume(holder(0).publicKey, { ...state, ...change }),
        JSON.stringify(change),
      ).toThrow('The kept session is damaged');
    expect(
      ProofSession.unsafeResume(holder(0).publicKey, { ...state, established: 1 as never }).unsafeState()
        .established,
    ).toBe(false);
    expect(
      ProofSession.unsafeResume(holder(0).publicKey, { ...state, sequence: 0 }).unsafeState().sequence,
    ).toBe(0);
  });
});

describe('a window', () => {
  it('takes each number once, within its size behind and ahead', () => {
    const w = new SequenceWindow(32);
    expect(w.highest).toBe(-1);
    for (const n of [-1, 0.5, Number.NaN, 2 ** 53, 32, 33]) expect(w.claim(n), String(n)).toBe('outside');
    expect(w.claim(31)).toBe('ok');
    expect(w.highest).toBe(31);
    expect(w.claim(31)).toBe('taken');
    expect(w.claim(64)).toBe('outside');
    expect(w.claim(63)).toBe('ok');
    expect(w.claim(31)).toBe('outside');
    expect(w.claim(32)).toBe('ok');
    expect(w.highest).toBe(63);
    for (let n = 33; n < 63; n++) expect(w.claim(n)).toBe('ok');
    for (let n = 32; n <= 63; n++) expect(w.claim(n)).toBe('taken');
    expect(w.claim(65)).toBe('ok');
    expect(w.claim(33)).toBe('outside');
    expect(w.claim(34)).toBe('taken');
    expect(w.claim(64)).toBe('ok');
    expect([...w.bits].filter((b) => b === 0xff)).toHaveLength(4);
  });

  it('is gone on with', () => {
    const w = new SequenceWindow(64);
    w.claim(5);
    const kept = new SequenceWindow(64, { highest: w.highest, bits: w.bits.slice() });
    expect(kept.claim(5)).toBe('taken');
    expect(kept.claim(4)).toBe('ok');
    for (const size of [0, -32, 31, 33, Number.NaN])
      expect(() => new SequenceWindow(size), String(size)).toThrow('window: expected a multiple of 32');
    expect(() => new SequenceWindow(64, { highest: 5, bits: bytes(7) })).toThrow(
      'window: expected 8 bytes, got 7',
    );
  });
});
