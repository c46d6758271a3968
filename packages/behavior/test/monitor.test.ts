import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DETECTORS,
  Monitor,
  OnlineLearner,
  Responses,
  actionFor,
  baselineDigest,
  compare,
  eventsOfRecord,
  learn,
  readBaseline,
  saveBaseline,
  sessionScores,
  fuse,
} from '@ambit/behavior';
import type { AgentEvent, Alert } from '@ambit/behavior';
import { emptyBaseline } from '../src/baseline.ts';
import { pValue } from '../src/conformal.ts';
import { decodePlain, encodePlain } from '@ambit/cbor';
import { DEPLOYMENT, benignSessions, callEvent, ingestEvent } from './support.ts';

const base = learn('acme', benignSessions(240));
const alertsOf = (events: readonly AgentEvent[], level = 0.05): Alert[] => {
  const monitor = new Monitor(base, { level });
  return events.map((event) => monitor.event(event)).filter((alert): alert is Alert => alert !== null);
};
const hijack = (session = 'h'): AgentEvent[] => [
  callEvent(session, 'read_mail', 'read', 0, { bytes: 60 }),
  { ...ingestEvent(session, 'read_mail', 1), index: 41 },
  callEvent(session, 'send_money', 'pay', 8, {
    grade: 1,
    requested: false,
    destinations: ['evil'],
    index: 42,
  }),
];

describe('calibration: the false-alarm rate is what it says', () => {
  test('p-values of exchangeable scores are at most alpha with chance alpha', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 20, maxLength: 60 }),
        (scores) => {
          // Leave each out in turn: the share of p <= a among exchangeable scores never exceeds a.
          const ps = scores.map((score, i) =>
            pValue(
              scores.filter((_, k) => k !== i).sort((a, b) => a - b),
              score,
            ),
          );
          for (const a of [0.05, 0.1, 0.3])
            expect(ps.filter((p) => p <= a + 1e-12).length).toBeLessThanOrEqual(
              Math.floor(a * scores.length + 1e-9),
            );
        },
      ),
      { numRuns: 50 },
    );
  });

  test('1,000 new benign sessions: no more alarms than stated, with room for chance', () => {
    const monitor = new Monitor(base, { level: 0.05 });
    let flagged = 0;
    for (const { events } of benignSessions(1000, 5000)) {
      for (const event of events) monitor.event(event);
      if (monitor.close(events[0]?.session ?? '')?.flagged === true) flagged += 1;
    }
    // 5 % of 1,000, four standard deviations up (the calibration has chance of its own).
    expect(flagged).toBeLessThanOrEqual(50 + 4 * 11);
  });
});

