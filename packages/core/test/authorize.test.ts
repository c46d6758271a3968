// The decision, its costs and its explanation, exactly: what each check says, what is charged and where, and what a
// wrong call of these functions is told.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  asksForFlow,
  attenuate,
  authorize,
  encodeCbor,
  evaluate,
  explain,
  LABELS,
  listCounters,
  mint,
  mintBearer,
  ProofSession,
  prove,
  restrict,
  SecretKey,
  toBase64url,
  type Call,
  type Cbor,
  type Charges,
  type Facts,
  type HolderGrantSpec,
  type Ledger,
  type LedgerAnswer,
  type Restriction,
  type VerifiedToken,
} from '../src/index.ts';
import { compileChecks } from '../src/authorize/evaluate.ts';
import { partsOf } from '../src/verify/authentic.ts';
import { verifiedParts } from '../src/verify/verified.ts';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  facts,
  holder,
  ISSUER,
  issuerSigner,
  keyring,
  makeCall,
  NOW,
  search,
  T0,
  verifierWith,
} from './sample.ts';

const spec: HolderGrantSpec = { ...baseSpec, budgets: [] };
const tokenOf = (more: Partial<HolderGrantSpec>, ...restrictions: Restriction[]): string =>
  attenuate(mint(keyring, { ...spec, ...more }, issuerSigner), ...restrictions);
function verified(token: string, call: Call = search, now = NOW): VerifiedToken {
  const proof = prove(token, call, { audience: AUDIENCE, time: now, nonce: bytes16(3) }, holder(0));
  const shown = verifierWith().verify({ token, proof, call, now });
  if (!shown.ok) throw new Error(shown.code);
  return shown.token;
}
const id = (key: Cbor): string =>
  toBase64url(createHash('sha256').update(LABELS.counter.bytes).update(encodeCbor(key)).digest());
