// More cases of proofs and sessions: the call before the token, two clocks, what is over, shared windows.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
import { ProofSession, proofText, readProof, restrict } from '@ambit/core';

/** Cases of proofs: the call before the token, two clocks, the empty body. */
export function proofEdges({ pr, shown, verifyOnly, base, a, proofOf, search, at, NOW, n16, text, parts }) {
  const broken = text(parts(base).items, new Uint8Array(32));
  const http = { method: 'GET', origin: 'https://search.acme.com', target: '/v1' };
  const good = proofOf(base, search, a);
  const asked = (call, expect, more = {}) => ({
    token: base,
    proof: good,
    call: { ...search, ...call },
    now: NOW,
    ...more,
    expect,
  });
  const both = { token: broken };
  pr(
    'the call before the token: tool',
    'A forged token and a tool name that is none.',
    asked({ tool: 'a..b' }, 'tool_invalid', both),
  );
  pr(
    'the call before the token: arguments',
    'A forged token and arguments that are none.',
    asked({ args: '[]' }, 'arguments_invalid', both),
  );
  pr('the call before the token: request', 'A forged token and a method in lower case.', asked({ http: { ...http, method: 'get' } }, 'request_invalid', both)); // prettier-ignore
  pr('the call: tool before arguments', 'Both are wrong.', asked({ tool: '', args: '' }, 'tool_invalid'));
  pr('the call: arguments before request', 'Both are wrong.', asked({ args: '{"a":1,"a":1}', http: { ...http, target: '' } }, 'arguments_invalid')); // prettier-ignore
  const requests = [
    ['a method of 33 letters', { method: 'A'.repeat(33) }],
    ['no method', { method: '' }],
    ['an origin without scheme', { origin: 'search.acme.com' }],
    ['an origin with user information', { origin: 'https://a@b' }],
    ['an origin with a path', { origin: 'https://a/' }],
    ['an origin with a backslash', { origin: 'https://a\\b' }],
    ['an origin with U+00A0', { origin: 'https://a\u00a0b' }],
    ['an origin with U+2028', { origin: 'https://a\u2028b' }],
    ['an origin with U+FEFF', { origin: 'https://a\ufeffb' }],
    ['an origin with a vertical tab', { origin: 'https://a\u000bb' }],
    ['an origin with a line feed at its end', { origin: 'https://a\n' }],
    ['an origin beyond ASCII', { origin: 'https://\u00e4.example' }],
    ['a target with a space', { target: '/a b' }],
    ['a target with a line feed at its end', { target: '/a\n' }],
    ['a relative target', { target: 'a' }],
    ['a target beyond ASCII', { target: '/\u00e9' }],
  ];
  for (const [name, change] of requests)
    pr(`request: ${name}`, 'Malformed.', asked({ http: { ...http, ...change } }, 'request_invalid'));
  const post = { ...search, http: { method: 'POST', origin: 'http://a:8080', target: '/?a=b#c' } };
  pr('an empty body is none', 'Proved without one, shown with one of length 0; and the reverse.', [
    verifyOnly(
      shown(base, a, 'ok', {
        proof: proofOf(base, post, a),
        call: { ...post, http: { ...post.http, body: '' } },
      }),
    ),
    verifyOnly(
      shown(base, a, 'ok', {
        proof: proofOf(base, { ...post, http: { ...post.http, body: '' } }, a, { nonce: n16(2) }),
        call: post,
      }),
    ),
  ]);
  const old = proofOf(base, search, a, { time: NOW });
  pr(
    'what moves the highest time',
    'A malformed call and a forged token do not; a genuine token with a bad proof does.',
    [
      { token: base, proof: old, call: { ...search, tool: '' }, now: NOW + 200, expect: 'tool_invalid' },
      { token: broken, proof: old, call: search, now: NOW + 200, expect: 'token_invalid' },
      { token: base, proof: old, call: search, now: NOW + 60, expect: 'ok' },
      { token: base, call: search, now: NOW + 61, expect: 'proof_missing' },
      { token: base, proof: old, call: search, now: NOW, expect: 'proof_expired' },
    ],
  );
  pr('an expired token moves it too', 'It is genuine.', [
    { token: at(restrict.expires(NOW)), proof: old, call: search, now: NOW + 61, expect: ['expired', 0] },
    { token: base, proof: old, call: search, now: NOW, expect: 'proof_expired' },
  ]);
  const timed = (seconds, expect, r, time = NOW) => ({
    token: at(r),
    proof: proofOf(at(r), search, a, { time }),
    call: search,
    now: NOW + seconds,
    expect,
  });
  pr('fractions of a second', 'Nothing is rounded when times are compared.', [
    timed(-0.5, 'ok', restrict.expires(NOW)),
    timed(0, ['expired', 0], restrict.expires(NOW)),
    timed(0.25, ['not_yet_valid', 0], restrict.notBefore(NOW + 31)),
    timed(0.75, 'ok', restrict.note('x'), NOW + 30),
    timed(0.75, 'proof_expired', restrict.note('x'), NOW + 31),
    timed(0.75, 'proof_expired', restrict.note('x'), NOW - 60),
    timed(0.75, 'ok', restrict.note('x'), NOW - 59),
  ]);
}