describe('alerts', () => {
  test('a hijack is found at its call, with the ingestion before it and reasons', () => {
    const [alert] = alertsOf(hijack(), 0.01);
    expect(alert).toMatchObject({ tool: 'send_money', index: 42, ingest: { index: 41, calls: 0 } });
    expect(alert?.evidence[0]?.sentence).toMatch(/send_money/);
    expect(alert?.evidence.map(({ detector }) => detector)).toContain('provenance');
  });

  test('each detector can speak alone', () => {
    const { peaks: repeated } = sessionScores(
      base,
      Array.from({ length: 60 }, (_, i) => callEvent('r', 'send_money', 'pay', i * 20, { bytes: 90 })),
    );
    const { peaks: fast } = sessionScores(
      base,
      Array.from({ length: 60 }, (_, i) => callEvent('r', 'read_mail', 'read', i * 0.05)),
    );
    const refusal: AgentEvent = {
      kind: 'refusal',
      session: 'r',
      deployment: DEPLOYMENT,
      tool: 'x',
      class: 'write',
      time: 1,
      code: 'tool_not_granted',
    };
    const { peaks: refused } = sessionScores(
      base,
      Array.from({ length: 9 }, () => refusal),
    );
    const { peaks: moved } = sessionScores(base, [
      callEvent('r', 'send_mail', 'send', 1, { bytes: 5_000_000 }),
    ]);
    const score = (peaks: Float64Array, name: (typeof DETECTORS)[number]): number =>
      peaks[DETECTORS.indexOf(name)] ?? 0;
    expect(score(repeated, 'repeat')).toBeGreaterThan(3);
    expect(score(fast, 'rate')).toBeGreaterThan(3);
    expect(score(refused, 'refusals')).toBeGreaterThan(3);
    expect(score(moved, 'volume')).toBeGreaterThan(3);
  });

  test('distance from the ingestion weakens it: the same call right after, later, and without', () => {
    const scoreOf = (reads: number, ingest: boolean): number => {
      const events: AgentEvent[] = ingest ? [ingestEvent('w', 'read_mail', 0)] : [];
      for (let i = 0; i < reads; i += 1) events.push(callEvent('w', 'list_files', 'read', 10 + i));
      events.push(callEvent('w', 'send_money', 'pay', 90, { grade: 1, requested: false }));
      return fuse(
        base.calibration.slice(0, 3).map(() => [0.1, 0.2, 0.4, 0.6, 0.8]),
        sessionScores(base, events).each.at(-1)?.slice(1, 3) ?? [],
      );
    };
    expect(scoreOf(0, true)).toBeGreaterThan(scoreOf(5, true));
    expect(scoreOf(5, true)).toBeGreaterThan(scoreOf(5, false));
  });

  test('an uncalibrated baseline is refused, not trusted', () => {
    expect(() => new Monitor(emptyBaseline('x'))).toThrow(RangeError);
    expect(() => learn('x', benignSessions(1))).toThrow(RangeError);
  });

  test('sessions watched are bounded', () => {
    const monitor = new Monitor(base, { maxSessions: 10 });
    for (let i = 0; i < 100; i += 1) monitor.event(callEvent(`s${String(i)}`, 'read_mail', 'read', i));
    expect(monitor.close('s0')).toBeUndefined();
    expect(monitor.close('s99')).toBeDefined();
  });
});

describe('a baseline on disk', () => {
  test('saved, read and saved again it has the same bytes and digest', () => {
    const bytes = saveBaseline(base);
    const again = readBaseline(bytes);
    expect(saveBaseline(again)).toEqual(bytes);
    expect(baselineDigest(again)).toBe(baselineDigest(base));
    expect(new Monitor(again).event(hijack()[0] as AgentEvent)).toBeNull();
  });

  test('the digest changes with any number', () => {
    const other = readBaseline(saveBaseline(base));
    other.sessions += 1;
    expect(baselineDigest(other)).not.toBe(baselineDigest(base));
  });

  test('its bytes are those of the format: another encoder would change every digest', () => {
    const small = emptyBaseline('acme');
    small.sessions = 70_000;
    small.tools.set('mail.send', 2.5);
    expect(baselineDigest(small)).toBe('b16xKfVQ0xooYbHU6uG6ledR4ghAJUVo6E8Vv1KAyPk');
  });

  const saved = decodePlain(saveBaseline(base), 1 << 20)?.value as Record<string, unknown>;
  test.each<[string, unknown]>([
    ['a text', 'x'],
    ['a list', []],
    ['bytes', new Uint8Array(4)],
    ['nothing', {}],
    ['another version', { ...saved, version: 1.5 }],
    ['a count that is a text', { ...saved, sessions: '1' }],
    [
      'a calibration that falls',
      { ...saved, calibration: [[3, 2, 1], ...Array.from({ length: 9 }, () => [])] },
    ],
    ['moments without one', { ...saved, gaps: [1, null, 2] }],
    ['a table of texts', { ...saved, tools: [['mail.send', 1]] }],
    ['a table of lone names', { ...saved, tools: [new Uint8Array(2)] }],
    ['a name that is no UTF-8', { ...saved, tools: [[Uint8Array.of(0xff), 1]] }],
    ['a name that is too long', { ...saved, tools: [[new Uint8Array(1025), 1]] }],
    ['a count beyond its bound', { ...saved, tools: [[Uint8Array.of(0x61), 1e300]] }],
  ])('%s is refused', (_, value) => {
    expect(() => readBaseline(encodePlain(value))).toThrow(
      expect.objectContaining({ code: 'input_invalid' }),
    );
  });
  test.each([
    ['JSON', new TextEncoder().encode('{"version":1}')],
    ['a cut file', saveBaseline(base).subarray(0, -1)],
    ['a file with something after it', Uint8Array.of(...saveBaseline(base), 0)],
  ])('%s is refused', (_, bytes) => {
    expect(() => readBaseline(bytes)).toThrow(expect.objectContaining({ code: 'input_invalid' }));
  });
  test('and the unchanged value is read', () => {
    expect(readBaseline(encodePlain(saved))).toEqual(base);
  });

  test('E10 any name comes back as it was', () => {
    const names = ['__proto__', 'constructor', `\ufeff${'x'.repeat(80)}`, 'naïve \u{1f600}'];
    const strange = emptyBaseline('x');
    for (const name of names) strange.tools.set(name, 1);
    expect([...readBaseline(saveBaseline(strange)).tools.keys()].sort()).toEqual(
      [...strange.tools.keys()].sort(),
    );
  });

  test('E10 tools named like prototype properties are counted as any other', () => {
    const strange = learn(
      'x',
      benignSessions(40).map((session) => ({
        ...session,
        events: session.events.map((event) => ({ ...event, tool: '__proto__' })),
      })),
    );
    expect(readBaseline(saveBaseline(strange)).tools.get('__proto__')).toBeGreaterThan(0);
  });
});