const digests = (v: VerifiedToken): ((i: number) => Uint8Array) => {
  const { prefixes } = partsOf(verifiedParts(v).token);
  return (i) => prefixes.at(i);
};
const replay = {
  id: id(['replay', holder(0).publicKey.bytes, AUDIENCE, bytes16(3)]),
  // Proof age, skew and one second.
  expires: NOW + 60 + 30 + 1,
  // Its time less the skew.
  from: NOW - 30,
  caveat: -1,
};
/** A ledger that notes what it is asked. */
const noting = (answer: LedgerAnswer | Error = { ok: true }): Ledger & { asked: [Charges, number][] } => {
  const asked: [Charges, number][] = [];
  return {
    asked,
    apply(charges, now) {
      asked.push([charges, now]);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
};

describe('what a call costs', () => {
  it('is charged for the grant and each caveat that concerns the tool, in order', () => {
    // Caveat 0 is the seal.
    const v = verified(
      tokenOf(
        {
          budgets: [
            { unit: 'calls', limit: 5 },
            { unit: 'bytes', limit: 900, window: 60, tools: ['files.*'] },
          ],
        },
        restrict.note('n'),
        restrict.budget(
          { unit: 'external', limit: 3, window: 3600 },
          { unit: 'sum', limit: 9, argument: 'n' },
        ),
        restrict.once(),
        restrict.budget({ unit: 'calls', limit: 7, tools: ['mail/*'] }),
      ),
      makeCall({ tool: 'web_search', args: { n: 4 } }),
    );
    const d = digests(v);
    const root = toBase64url(d(0));
    const end = T0 + 1800;
    const start = Math.floor(NOW / 3600) * 3600;
    const answer = evaluate(v, facts());
    expect(answer).toEqual({
      ok: null,
      charges: {
        root,
        partitionKey: root,
        counters: [
          { id: id([d(0), 0, 1, null, 0]), unit: 'calls', amount: 1, limit: 5, window: 0, windowStart: 0, step: 0, expires: end, caveat: -1 },
          { id: id([d(3), 0, 2, null, 3600]), unit: 'external', amount: 1, limit: 3, window: 3600, windowStart: start, step: 0, expires: Math.min(end, start + 3600), caveat: 2 },
          { id: id([d(3), 1, 4, 'n', 0]), unit: 'sum', argument: 'n', amount: 4, limit: 9, window: 0, windowStart: 0, step: 0, expires: end, caveat: 2 },
        ],
        once: [{ id: id(['once', d(4)]), expires: end, caveat: 3 }],
        replay,
        sequence: null,
      },
    }); // prettier-ignore
    const ledger = noting();
    expect(authorize(v, facts(), ledger)).toEqual({
      ok: true,
      charges: answer.ok === null && answer.charges,
    });
    expect(ledger.asked).toEqual([[answer.ok === null && answer.charges, NOW]]);
  });

  it('S13 in a pool is charged where all tokens of the issuer are', () => {
    const v = verified(tokenOf({ budgets: [{ unit: 'calls', limit: 5, pool: 'team' }] }));
    const answer = evaluate(v, facts());
    expect(answer).toMatchObject({
      ok: null,
      charges: {
        root: toBase64url(digests(v)(0)),
        partitionKey: id(['place', ISSUER]),
        counters: [{ id: id(['pool', ISSUER, 'team', 1, null, 0]), expires: 2 ** 33 }],
      },
    });
    expect(listCounters(verifiedParts(v).token, NOW).partitionKey).toBe(id(['place', ISSUER]));
  });

  it.each<readonly [string, Restriction, Partial<Facts>, Record<string, unknown>, string | number]>([
    ['a call', restrict.calls(1), {}, {}, 1],
    ['none left', restrict.calls(0), {}, {}, 'budget_exceeded'],
    ['one that stays inside', restrict.externalCalls(0), { external: false }, {}, 'free'],
    ['one that may go outside', restrict.externalCalls(1), {}, {}, 1],
    ['one that goes outside', restrict.externalCalls(0), { external: true }, {}, 'budget_exceeded'],
    ['bytes', restrict.budget({ unit: 'bytes', limit: 9 }), { bytes: 9 }, {}, 9],
    [
      'bytes above the limit',
      restrict.budget({ unit: 'bytes', limit: 9 }),
      { bytes: 10 },
      {},
      'budget_exceeded',
    ],
    ['no bytes', restrict.budget({ unit: 'bytes', limit: 9 }), { bytes: 0 }, {}, 'free'],
    ['bytes nobody knows', restrict.budget({ unit: 'bytes', limit: 9 }), {}, {}, 'fact_missing'],
    ['half a byte', restrict.budget({ unit: 'bytes', limit: 9 }), { bytes: 0.5 }, {}, 'budget_amount'],
    ['less than no bytes', restrict.budget({ unit: 'bytes', limit: 9 }), { bytes: -1 }, {}, 'budget_amount'],
    ['a sum', restrict.sum('n', 5), {}, { n: 5 }, 5],
    ['a sum above the limit', restrict.sum('n', 5), {}, { n: 6 }, 'budget_exceeded'],
    ['a sum of nothing', restrict.sum('n', 5), {}, { n: 0 }, 'free'],
    ['a sum of text', restrict.sum('n', 5), {}, { n: '5' }, 'budget_amount'],
    ['a sum of what is not there', restrict.sum('n', 5), {}, {}, 'budget_amount'],
    ['a sum of what every object has', restrict.sum('toString', 5), {}, {}, 'budget_amount'],
    ['a sum for another tool', restrict.sum('n', 5, ['mail/*']), {}, {}, 'free'],
    ['an empty list', restrict.budget(), {}, {}, 'budget_exceeded'],
  ])('%s', (_, restriction, more, args, expected) => {
    const answer = evaluate(
      verified(tokenOf({}, restriction), makeCall({ tool: 'web_search', args })),
      facts(more),
    );
    if (typeof expected === 'number')
      expect(answer).toMatchObject({ ok: null, charges: { counters: [{ amount: expected, caveat: 1 }] } });
    else if (expected === 'free')
      expect(answer).toMatchObject({ ok: null, charges: { counters: [], once: [], replay } });
    else expect(answer).toMatchObject({ ok: false, code: expected, caveat: 1 });
  });

  it('lists the counters of a token for a display', () => {
    const v = verified(
      tokenOf({ budgets: [{ unit: 'calls', limit: 5 }] }, restrict.once(), restrict.budget({ unit: 'bytes', limit: 9, window: 3600 }), restrict.budget()),
    );
    const d = digests(v);
    const listed = listCounters(verifiedParts(v).token, NOW + 7200);
    expect(listed.partitionKey).toBe(toBase64url(d(0)));
    expect(listed.counters).toMatchObject([
      { id: id([d(0), 0, 1, null, 0]), caveat: -1, limit: 5, window: 0, windowStart: 0, budget: { unit: 'calls' } },
      { id: id([d(3), 0, 3, null, 3600]), caveat: 2, limit: 9, window: 3600, windowStart: Math.floor((NOW + 7200) / 3600) * 3600 },
    ]);
    expect(listed.counters.every((c) => Object.isFrozen(c))).toBe(true);
  }); // prettier-ignore
});

describe('the ledger', () => {
  const once = (): VerifiedToken => verified(tokenOf({}, restrict.calls(5)));

  it('is needed for whatever has to be remembered', () => {
    expect(authorize(once(), facts())).toMatchObject({ ok: false, code: 'ledger_required' });
    expect(authorize(verified(tokenOf({})), facts())).toMatchObject({ ok: false, code: 'ledger_required' });
  });

  it('is not asked when something without state refuses', () => {
    const ledger = noting();
    const late = verified(tokenOf({}, restrict.calls(5), restrict.data('public')));
    expect(authorize(late, facts({ data: ['internal'] }), ledger)).toMatchObject({
      code: 'data_refused',
      caveat: 2,
    });
    expect(authorize(late, { now: NOW }, ledger)).toMatchObject({ code: 'data_unknown', caveat: -1 });
    expect(ledger.asked).toEqual([]);
  });

  it('is told the later time, and its refusal is the answer', () => {
    for (const [at, told] of [[NOW - 5, NOW], [NOW + 5, NOW + 5]] as const) {
      const ledger = noting({ ok: false, code: 'budget_exceeded', caveat: 1, left: 0 });
      const denial = authorize(once(), facts({ now: at }), ledger);
      expect(denial).toMatchObject({ ok: false, code: 'budget_exceeded', caveat: 1 });
      expect(denial.ok === false && denial.message).toContain('0 left');
      expect(ledger.asked[0]![1]).toBe(told);
    } // prettier-ignore
    const denial = authorize(once(), facts(), noting({ ok: false, code: 'replayed', caveat: -1 }));
    expect(denial).toMatchObject({ code: 'replayed', caveat: -1 });
    expect(denial.ok === false && denial.message).not.toContain('left');
  });

  it('L9 that fails denies, and what it threw is not shown', () => {
    const denial = authorize(once(), facts(), noting(new Error('password=hunter2')));
    expect(denial).toMatchObject({ ok: false, code: 'store_unavailable', caveat: -1 });
    expect(JSON.stringify(denial)).not.toContain('hunter2');
  });

  it('L9 whose answer is none denies: a promise, nothing, a yes that is not true, a code that is not its own', () => {
    const yes: unknown = { ok: true };
    const v = once();
    for (const answer of [
      Promise.resolve(yes),
      undefined,
      null,
      1,
      {},
      { ok: 1 },
      { ok: false },
      { ok: false, code: 'expired' },
      { ok: 1, code: 'replayed' },
    ])
      expect(authorize(v, facts(), { apply: () => answer as LedgerAnswer })).toMatchObject({
        ok: false,
        code: 'store_unavailable',
      });
    for (const code of [
      'budget_exceeded',
      'budget_amount',
      'replayed',
      'once_used',
      'store_unavailable',
      'store_corrupt',
      'store_full',
    ] as const)
      expect(authorize(v, facts(), noting({ ok: false, code, caveat: 3 }))).toMatchObject({
        ok: false,
        code,
        caveat: 3,
      });
  });
});

describe('a call that costs nothing', () => {
  const { holder: _, ...bearer } = { ...spec, delegations: 0 };
  const free = (...restrictions: Restriction[]): VerifiedToken => {
    const token = attenuate(mintBearer(keyring, bearer), ...restrictions);
    const shown = verifierWith({ bearer: true }).verify({ token, call: search, now: NOW });
    if (!shown.ok) throw new Error(shown.code);
    return shown.token;
  };
  const NOTHING = { root: '', partitionKey: '', counters: [], once: [], replay: null, sequence: null };

  it('needs no ledger, and asks none; it runs once', () => {
    const ledger = noting();
    for (const given of [undefined, ledger]) {
      const v = free();
      expect(evaluate(v, facts())).toEqual({ ok: null, charges: NOTHING });
      expect(authorize(v, facts(), given)).toEqual({ ok: true, charges: NOTHING });
      expect(authorize(v, facts(), given)).toMatchObject({ ok: false, code: 'replayed' });
    }
    expect(ledger.asked).toEqual([]);
  });

  it.each<readonly [string, Restriction, object]>([
    ['a counter', restrict.calls(5), { counters: [expect.objectContaining({ caveat: 0 })], once: [] }],
    ['a once', restrict.once(), { counters: [], once: [expect.objectContaining({ caveat: 0 })] }],
  ])('is none with %s alone', (_, restriction, cost) => {
    const v = free(restriction);
    expect(evaluate(v, facts())).toMatchObject({
      ok: null,
      charges: { ...cost, replay: null, sequence: null },
    });
    expect(authorize(v, facts())).toMatchObject({ code: 'ledger_required' });
    const ledger = noting();
    expect(authorize(v, facts(), ledger).ok).toBe(true);
    expect(ledger.asked).toHaveLength(1);
    expect(authorize(v, facts(), ledger)).toMatchObject({ code: 'replayed' });
  });

  it('is none with a session’s number alone, where that is the ledger’s', () => {
    const proofSessions = { key: SecretKey.generate('x25519'), shared: true };
    const verifier = verifierWith({ proofSessions });
    const token = mint(keyring, spec);
    const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0));
    const shown = verifier.verify({
      token,
      proof: session.prove(token, search, NOW),
      call: search,
      now: NOW,
    });
    if (!shown.ok) throw new Error(shown.code);
    expect(evaluate(shown.token, facts())).toMatchObject({
      charges: { root: expect.stringMatching(/^.{43}$/), counters: [], once: [], sequence: { sequence: 0 } },
    });
    expect(authorize(shown.token, facts())).toMatchObject({ code: 'ledger_required' });
  });

  it('is none with a proof to remember, until nobody would take it, by the later of the times', () => {
    const v = verified(mint(keyring, spec));
    for (const [now, expires] of [
      [NOW - 5, NOW + 91],
      [NOW, NOW + 91],
      [NOW + 10.5, NOW + 11 + 91],
    ] as const)
      expect(evaluate(v, facts({ now }))).toMatchObject({ charges: { replay: { expires, caveat: -1 } } });
  });

  it('S13 lives with its issuer’s pools as soon as one budget is of a pool', () => {
    const keyOf = (budgets: HolderGrantSpec['budgets'], user: string): string | undefined => {
      const answer = evaluate(verified(tokenOf({ budgets: budgets!, user })), facts());
      return answer.ok === false ? answer.code : answer.charges.partitionKey;
    };
    const own = { unit: 'calls', limit: 5 } as const;
    const pool = { unit: 'calls', limit: 5, pool: 'team' } as const;
    expect(keyOf([own, pool], 'a')).toBe(keyOf([pool], 'b'));
    expect(keyOf([own], 'a')).not.toBe(keyOf([own], 'b'));
  });
});

