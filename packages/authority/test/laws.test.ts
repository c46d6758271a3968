// Laws of the four layers, over random configurations, requests and times. The oracle asks core's `matchTool` and
// `matchLabel` about the configuration's own lists, one by one; it shares no code with what it checks.
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { intersectTools, isToolName, matchLabel, matchTool, type Budget } from '@ambit/core';
import {
  explainLayers,
  covers as patternCovers,
  LabelSet,
  leastBudgets,
  type Operator,
  readOperator,
  reduce,
  ResolvedEntitlements,
  ToolSet,
  ToolTable,
  type Configuration,
  type Entitlement,
  type Manifest,
} from '@ambit/identity';
import { modelKey } from '../../identity/test/operators.ts';
import { grantFor } from '../src/index.ts';
import { artifact, T0, World } from './world.ts';

const LONG = process.env['AMBIT_LONG'] === '1';
vi.setConfig({ testTimeout: LONG ? 600_000 : 60_000 });
const runs = (short: number, long: number): { numRuns: number } => ({ numRuns: LONG ? long : short });

// A small alphabet, so that names and patterns meet.
const NAMES = [
  'a',
  'b',
  'ab',
  'fs',
  'fs.read',
  'fs.readme',
  'fs.write',
  'fs.sub.x',
  'fs/read',
  'web_get',
  'web_put',
  'web_get.x',
];
const PATTERNS = [
  ...NAMES,
  '*',
  'a*',
  'fs.*',
  'fs/*',
  'fs.re*',
  'fs.sub.*',
  'web_*',
  'web_get*',
  'web_get.*',
];
const LABELS = ['p', 'i', 'i:r', 'i:r:x', 'i:s', 'ix', 'c'];
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc
    .string({ unit: fc.constantFrom('a', 'b', 'f', 's', '.', '/', '_', 'r'), maxLength: 8 })
    .filter(isToolName),
);
const some = (items: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...items]);
const set = (items: readonly string[]): string => `[${items.map((i) => JSON.stringify(i)).join(', ')}]`;

const anything = fc.record({
  tools: some(PATTERNS),
  data: some(LABELS),
  deny: fc.subarray(PATTERNS, { maxLength: 2 }),
});
// Half of the layers allow all, so that the others decide.
const rights = fc.oneof(anything, fc.constant({ tools: PATTERNS, data: LABELS, deny: [] as string[] }));
type Rights = { tools: string[]; data: string[]; deny: string[] };
const written = (r: Rights): string => `tools: ${set(r.tools)}, data: ${set(r.data)}, deny: ${set(r.deny)}`;
const shape = fc.record({
  facts: fc.uniqueArray(fc.tuple(fc.constantFrom(...PATTERNS), fc.option(fc.subarray(LABELS, { maxLength: 2 }))), { selector: ([p]) => p, maxLength: 12 }),
  allow: rights, model: rights, groups: fc.array(rights, { minLength: 1, maxLength: 3 }), own: rights, member: fc.nat(7),
  budget: fc.nat(50), grace: fc.constantFrom(0, 0, 60),
}); // prettier-ignore
const all: Rights = { tools: PATTERNS, data: LABELS, deny: [] };
/** A shape that lets most calls through: what a random one seldom does. */
const generous: fc.Arbitrary<Shape> = shape.map((s) => ({
  ...s,
  facts: [...s.facts.filter(([p]) => p !== '*'), ['*', ['p']]],
  allow: all,
  model: all,
  own: { ...all, deny: s.own.deny },
}));
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

/** The YAML of a random configuration. */
function yaml(s: Shape): string {
  const facts = s.facts.map(
    ([p, data]) =>
      `  ${JSON.stringify(p)}: { external: false, ${data === null ? '' : `data: ${set(data)}`} }`,
  );
  const member = s.groups.map((_, i) => `g${i}`).filter((_, i) => (s.member >> i) & 1);
  return `ambit: 1
operator: acme-corp
issuer: razorsec-iam-service
signers: { ml: ${modelKey.toString()} }
tools: ${facts.length === 0 ? '{}' : `\n${facts.join('\n')}`}
allow: { ${written(s.allow)} }
models: { agent-v2: { signers: [ml], ${written(s.model)} } }
groups:
${s.groups.map((g, i) => `  g${i}: { ${written(g)} }`).join('\n')}
users: { sam: { groups: ${set(member)}, ${written(s.own)} } }
sessions: { most: { life: 1h, delegations: 2, budgets: [{ unit: calls, limit: ${s.budget} }] } }
grace: ${s.grace}s
`;
}
function operator(s: Shape): Operator {
  return readOperator(yaml(s));
}

// The oracle.
const matches = (patterns: readonly string[], tool: string): boolean =>
  patterns.some((p) => matchTool(p, tool));