/** Cases of sessions: over and not swept, limits, shared windows. */
export function sessionEdges({
  ses,
  use,
  base,
  ab,
  a,
  b,
  made,
  search,
  openSession,
  withSessions,
  NOW,
  n16,
  offer,
}) {
  const holderOf = (by) => by.publicKey;
  /** A proof of one session: its number, time and form as asked. */
  const numbered = (more, { sequence, established, time = NOW, token = base, by = a }) =>
    ProofSession.unsafeResume(holderOf(by), {
      ...openSession(more, offer, by).unsafeState(),
      sequence,
      established,
    }).prove(token, made(search), time);
  const first = (n, more = {}) => numbered({}, { sequence: n, established: false, ...more });
  const next = (n, more = {}) => numbered({}, { sequence: n, established: true, ...more });
  ses('over, and not swept', 'A session whose ticket is over is not open, whenever its memory is freed.', [
    use(first(0), 'ok'),
    use(next(1, { time: NOW + 299 }), 'ok', { now: NOW + 299.5 }),
    use(next(2, { time: NOW + 300 }), 'session_unknown', { now: NOW + 300 }),
    use(first(3, { time: NOW + 300 }), 'ticket_expired', { now: NOW + 300 }),
  ]);
  const tampered = { ...readProof(first(3, { time: NOW + 300 })), mac: new Uint8Array(32) };
  ses(
    'over, with a wrong MAC',
    'The ticket is looked at before the MAC, as for any session that is not open.',
    [use(first(0), 'ok'), use(proofText(tampered), 'ticket_expired', { now: NOW + 300 })],
  );
  ses(
    'an open session, a ticket of another audience',
    'The ticket of an open session is not looked at again: here its bytes are the same, and the MAC decides.',
    [
      use(first(0), 'ok'),
      use(proofText({ ...readProof(first(1)), mac: new Uint8Array(32) }), 'proof_invalid'),
      use(first(1), 'ok'),
    ],
  );
  ses('registered, its first number refused', 'A number far ahead is refused; the session is open.', [
    use(first(5000), 'proof_invalid'),
    use(next(0), 'ok'),
  ]);
  const again = (k, time, by = a, token = base) =>
    numbered({ nonce: n16(k), time }, { sequence: 0, established: false, time, by, token });
  ses('a limit counts open sessions', 'One that is over makes room at once.', [
    use(first(0), 'ok'),
    use(again(0x21, NOW + 299), 'session_limit', { now: NOW + 299 }),
    use(again(0x22, NOW + 300), 'ok', { now: NOW + 300 }),
  ], {}, { ...withSessions, sessions: { ...withSessions.sessions, perHolder: 1 } }); // prettier-ignore
  ses('a limit of one grant', 'Whoever holds its tokens.', [
    use(first(0), 'ok'),
    { ...use(again(0x23, NOW, b, ab), 'session_limit'), token: ab },
  ], {}, { ...withSessions, sessions: { ...withSessions.sessions, perRoot: 1 } }); // prettier-ignore
  ses('a limit in all', 'Of one verifier.', [
    use(first(0), 'ok'),
    use(again(0x24, NOW), 'session_limit'),
  ], {}, { ...withSessions, sessions: { ...withSessions.sessions, total: 1 } }); // prettier-ignore
  const facts = { facts: { now: NOW, data: [] } };
  ses('shared windows', 'The number is charged to the ledger, last, and by the same rule; a refused call leaves it free.', [
    use(first(0), 'ok', facts),
    use(first(0), ['replayed', -1], facts),
    use(next(1024), 'ok', facts),
    use(next(2049), ['replayed', -1], facts),
    use(next(1), 'ok', facts),
    use(next(0), ['replayed', -1], facts),
    use(next(2), ['data_unknown', -1], { facts: { now: NOW } }),
    use(next(2), 'ok', facts),
    use(next(3), 'ledger_required', { ...facts, ledger: false }),
  ], {}, { ...withSessions, sessions: { ...withSessions.sessions, shared: true } }); // prettier-ignore
}