describe('learning is not taught by the attacker', () => {
  test('tainted sessions are never learnt', () => {
    const clean = benignSessions(60);
    const poison = benignSessions(60, 900).map((session) => ({
      ...session,
      events: hijack(),
      tainted: true,
    }));
    expect(baselineDigest(learn('acme', [...clean, ...poison]))).toBe(baselineDigest(learn('acme', clean)));
  });

  test('a session counts at most three times for anything it repeats', () => {
    const flood = {
      group: 'g0',
      events: Array.from({ length: 5000 }, (_, i) => callEvent('f', 'send_money', 'pay', i)),
    };
    const before = learn('acme', benignSessions(60));
    const after = learn('acme', [...benignSessions(60), flood]);
    expect((after.tools.get('send_money') ?? 0) - (before.tools.get('send_money') ?? 0)).toBe(3);
  });

  test('quarantine: nothing is learnt early, nothing that was reported is learnt at all', () => {
    const learner = new OnlineLearner('acme', benignSessions(60), { quarantine: 100 });
    learner.close('a', benignSessions(1, 300)[0] as never, 1000);
    learner.close('b', benignSessions(1, 301)[0] as never, 1000);
    expect(learner.step(1050).learnt).toBe(0);
    learner.incident('a');
    expect(learner.step(1100).learnt).toBe(1);
    learner.close(
      'c',
      { ...(benignSessions(1, 302)[0] as never as { group: string; events: [] }), tainted: true },
      1100,
    );
    expect(learner.step(9999).learnt).toBe(0);
  });

  test('slow drift adds up against the approved anchor and stops, until a person approves', () => {
    const learner = new OnlineLearner('acme', benignSessions(60), { quarantine: 0, drift: 0.05, share: 1 });
    let stopped = -1;
    for (let week = 0; week < 60 && stopped < 0; week += 1) {
      // Each week a few sessions more that do the attacker's new thing; no step is large.
      for (let i = 0; i < 4; i += 1) {
        const session = `d${String(week)}-${String(i)}`;
        learner.close(
          session,
          {
            group: `g${String(i)}`,
            events: [
              callEvent(session, 'read_mail', 'read', 0),
              callEvent(session, 'export_all', 'send', 9),
              callEvent(session, 'export_all', 'send', 19),
            ],
          },
          week,
        );
      }
      if (learner.step(week).stopped) stopped = week;
    }
    expect(stopped).toBeGreaterThan(0);
    expect(learner.step(1e6).stopped).toBe(true);
    expect(() => learner.approve('')).toThrow(TypeError);
  });

  test("one group can't teach a fleet", () => {
    const learner = new OnlineLearner('acme', benignSessions(60), { quarantine: 0, share: 0.1 });
    for (let i = 0; i < 50; i += 1)
      learner.close(
        `x${String(i)}`,
        { group: 'one-user', events: benignSessions(1, 700 + i)[0]?.events ?? [] },
        0,
      );
    expect(learner.step(1).learnt).toBeLessThanOrEqual(11);
  });
});