const covers = (scope: readonly string[], labels: readonly string[]): boolean =>
  labels.every((l) => scope.some((s) => matchLabel(s, l)));
const layer = (r: Rights | Configuration['allow'], tool: string, data: readonly string[]): boolean =>
  !matches(r.deny, tool) && matches(r.tools, tool) && covers(r.data, data);
function user(s: Shape, tool: string, data: readonly string[]): boolean {
  const all = [...s.groups.filter((_, i) => (s.member >> i) & 1), s.own];
  return (
    !all.some((r) => matches(r.deny, tool)) && all.some((r) => matches(r.tools, tool) && covers(r.data, data))
  );
}

let model: { measured: Manifest; text: string };
beforeAll(async () => {
  model = await artifact();
});

/** `expect(a).toBe(b)` costs too much a million times. */
function is<T>(a: T, b: T): void {
  if (a !== b) throw new Error(`expected ${String(b)}, got ${String(a)}`);
}

describe('tables', () => {
  test('a set of patterns matches what matchTool says, and finds the most specific one', () => {
    fc.assert(
      fc.property(some(PATTERNS), name, (patterns, tool) => {
        is(new ToolSet(patterns).has(tool), matches(patterns, tool));
        const found = new ToolTable(patterns.map((p) => [p, p] as const)).find(tool);
        const all = patterns.filter((p) => matchTool(p, tool));
        if (all.includes(tool)) is(found, tool);
        else expect(found?.length ?? 0).toBe(Math.max(0, ...all.map((p) => p.length)));
      }),
      runs(1000, 200_000),
    );
  });

  test('narrowing names exactly what both name: for tools, and core agrees', () => {
    fc.assert(
      fc.property(some(PATTERNS), some(PATTERNS), fc.array(name, { maxLength: 8 }), (a, b, tools) => {
        const both = new ToolSet(a).narrow(b);
        for (const tool of [...NAMES, ...tools])
          is(matches(both, tool), matches(a, tool) && matches(b, tool));
        expect([...both]).toEqual([...intersectTools(a, b)].sort());
        expect(reduce(both)).toEqual(both);
      }),
      runs(500, 100_000),
    );
  });

  test('narrowing names exactly what both name: for labels', () => {
    const came = { both: 0, one: 0 };
    fc.assert(
      fc.property(some(LABELS), some(LABELS), (a, b) => {
        const both = new LabelSet(a).narrow(b);
        for (const l of [...LABELS, 'i:r:x:y', 'i:t', 'p:q']) {
          const [inA, inB] = [covers(a, [l]), covers(b, [l])];
          if (inA && inB) came.both++;
          else if (inA || inB) came.one++;
          is(covers(both, [l]), inA && inB);
        }
      }),
      runs(500, 100_000),
    );
    expect(came.both).toBeGreaterThan(100);
    expect(came.one).toBeGreaterThan(100);
  });

  test('one pattern holds another only if it names all that it names', () => {
    const pairs = PATTERNS.flatMap((a) => PATTERNS.map((b) => [a, b] as const));
    const holding = pairs.filter(([a, b]) => a !== b && patternCovers(a, b));
    expect(holding.length).toBeGreaterThan(PATTERNS.length);
    let came = 0;
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), (names) => {
        for (const tool of [...NAMES, ...names])
          for (const [a, b] of holding) {
            if (!matchTool(b, tool)) continue;
            came++;
            is(matchTool(a, tool), true);
          }
      }),
      runs(20, 5000),
    );
    expect(came).toBeGreaterThan(300);
  });

  test('the smallest budgets of several lists allow no more than any of them', () => {
    const budget = fc.record({
      unit: fc.constantFrom('calls' as const, 'external' as const),
      limit: fc.nat(9),
      window: fc.constantFrom(60, 3600),
    });
    fc.assert(
      fc.property(fc.array(fc.array(budget, { maxLength: 4 }), { maxLength: 4 }), (lists) => {
        const all = leastBudgets(...lists);
        const least = (of: readonly Budget[], b: Budget): number =>
          Math.min(...of.filter((x) => x.unit === b.unit && x.window === b.window).map((x) => x.limit));
        for (const b of lists.flat()) expect(least(all, b)).toBeLessThanOrEqual(b.limit);
        for (const b of all) is(least(lists.flat(), b), b.limit);
      }),
      runs(500, 20_000),
    );
  });
});