describe('what a call is asked', () => {
  it('by a flow caveat for its tool, and by no other', () => {
    const asks = (...restrictions: Restriction[]): boolean =>
      asksForFlow(verified(tokenOf({}, ...restrictions)));
    expect(asks(restrict.flow('named', 'web_*'))).toBe(true);
    expect(
      asks(restrict.note('n'), restrict.flow('named', 'mail/*'), restrict.flow('named', 'web_search')),
    ).toBe(true);
    expect(asks(restrict.flow('named', 'mail/*'))).toBe(false);
    expect(asks(restrict.tools('web_*'))).toBe(false);
    expect(asks()).toBe(false);
    expect(() => asksForFlow({} as VerifiedToken)).toThrow(TypeError);
  });

  it('L1 by an argument caveat for its tool alone', () => {
    const other = restrict.args(['mail/*'], { to: { kind: 'absent' } });
    expect(evaluate(verified(tokenOf({}, other)), facts()).ok).toBeNull();
    const here = restrict.args(['web_*'], { q: { kind: 'absent' } });
    expect(evaluate(verified(tokenOf({}, other, here)), facts())).toMatchObject({ ok: false, caveat: 2 });
  });
});

it('P4 holds a time caveat against the later of the two clocks, with the skew that is allowed', () => {
  const at = (now: number, ...restrictions: Restriction[]): unknown => {
    const answer = evaluate(verified(tokenOf({}, ...restrictions)), facts({ now }));
    return answer.ok === false ? [answer.code, answer.caveat] : 'ok';
  };
  const ends = restrict.expires(NOW + 10);
  expect([NOW - 50, NOW + 9, NOW + 10].map((now) => at(now, ends))).toEqual(['ok', 'ok', ['expired', 1]]);
  // What has not begun is refused by the verifier; here, a time that both clocks have reached.
  expect(at(NOW, restrict.notBefore(NOW + 30))).toBe('ok');
  expect(at(NOW - 20, restrict.notBefore(NOW + 30))).toBe('ok');
});

