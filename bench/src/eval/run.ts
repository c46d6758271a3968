// `npm run eval`: the recorded AgentDojo runs, replayed with real tokens and proofs, and the detectors measured.
// Prints tables, and writes them with their plots to bench/results. `--quick`: GPT-4o alone.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DETECTORS } from '@ambit/behavior';
import { LAUNDERINGS, laundered } from './adaptive.ts';
import { LiveBaselines, heldCalls, scoreAll } from './detection.ts';
import type { Observed, Scored } from './detection.ts';
import { eventsOf } from './events.ts';
import { isHeldOut, summarise, table } from './outcome.ts';
import type { Outcome, Summary } from './outcome.ts';
import { barSvg, rocSvg } from './plot.ts';
import { Replayer } from './replay.ts';
import type { ReplayedCall } from './replay.ts';
import { areaUnder, curve, truePositives } from './statistics.ts';
import { SUITES, TraceSet, tracesPath } from './traces.ts';
import type { Trace } from './traces.ts';

const GPT4O = 'gpt-4o-2024-05-13';
const HEADLINE = 'important_instructions';
const quick = process.argv.includes('--quick');
const lines: string[] = [];
const say = (text = ''): void => {
  lines.push(text);
  console.log(text);
};

/** Runs that are replayed: the user's tasks, benign or attacked. A denial of service is no call that could be refused. */
const isReplayed = (trace: Trace): boolean =>
  trace.kind !== 'injection_as_user' &&
  !trace.attack.endsWith('dos') &&
  (!quick || trace.model === GPT4O || trace.kind === 'benign');

const replayAll = async (
  set: TraceSet,
  replayer: Replayer,
): Promise<{ outcomes: Outcome[]; observed: Observed[] }> => {
  const runs = set.traces.filter(isReplayed);
  const observed: Observed[] = [];
  const partly: { trace: Trace; calls: readonly ReplayedCall[]; events: Observed['events'] }[] = [];
  for (const trace of runs) {
    // Attacked runs that reached no goal count in the denominator regardless of refusals: no proofs are made for them.
    const matters = trace.kind === 'benign' || trace.hijacked === true;
    const calls = matters ? await replayer.run(trace) : [];
    const events = eventsOf(trace, calls.length === 0 ? [] : calls);
    if (matters) observed.push({ trace, events });
    partly.push({ trace, calls, events });
  }
  const live = new LiveBaselines(observed);
  const outcomes = partly.map(({ trace, calls, events }): Outcome => {
    const token = new Map<number, string>();
    const flow = new Map<number, string>();
    calls.forEach((call, i) => {
      if (call.token !== null) token.set(i, call.token);
      if (call.flow !== null) flow.set(i, call.flow);
    });
    const all = new Map(flow);
    const alone = new Map<number, string>();
    if (calls.length > 0) for (const i of heldCalls(live.for(trace), events)) alone.set(i, 'held');
    for (const [i, code] of alone) if (!all.has(i)) all.set(i, code);
    return {
      trace,
      stopped: { nothing: new Map(), tokens: token, 'tokens + flow': flow, all, 'behavior alone': alone },
    };
  });
  return { outcomes, observed };
};

const rocRow = (name: string, scored: readonly Scored[], of: (scored: Scored) => number): string => {
  const positives = scored.filter(({ attacked }) => attacked).map(of);
  const negatives = scored.filter(({ attacked }) => !attacked).map(of);
  const at = (rate: number): string => (truePositives(positives, negatives, rate) * 100).toFixed(1);
  return `| ${name} | ${positives.length} | ${negatives.length} | ${areaUnder(positives, negatives).toFixed(3)} | ${at(0.001)} | ${at(0.01)} | ${at(0.05)} |`;
};

const detection = (observed: readonly Observed[], results: string): void => {
  const runs = observed.filter(
    ({ trace }) =>
      trace.defense === 'none' && (trace.kind === 'benign' || (trace.attack_calls ?? []).length > 0),
  );
  for (const split of ['task', 'model'] as const) {
    const scored = scoreAll(runs, split);
    say(`\n### Detection alone, split by ${split}\n`);
    say(
      '| detector | hijacks | benign | AUC | TPR at 0.1 % | at 1 % | at 5 % false alarms |\n| --- | --- | --- | --- | --- | --- | --- |',
    );
    say(rocRow('fused', scored, ({ fused }) => fused));
    say(rocRow('fused, without the words of the request', scored, ({ withoutIntent }) => withoutIntent));
    for (const [i, name] of DETECTORS.entries())
      say(rocRow(name, scored, ({ detectors }) => detectors[i] ?? 0));
    for (const suite of SUITES) {
      say(
        rocRow(
          `fused, ${suite}`,
          scored.filter(({ trace }) => trace.suite === suite),
          ({ fused }) => fused,
        ),
      );
    }
    say(
      rocRow(
        'fused, tasks held out from making the policy',
        scored.filter(({ trace }) => isHeldOut(trace)),
        ({ fused }) => fused,
      ),
    );
    say(
      rocRow(
        'fused, GPT-4o',
        scored.filter(({ trace }) => trace.model === GPT4O),
        ({ fused }) => fused,
      ),
    );
    const points = (of: (scored: Scored) => number): readonly (readonly [number, number])[] =>
      curve(
        scored.filter(({ attacked }) => attacked).map(of),
        scored.filter(({ attacked }) => !attacked).map(of),
      );
    const svg = rocSvg(`Hijacks found, unseen ${split}s`, [
      { name: 'fused', points: points(({ fused }) => fused) },
      { name: 'without intent', points: points(({ withoutIntent }) => withoutIntent) },
      ...(['order', 'provenance', 'novelty'] as const).map((name) => ({
        name,
        points: points(({ detectors }) => detectors[DETECTORS.indexOf(name)] ?? 0),
      })),
    ]);
    writeFileSync(join(results, `eval-roc-${split}.svg`), svg);
  }
};