describe('the effective authority is below each layer', () => {
  test('what is granted lies within the request, the operator, the model and the user', () => {
    const came = { bound: 0, granted: 0, withheld: 0, labels: 0 };
    fc.assert(
      fc.property(
        fc.oneof(shape, generous),
        some(PATTERNS),
        some(LABELS),
        fc.array(name, { maxLength: 6 }),
        (s, tools, data, names) => {
          const op = operator(s);
          const world = new World(model, op);
          const bound = grantFor({ ...world.request(), tools, data }, world.context);
          const grant = bound.ok ? bound.spec : { tools: [], data: [], deny: [] };
          if (bound.ok) came.bound++;
          const userTools = [...s.groups.filter((_, i) => (s.member >> i) & 1), s.own];
          const denied = [s.allow, s.model, ...userTools].flatMap((r) => r.deny);
          for (const tool of [...NAMES, ...names]) {
            const granted = matches(grant.tools, tool) && !matches(grant.deny ?? [], tool);
            const layers =
              matches(tools, tool) &&
              matches(s.allow.tools, tool) &&
              matches(s.model.tools, tool) &&
              userTools.some((r) => matches(r.tools, tool));
            if (bound.ok) came[granted ? 'granted' : 'withheld']++;
            if (granted) is(layers && !matches(denied, tool), true);
            // And nothing is lost that all of them have.
            else if (bound.ok) is(layers && !matches(denied, tool), false);
          }
          for (const l of [...LABELS, 'i:r:x:y']) {
            const layers =
              covers(data, [l]) &&
              covers(s.allow.data, [l]) &&
              covers(s.model.data, [l]) &&
              userTools.some((r) => r.tools.length > 0 && covers(r.data, [l]));
            const granted = covers(grant.data ?? [], [l]);
            if (granted) came.labels++;
            if (granted) is(layers, true);
            else if (bound.ok) is(layers, false);
          }
          if (bound.ok)
            is(
              Math.min(...bound.spec.budgets!.filter((b) => b.unit === 'calls').map((b) => b.limit)),
              s.budget,
            );
        },
      ),
      runs(80, 4000),
    );
    // About half of the operators bind; where none does the loops above say nothing.
    for (const [way, times] of Object.entries(came)) expect(times, way).toBeGreaterThan(10);
  });

  test('a real call with a real token passes only if every layer allows the tool on the data it touches', async () => {
    let allowed = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(shape, generous),
        fc.array(name, { minLength: 1, maxLength: 3 }),
        async (s, names) => {
          const op = operator({ ...s, budget: 1000 });
          const world = new World(model, op);
          const opened = await world.open({ tools: PATTERNS, data: LABELS });
          if (!opened.ok) {
            expect(['authority_empty']).toContain(opened.code);
            return;
          }
          for (const tool of [...names, ...NAMES.slice(0, 4)]) {
            const outcome = await world.use(opened.token, tool);
            const { data } = op.facts(tool);
            const layers =
              data !== null &&
              layer(s.allow, tool, data) &&
              layer(s.model, tool, data) &&
              user(s, tool, data);
            if (outcome === 'allowed') {
              allowed++;
              is(layers, true);
            } else if (!layers) {
              refused++;
            } else {
              throw new Error(`${tool} is allowed by every layer and was refused: ${outcome.code}`);
            }
          }
        },
      ),
      runs(60, 1500),
    );
    expect(allowed).toBeGreaterThan(10);
    expect(refused).toBeGreaterThan(10);
  });
});

test('no check at use grows with the number of users or tools: look-ups are counted, not seconds', async () => {
  const large = (users: number, tools: number): string => `ambit: 1
operator: acme-corp
issuer: razorsec-iam-service
signers: { ml: ${modelKey.toString()} }
tools:
  a: { external: false, data: [p] }
${Array.from({ length: tools }, (_, i) => `  n${i % 7}.t${i}: { data: [p] }\n  n${i}.*: { data: [p] }`).join('\n')}
models: { agent-v2: { signers: [ml] } }
groups: { g: { tools: [a${Array.from({ length: tools }, (_, i) => `, n${i % 7}.t${i}`).join('')}], data: [p] } }
users:
  sam: { groups: [g] }
${Array.from({ length: users }, (_, i) => `  u${i}: { groups: [g] }`).join('\n')}
sessions: { most: { life: 1h } }
`;
  const counts: number[] = [];
  for (const [users, tools] of [
    [1, 1],
    [1000, 1],
    [1, 300],
    [1000, 300],
  ] as const) {
    const world = new World(model, readOperator(large(users, tools)));
    const { token } = await world.token({ tools: ['a'], data: ['p'] });
    expect(await world.use(token, 'a')).toBe('allowed');
    const seen = world.verifier.identify(token);
    if (!seen.ok) throw new Error(seen.message);
    const { view } = seen.token;
    const context = {
      operators: world.operators,
      entitlements: world.entitlements,
      revocations: world.store.revocations,
      session: { ok: true } as const,
    };
    // Every look-up and every walk over a table goes through these.
    let n = 0;
    let walked = 0;
    const spies = [vi.spyOn(Map.prototype, 'get'), vi.spyOn(Set.prototype, 'has')];
    const walks = (['entries', 'keys', 'values', 'forEach'] as const).map((m) => vi.spyOn(Map.prototype, m));
    let answer;
    try {
      answer = explainLayers(view, 'a', context, world.now);
      n = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
      walked = walks.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
    } finally {
      vi.restoreAllMocks();
    }
    expect(answer.ok).toBe(true);
    expect(walked).toBe(0);
    counts.push(n);
  }
  expect(counts[0]).toBeGreaterThan(5);
  expect(new Set(counts).size).toBe(1);
});