describe('facts', () => {
  const v = verified(tokenOf({}, restrict.net('10.0.0.0/8')));
  it.each<readonly [string, unknown]>([
    ['facts.now: expected Unix seconds', { now: '5' }],
    ['facts.now: expected Unix seconds', { now: -1 }],
    ['facts.now: expected Unix seconds', { now: Number.NaN }],
    ['facts.now: expected Unix seconds', { now: Infinity }],
    ['facts.now: expected Unix seconds', {}],
    ['facts.data: expected a list of labels', { now: NOW, data: 'public' }],
    ['facts.address: expected a text', { now: NOW, address: 5 }],
    ['facts.flow.untrusted: expected a list of labels', { now: NOW, flow: { untrusted: 'web' } }],
    ['facts.flow.untrusted: expected a list of labels', { now: NOW, flow: {} }],
    ['facts.cost: expected numbers by unit', { now: NOW, cost: 5 }],
    ['facts.cost: expected numbers by unit', { now: NOW, cost: null }],
  ])('are a mistake of the caller: %s', (message, given) => {
    expect(() => evaluate(v, given as Facts)).toThrow(message);
    expect(() => explain(v, given as Facts)).toThrow(message);
  });

  it('are the object’s own', () => {
    const inherited = Object.create({ data: [], address: '10.1.1.1' }) as Facts;
    expect(evaluate(v, Object.assign(inherited, { now: NOW }))).toMatchObject({ code: 'data_unknown' });
    expect(evaluate(v, facts({ address: '10.1.1.1' })).ok).toBeNull();
    expect(evaluate(v, facts())).toMatchObject({ code: 'fact_missing' });
    // What stands in the prototype of all objects is nobody's fact.
    const everywhere = Object.prototype as { data?: unknown };
    everywhere.data = [];
    try {
      expect(evaluate(v, { now: NOW, address: '10.1.1.1' })).toMatchObject({ code: 'data_unknown' });
    } finally {
      delete everywhere.data;
    }
    expect(evaluate(v, facts({ now: 0, address: '10.1.1.1' })).ok).toBeNull();
    expect(evaluate(v, facts({ cost: {}, address: '10.1.1.1' })).ok).toBeNull();
  });

  it('say yes by true alone', () => {
    const flow = verified(tokenOf({}, restrict.flow('named', '*')));
    const given = (more: Record<string, unknown>): Facts =>
      facts({ flow: { untrusted: ['web'], destinationsNamed: false, approved: false, ...more } });
    expect(evaluate(flow, given({}))).toMatchObject({ code: 'flow_refused' });
    for (const yes of [1, 'true', {}]) {
      expect(evaluate(flow, given({ destinationsNamed: yes }))).toMatchObject({ code: 'flow_refused' });
      expect(evaluate(flow, given({ approved: yes }))).toMatchObject({ code: 'flow_refused' });
    }
    expect(evaluate(flow, given({ destinationsNamed: true })).ok).toBeNull();
    expect(evaluate(flow, given({ approved: true })).ok).toBeNull();
    expect(evaluate(flow, given({ untrusted: [] })).ok).toBeNull();
  });
});