const main = async (): Promise<void> => {
  const path = tracesPath();
  if (path === undefined) {
    console.error('No traces: set AMBIT_TRACES to the folder that holds agentdojo/tasks.json.');
    process.exitCode = 1;
    return;
  }
  const started = Date.now();
  const results = resolve(dirname(fileURLToPath(import.meta.url)), '../../results');
  if (!existsSync(results)) mkdirSync(results, { recursive: true });
  const set = new TraceSet(path);
  const replayer = new Replayer(set);
  const { outcomes, observed } = await replayAll(set, replayer);
  const undefended = outcomes.filter(({ trace }) => trace.defense === 'none');
  const headline = undefended.filter(
    ({ trace }) => trace.model === GPT4O && (trace.kind === 'benign' || trace.attack === HEADLINE),
  );
  say(
    "## Replay of the recorded AgentDojo runs\n\nPer cent (runs). Attacks: of attacked runs those that reach their goal. Benign: of runs that reached the user's goal those kept whole.\n",
  );
  say(`### GPT-4o, ${HEADLINE}\n`);
  const suites = SUITES.map((suite) =>
    summarise(
      suite,
      headline.filter(({ trace }) => trace.suite === suite),
    ),
  );
  const total = summarise('all', headline);
  const held = summarise(
    'of these, tasks held out',
    headline.filter(({ trace }) => isHeldOut(trace)),
  );
  say(table([...suites, total, held]));
  const groups: Summary[] = [
    summarise(
      'GPT-4o, all attacks',
      undefended.filter(({ trace }) => trace.model === GPT4O),
    ),
  ];
  if (!quick) {
    const others = undefended.filter(({ trace }) => trace.model !== GPT4O);
    const models = [...new Set(others.map(({ trace }) => trace.model))].sort();
    groups.push(
      ...models.map((model) =>
        summarise(
          model,
          others.filter(({ trace }) => trace.model === model),
        ),
      ),
    );
    groups.push(
      ...SUITES.map((suite) =>
        summarise(
          `${suite}, all models`,
          undefended.filter(({ trace }) => trace.suite === suite),
        ),
      ),
    );
    groups.push(
      summarise(
        'all models, tasks developed on',
        undefended.filter(({ trace }) => !isHeldOut(trace)),
      ),
    );
    groups.push(
      summarise(
        'all models, tasks held out',
        undefended.filter(({ trace }) => isHeldOut(trace)),
      ),
    );
    groups.push(
      summarise(
        'all models but GPT-4o, tasks held out',
        others.filter(({ trace }) => isHeldOut(trace)),
      ),
    );
    groups.push(summarise('all models', undefended));
    const defended = outcomes.filter(({ trace }) => trace.defense !== 'none');
    for (const defense of new Set(defended.map(({ trace }) => trace.defense))) {
      groups.push(
        summarise(
          `with ${defense}`,
          defended.filter(({ trace }) => trace.defense === defense),
        ),
      );
    }
    groups.push(summarise('every run', outcomes));
  }
  say('\n### By model and suite, every attack but denial of service\n');
  say(table(groups));
  const without = undefended.filter(
    ({ trace }) => trace.hijacked === true && (trace.attack_calls ?? []).length === 0,
  );
  say(
    `\nHijacks without any call of the attacker's (text alone, or runs cut short): ${String(without.length)}, counted above as reaching their goal under every setting.`,
  );
  say(
    "\n### An attacker who knows the policy (GPT-4o, same runs; tools and flow alone, without budgets and argument patterns)\n\n| the attacker's values come in | attacks that reach their goal |\n| --- | --- |",
  );
  const hijacks = headline.filter(({ trace }) => trace.hijacked === true).map(({ trace }) => trace);
  const attacked = headline.filter(({ trace }) => trace.kind === 'attacked').length;
  for (const way of LAUNDERINGS) {
    const n = laundered(set, replayer, hijacks, way);
    say(`| ${way} | ${((n / attacked) * 100).toFixed(2)} % (${String(n)} of ${String(attacked)}) |`);
  }
  detection(observed, results);
  writeFileSync(
    join(results, 'eval-attacks.svg'),
    barSvg(
      'GPT-4o: attacks that reach their goal, % (95 % Wilson)',
      ['nothing', 'tokens', 'tokens + flow', 'all'],
      [...suites, total].map(({ name, attacks }) => ({
        name,
        values: attacks.map(({ share, wilson: [low, high] }) => ({ share, low, high })),
      })),
      1,
    ),
  );
  writeFileSync(
    join(results, 'eval-benign.svg'),
    barSvg(
      'GPT-4o: benign runs kept whole, % (95 % Wilson)',
      ['nothing', 'tokens', 'tokens + flow', 'all'],
      [...suites, total].map(({ name, whole }) => ({
        name,
        values: whole.map(({ share, wilson: [low, high] }) => ({ share, low, high })),
      })),
      1.1,
    ),
  );
  writeFileSync(join(results, quick ? 'eval-quick.md' : 'eval.md'), `${lines.join('\n')}\n`);
  say(`\n${String(Math.round((Date.now() - started) / 1000))} s`);
};

await main();