describe('responses take away, and a person gives back', () => {
  const alert = (p: number, ingest: boolean): Alert => ({
    session: 's',
    tool: 't',
    kind: 'call',
    time: 0,
    index: 7,
    p,
    statistic: 9,
    evidence: [],
    ...(ingest ? { ingest: { index: 3, calls: 1 } } : {}),
    baseline: { deployment: 'acme', generation: 1 },
  });

  test('the ladder', () => {
    expect(actionFor(alert(0.2, true))).toBeNull();
    expect(actionFor(alert(0.03, true))).toBe('alert');
    expect(actionFor(alert(0.01, true))).toBe('signed_proof');
    expect(actionFor(alert(0.005, true))).toBe('approval');
    expect(actionFor(alert(0.001, true))).toBe('narrow');
    expect(actionFor(alert(0.001, false))).toBe('alert');
  });

  test('never milder by itself, released by a person only, and only once', () => {
    const responses = new Responses(['send_*', 'pay/*']);
    expect(responses.on(alert(0.001, true))).toMatchObject({
      action: 'narrow',
      restrictions: [{ type: 'deny', tools: ['send_*', 'pay/*'] }],
    });
    expect(responses.on(alert(0.04, true))).toBeNull();
    expect(responses.of('s')?.action).toBe('narrow');
    expect(() => responses.release('s', '')).toThrow(TypeError);
    expect(responses.release('s', 'Eve Sharp')).toEqual({ session: 's', person: 'Eve Sharp', was: 'narrow' });
    expect(responses.of('s')).toBeUndefined();
    expect(responses.release('s', 'Eve Sharp')).toBeNull();
  });

  test('a revocation is not lifted here', () => {
    const responses = new Responses([], [{ level: 0.01, action: 'revoke_session' }]);
    responses.on(alert(0.001, true));
    expect(responses.release('s', 'Eve Sharp')).toBeNull();
  });
});

describe('two versions of a model side by side', () => {
  test('the same work is near, other habits are far, and the tools that moved are named', () => {
    const same = compare(base, learn('acme', benignSessions(240, 4000)));
    const other = compare(
      base,
      learn(
        'acme',
        benignSessions(240, 4000).map((session) => ({
          ...session,
          events: session.events.map((event) =>
            event.tool === 'list_files' ? { ...event, tool: 'search_web' } : event,
          ),
        })),
      ),
    );
    expect(same.tools).toBeLessThan(0.02);
    expect(other.tools).toBeGreaterThan(0.1);
    expect(
      other.moved
        .slice(0, 2)
        .map(({ what }) => what)
        .sort(),
    ).toEqual(['list_files', 'search_web']);
    expect(compare(base, base)).toMatchObject({ tools: 0, transitions: 0, shapes: 0 });
  });
});

describe('audit records', () => {
  const record = {
    kind: 'decision',
    at: 5000,
    session: 's',
    operator: { name: 'acme' },
    model: { name: 'm' },
    code: 'allowed',
    tool: { name: 'send_money', classes: ['money'] },
    args: { bytes: 90, idsFrom: 'untrusted', destinations: ['~x'] },
  };
  test('a decision is a call or a refusal, and content is an ingestion', () => {
    expect(eventsOfRecord(record, 3)).toMatchObject([
      { kind: 'call', class: 'pay', grade: 1, index: 3, time: 5 },
    ]);
    expect(eventsOfRecord({ ...record, code: 'budget_exceeded' }, 3)).toMatchObject([
      { kind: 'refusal', code: 'budget_exceeded' },
    ]);
    expect(
      eventsOfRecord({ ...record, kind: 'ingest', ingest: { trust: 'untrusted', bytes: 9 } }, 4),
    ).toMatchObject([{ kind: 'ingest', trusted: false, bytes: 9 }]);
  });
  test('what failed verification feeds nothing', () => {
    expect(eventsOfRecord({ ...record, token: { unverified: true } }, 3)).toEqual([]);
  });
});