describe('an explanation', () => {
  const explained = (token: string, call: Call, given: Facts): unknown[] =>
    explain(verified(token, call), given).map((e) =>
      [e.caveat, e.name, e.outcome, e.code, e.detail].filter((x) => x !== undefined),
    );
  const token = tokenOf(
    { budgets: [{ unit: 'calls', limit: 5 }] },
    restrict.note('for jane'),
    restrict.args(['mail/*'], { to: { kind: 'absent' } }),
    restrict.tools('web_*'),
    restrict.budget({ unit: 'sum', limit: 9, argument: 'n' }),
    restrict.once(),
    restrict.budget({ unit: 'calls', limit: 5, tools: ['mail/*'] }),
  );

  it('of a call that is allowed has every check', () => {
    expect(explained(token, makeCall({ tool: 'web_search', args: { n: 4 } }), facts())).toEqual([
      [-1, 'time', 'passed'],
      [-1, 'tools', 'passed'],
      [-1, 'deny', 'passed'],
      [-1, 'data', 'passed'],
      [-1, 'budget', 'needs_ledger', '1 of 5 calls'],
      [0, 'seal', 'passed'],
      [1, 'note', 'passed', expect.stringContaining('for jane')],
      [2, 'args', 'not_applicable'],
      [3, 'tools', 'passed'],
      [4, 'budget', 'needs_ledger', '4 of 9 sum'],
      [5, 'once', 'needs_ledger', 'once'],
      [6, 'budget', 'not_applicable'],
    ]);
  });

  it('of one that is denied says where, and what was not reached', () => {
    expect(explained(token, makeCall({ tool: 'files.read' }), facts({ data: ['secret'] }))).toEqual([
      [-1, 'time', 'passed'],
      [-1, 'tools', 'passed'],
      [-1, 'deny', 'passed'],
      [-1, 'data', 'failed', 'data_refused', expect.stringContaining('secret')],
      [-1, 'budget', 'not_reached', '1 of 5 calls'],
      [0, 'seal', 'passed'],
      [1, 'note', 'passed', expect.stringContaining('for jane')],
      [2, 'args', 'not_reached'],
      [3, 'tools', 'not_reached', 'tool_not_granted', expect.any(String)],
      [4, 'budget', 'not_reached', 'budget_amount', expect.any(String)],
      [5, 'once', 'not_reached', 'once'],
      [6, 'budget', 'not_reached'],
    ]);
  });

  it('denies for an amount that can’t be known', () => {
    const lines = explain(verified(token), facts());
    expect(lines.find((l) => l.caveat === 4)).toMatchObject({ outcome: 'failed', code: 'budget_amount' });
    expect(lines.find((l) => l.caveat === 5)).toMatchObject({ outcome: 'not_reached' });
  });

  it('says of each of the grant’s own limits what authorization says', () => {
    const cases: [Partial<HolderGrantSpec>, Facts, string, string][] = [
      [{}, facts({ now: T0 + 1800 }), 'time', 'expired'],
      [{ tools: ['files.*'] }, facts(), 'tools', 'tool_not_granted'],
      [{ deny: ['web_*'] }, facts(), 'deny', 'tool_denied'],
      [{ data: [] }, facts({ data: ['public'] }), 'data', 'data_refused'],
      [{}, { now: NOW }, 'data', 'data_unknown'],
    ];
    for (const [more, given, name, code] of cases) {
      const v = verified(tokenOf(more));
      const failed = explain(v, given).filter((e) => e.outcome === 'failed');
      expect(failed).toMatchObject([{ caveat: -1, name, code }]);
      expect(evaluate(v, given)).toMatchObject({ ok: false, code, caveat: -1 });
    }
    // Data that the grant does not name at all is none.
    const { data: _, ...none } = spec;
    const v = verified(attenuate(mint(keyring, none)));
    expect(evaluate(v, facts({ data: ['public'] }))).toMatchObject({ code: 'data_refused' });
    expect(evaluate(v, facts({ data: [] })).ok).toBeNull();
  });
});

it('takes nothing but what a verifier made', () => {
  for (const forged of [
    {},
    null,
    { call: search },
    Object.create(Object.getPrototypeOf(verified(tokenOf({}))) as object),
  ]) {
    expect(() => authorize(forged as VerifiedToken, facts(), noting())).toThrow(TypeError);
    expect(() => explain(forged as VerifiedToken, facts())).toThrow(TypeError);
  }
});

it('L2 a caveat of a type that no kind has is never passed over', () => {
  const caveats = [{ type: 'note', text: 'x' }, { type: 'later' }] as unknown as Parameters<
    typeof compileChecks
  >[0]['caveats'];
  expect(() => compileChecks({ caveats })).toThrow('caveat: unknown type');
  expect(compileChecks({ caveats: caveats.slice(0, 1) })).toEqual([null]);
});
