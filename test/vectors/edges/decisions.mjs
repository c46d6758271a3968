// More cases of decisions: the ledger's order, two clocks, amounts, steps.
// Codes are written by hand, as in generate.mjs, whose helpers come in: what an independent verifier could get wrong.
import { attenuate, mint, mintBearer, restrict } from '@ambit/core';

/** Makes cases of one pattern of the `http` caveat: targets of a request, and whether each is let through. */
export const pathCases =
  ({ several, shown, at, a, nonce }, description) =>
  (name, pattern, targets) =>
    several(
      `http: ${name}`,
      description,
      targets.map(([target, holds], i) =>
        shown(at(restrict.http(['GET'], [pattern])), a, holds ? 'ok' : ['http_refused', 0], {
          ...nonce(i + 1),
          call: { tool: 'web_search', args: '{}', http: { method: 'GET', origin: 'https://a.b', target } },
        }),
      ),
    );

/** Cases of decisions: the ledger's order, two clocks, budgets, steps. */
export function decisionEdges({
  several,
  shown,
  at,
  base,
  bearer,
  a,
  bearerSpec,
  keyring,
  standard,
  nonce,
  NOW,
  spec,
  issuer,
}) {
  const none = ({ proof: _, ...step }) => step;
  const onceCalls = at(restrict.calls(1), restrict.once());
  several('ledger: the same proof, the budget spent', 'The nonce comes first.', [
    shown(at(restrict.calls(1)), a, 'ok', nonce(1)),
    shown(at(restrict.calls(1)), a, ['replayed', -1], nonce(1)),
    shown(at(restrict.calls(1)), a, ['budget_exceeded', 0], nonce(2)),
  ]);
  several('ledger: the same proof, used once', 'The nonce comes first.', [
    shown(at(restrict.once()), a, 'ok', nonce(1)),
    shown(at(restrict.once()), a, ['replayed', -1], nonce(1)),
  ]);
  several(
    'ledger: used once, the budget spent',
    'Claims come before counters, wherever they stand in the chain.',
    [shown(onceCalls, a, 'ok', nonce(1)), shown(onceCalls, a, ['once_used', 1], nonce(2))],
  );
  several(
    'ledger: all or nothing',
    'A refused call claims nothing: its proof is good when there is room again.',
    [
      shown(
        at(restrict.calls(5), restrict.budget({ unit: 'calls', limit: 1, window: 20 })),
        a,
        'ok',
        nonce(1),
      ),
      shown(
        at(restrict.calls(5), restrict.budget({ unit: 'calls', limit: 1, window: 20 })),
        a,
        ['budget_exceeded', 1],
        nonce(2),
      ),
      {
        ...shown(
          at(restrict.calls(5), restrict.budget({ unit: 'calls', limit: 1, window: 20 })),
          a,
          'ok',
          nonce(2),
        ),
        now: NOW + 20,
        facts: { now: NOW + 20, data: [] },
      },
    ],
  );
  several('ledger: the first counter without room', 'In the order of the chain.', [
    shown(at(restrict.calls(9), restrict.calls(1), restrict.calls(1)), a, 'ok', nonce(1)),
    shown(at(restrict.calls(9), restrict.calls(1), restrict.calls(1)), a, ['budget_exceeded', 1], nonce(2)),
  ]);
  const two = (n) => at(restrict.note(`${n}`), restrict.calls(5));
  several('ledger: rows of one token', 'Its holders may append only so many counters and claims.', [
    shown(two(1), a, 'ok', nonce(1)),
    shown(two(2), a, 'ok', nonce(2)),
    shown(two(3), a, ['budget_exceeded', 1], nonce(3)),
    shown(two(1), a, 'ok', nonce(4)),
    shown(at(restrict.once()), a, ['budget_exceeded', 0], nonce(5)),
  ], standard, { ledger: { rowsPerToken: 2 } }); // prettier-ignore
  several('ledger: none', 'A signed proof has to be remembered.', [
    { ...shown(base, a, 'ledger_required', nonce(1)), ledger: false },
  ]);
  several(
    'ledger: none needed',
    'A bearer token without budgets charges nothing.',
    [{ ...none(shown(base, a, 'ok')), token: bearer, ledger: false }],
    { ...standard, bearer: true },
  );

  several(
    'clocks: facts later',
    'The claim is kept from the later of the two; facts do not move the verifier.',
    [
      shown(base, a, 'ok', { ...nonce(1), facts: { now: NOW + 100 } }),
      shown(base, a, ['replayed', -1], nonce(1)),
      shown(base, a, 'ok', { prove: { nonce: nonce(2).prove.nonce, time: NOW - 60 } }),
    ],
  );
  several('clocks: facts earlier', "The verifier's time stands.", [
    shown(
      at(restrict.notBefore(NOW + 30), restrict.budget({ unit: 'calls', limit: 1, window: 20 })),
      a,
      'ok',
      { ...nonce(1), facts: { now: NOW - 100 } },
    ),
  ]);
  several('clocks: facts earlier, the highest time later', 'What the verifier has seen stands.', [
    shown(base, a, 'ok', { ...nonce(1), now: NOW + 40 }),
    shown(base, a, 'ok', { ...nonce(2), now: NOW, facts: { now: NOW } }),
  ]);
  several('clocks: fractions', 'A claim is rounded up, a window begins below.', [
    shown(at(restrict.budget({ unit: 'calls', limit: 1, window: 20 })), a, 'ok', {
      ...nonce(1),
      now: NOW + 20.5,
    }),
    shown(at(restrict.budget({ unit: 'calls', limit: 1, window: 20 })), a, ['budget_exceeded', 0], {
      ...nonce(2),
      now: NOW + 39.75,
    }),
  ]);
  several('clocks: a proof from the future', 'Its own time counts, if it is the later.', [
    shown(base, a, 'ok', { prove: { time: NOW + 30 } }),
  ]);

  const bytes = (limit) => at(restrict.budget({ unit: 'bytes', limit }));
  several('budget: amounts', 'Whole numbers from 0 to 2^53-1, within the limit.', [
    shown(bytes(10), a, ['budget_amount', 0], { ...nonce(1), facts: { bytes: 0.5 } }),
    shown(bytes(10), a, ['budget_amount', 0], { ...nonce(2), facts: { bytes: -1 } }),
    shown(bytes(10), a, ['budget_exceeded', 0], { ...nonce(3), facts: { bytes: 11 } }),
    shown(bytes(10), a, 'ok', { ...nonce(4), facts: { bytes: 0 } }),
    shown(at(restrict.sum('amount', 10)), a, ['budget_amount', 0], nonce(5)),
    shown(at(restrict.sum('q', 10)), a, ['budget_amount', 0], nonce(6)),
    shown(at(restrict.budget({ unit: 'bytes', limit: 10, tools: ['mail/*'] })), a, 'ok', nonce(7)),
  ]);
  several(
    'budget: before the ledger is asked',
    'An amount above a limit is refused without a ledger, and an empty list too.',
    [
      {
        ...shown(bytes(10), a, ['budget_exceeded', 0], { ...nonce(1), facts: { bytes: 11 } }),
        ledger: false,
      },
      {
        ...shown(at(restrict.calls(5), restrict.budget()), a, ['budget_exceeded', 1], nonce(2)),
        ledger: false,
      },
      { ...shown(at(restrict.once(), bytesCaveat()), a, ['fact_missing', 1], nonce(3)), ledger: false },
    ],
  );
  const pooled = mint(
    keyring,
    {
      ...spec,
      budgets: [
        { unit: 'calls', limit: 5, pool: 'team', tools: ['mail/*'] },
        { unit: 'calls', limit: 2 },
      ],
    },
    issuer,
  );
  const stricter = mint(
    keyring,
    { ...spec, tokenId: new Uint8Array(16).fill(9), budgets: [{ unit: 'calls', limit: 1, pool: 'team' }] },
    issuer,
  );
  const mail = { call: { tool: 'mail/send', args: '{}' } };
  several('budget: a pool that this call is not charged to', 'The place follows from the grant.', [
    shown(pooled, a, 'ok', nonce(1)),
  ]);
  several('budget: a pool with two limits', 'One sum; each charge is held against its own limit.', [
    shown(pooled, a, 'ok', { ...nonce(1), ...mail }),
    shown(stricter, a, ['budget_exceeded', -1], nonce(2)),
    shown(pooled, a, 'ok', { ...nonce(3), ...mail }),
  ]);
  const ends = mint(keyring, {
    ...spec,
    expires: NOW + 50,
    budgets: [{ unit: 'calls', limit: 3, window: 3600 }],
  });
  several(
    'ends of rows',
    "A window's counter, a child's and a claim end with the grant, not with a shorter child.",
    [
      shown(
        attenuate(ends, restrict.expires(NOW + 10), restrict.calls(2), restrict.once()),
        a,
        'ok',
        nonce(1),
      ),
    ],
  );

  const http = pathCases({ several, shown, at, a, nonce }, 'Paths are compared as they are written.');
  http('strictly below /a/*', '/a/*', [['/a/b', true], ['/a/b/', true], ['/a/', false], ['/a', false], ['/a/?x', false], ['/ab', false]]); // prettier-ignore
  http('below /*', '/*', [
    ['/a', true],
    ['/', false],
    ['/a//b', false],
  ]);
  http('below /a//*, nothing', '/a//*', [
    ['/a//b', false],
    ['/a/b', false],
  ]);
  http('an escaped star', '/a%2a', [
    ['/a%2a', true],
    ['/a*', false],
    ['/a%2A', false],
    ['/ab', false],
  ]);
  http('a slash at the end', '/a/', [
    ['/a/', true],
    ['/a', false],
    ['/a/b', false],
  ]);
  const times = (notBefore, expires) => at({ type: 'time', notBefore, expires });
  several('time: it ends where it begins, or before', 'Legal; it holds within the skew, if at all.', [
    shown(times(NOW + 20, NOW + 10), a, 'ok', nonce(1)),
    shown(times(NOW + 31, NOW + 1), a, ['not_yet_valid', 0], nonce(2)),
    shown(times(NOW, NOW), a, ['expired', 0], nonce(3)),
  ]);

  // Steps: 2^22 for all args caveats of a call together.
  const steps = (caveats, value, expect, name) => {
    const token = mintBearer(keyring, { ...bearerSpec, restrictions: caveats });
    const call = { tool: 'web_search', args: JSON.stringify({ v: value }) };
    several(
      `steps: ${name}`,
      'All args caveats of a call share them, in their order.',
      [{ token, call, now: NOW, facts: { now: NOW, data: [] }, expect }],
      { ...standard, bearer: true },
    );
  };
  const half = { kind: 'pattern', pattern: 'b*|a{500}' };
  // 1 + (2 + 501) + 1 = 505 states; 768 + 32 x 9 + (97 + n) x 505 + 4, twice, up to 4,194,304: n = 4053.
  const on = (c, tools = ['web_search']) => restrict.args(tools, { v: c });
  steps([on(half), on(half)], 'b'.repeat(4053), 'ok', 'two caveats, within');
  steps([on(half), on(half)], 'b'.repeat(4054), ['argument_refused', 1], 'two caveats, one character more');
  steps([on(half), on(half, ['mail/send'])], 'b'.repeat(4054), 'ok', 'a caveat for another tool takes none');
  const absent = Object.fromEntries(Array.from({ length: 255 }, (_, i) => [`a${i}`, { kind: 'absent' }]));
  const whole = { kind: 'pattern', pattern: 'b*|a{1000}' };
  // 1005 states; 768 + 32 x 10 + (97 + n) x 1005 + 4 x 256 <= 4,194,304: n = 4074; with one argument alone 4075.
  steps(
    [restrict.args(['*', 'web_search'], { ...absent, v: whole })],
    'b'.repeat(4074),
    'ok',
    'arguments that are not there cost too',
  );
  steps(
    [restrict.args(['*', 'web_search'], { ...absent, v: whole })],
    'b'.repeat(4075),
    ['argument_refused', 0],
    'arguments that are not there, one character more',
  );
}

const bytesCaveat = () => restrict.budget({ unit: 'bytes', limit: 1 });