test('I2 law: after a configuration is applied no token minted before it verifies, in any order of configurations', async () => {
  const checked = { dead: 0, live: 0 };
  await fc.assert(
    fc.asyncProperty(
      // Half of the steps leave the configuration as it is: a token lives until it changes.
      fc.array(fc.record({ which: fc.option(fc.nat(3), { freq: 2 }), wait: fc.nat(2), mint: fc.boolean() }), {
        minLength: 4,
        maxLength: 10,
      }),
      async (steps) => {
        const base: Shape = {
        facts: [['a', []]], allow: { tools: ['a'], data: [], deny: [] }, model: { tools: ['a'], data: [], deny: [] },
        groups: [{ tools: ['a'], data: [], deny: [] }], own: { tools: [], data: [], deny: [] }, member: 1, budget: 1000, grace: 0,
      }; // prettier-ignore
        const configs = [0, 1, 2, 3].map((n) => operator({ ...base, budget: 1000 + n }));
        const world = new World(model, configs[0]);
        let current = 0;
        let live: string[] = [];
        const dead: string[] = [];
        for (const step of steps) {
          world.now += step.wait;
          if (step.mint) {
            const opened = await world.open({ tools: ['a'], data: [] });
            if (opened.ok) live.push(opened.token);
          }
          const which = step.which ?? current;
          if (which !== current) {
            dead.push(...live);
            live = [];
            current = which;
          }
          checked.dead += dead.length;
          checked.live += live.length;
          world.apply(configs[current]!);
          for (const token of dead)
            expect(await world.use(token, 'a')).toMatchObject({ code: 'config_changed' });
          for (const token of live) expect(await world.use(token, 'a')).toBe('allowed');
        }
      },
    ),
    runs(30, 600),
  );
  expect(checked.dead).toBeGreaterThan(10);
  expect(checked.live).toBeGreaterThan(10);
});

test('I3 law: after a user loses a right no use of it is allowed past the bound, whatever the resolver and the clock do', async () => {
  const staleness = 30;
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.record({ do: fc.constant('wait' as const), by: fc.integer({ min: -20, max: 40 }) }),
          fc.record({ do: fc.constant('right' as const), has: fc.boolean() }),
          fc.record({ do: fc.constant('ask' as const) }),
          fc.record({ do: fc.constant('answer' as const), fail: fc.boolean() }),
          fc.record({ do: fc.constant('use' as const) }),
        ),
        { maxLength: 40, size: 'max' },
      ),
      async (steps) => {
        const operator = readOperator(`ambit: 1
operator: acme-corp
issuer: i
tools: { a: { data: [] } }
groups: { g: { tools: [a], data: [] } }
entitlements: { from: resolver, staleness: ${staleness}s }
sessions: { most: { life: 1h } }
`);
        let now = T0;
        let highest = T0;
        let has = true;
        /** When the right was last held, by the highest time seen. */
        let lastHeld = T0;
        const waiting: { answer: (e: Entitlement) => void; fail: (e: Error) => void }[] = [];
        const entitlements = new ResolvedEntitlements({
          nowSeconds: () => now,
          resolver: {
            // The resolver looks at the right when it is asked and may answer much later.
            resolve: () => {
              const then = has;
              return new Promise((answer, fail) =>
                waiting.push({ answer: () => answer({ groups: then ? ['g'] : [] }), fail }),
              );
            },
          },
        });
        for (const step of steps) {
          if (step.do === 'wait') now += step.by;
          highest = Math.max(highest, now);
          if (has) lastHeld = highest;
          if (step.do === 'right') has = step.has;
          if (has) lastHeld = highest;
          if (step.do === 'ask') void entitlements.refresh(operator, 'sam');
          if (step.do === 'answer') {
            const w = waiting.shift();
            if (step.fail) w?.fail(new Error('down'));
            else w?.answer({});
            await new Promise((done) => setImmediate(done));
          }
          const view = entitlements.view(operator, 'sam', now);
          const allowed = !('ok' in view) && view.check('a', []) === null;
          if (allowed) seen++;
          if (allowed) expect(highest - lastHeld).toBeLessThan(staleness);
        }
        for (const w of waiting) w.fail(new Error('end'));
      },
    ),
    runs(200, 20_000),
  );
  expect(seen).toBeGreaterThan(20);
});
