// What runs in vitest's worker during mutation testing: first every test of the slice once, noting which mutants each
// comes by; then, again and again, the tests of one mutant, in the process that has everything loaded. A new worker for
// each mutant, as Stryker's own runner for vitest has it, spends most of its time on loading.
//
// Modules keep what they remember, and a mutant may put something false there. So the test that found a mutant is run
// once more without it: if it fails then too, nothing is known, and all modules and tests are loaded anew, which takes
// a fraction of what a new worker does. A test that can't be run twice, since it uses up what its file has made once,
// would make that necessary each time, and is left out.
import { BroadcastChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { collectTests } from '@vitest/runner';
import { TestRunner, vi, type RunnerTestCase, type RunnerTestFile, type RunnerTestSuite } from 'vitest';
import { cut } from './fewer-runs.ts';

interface Stryker {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: unknown;
}

/** One mutant to try. */
export interface Trial {
  readonly mutant: string;
  readonly tests: readonly string[];
  readonly hitLimit: number | undefined;
}

/** What became of it. */
export interface Verdict {
  readonly status: 'killed' | 'survived' | 'timeout';
  readonly by?: string;
  readonly message?: string;
  /** What each test that was run took, in ms of processor time. */
  readonly costs: readonly number[];
}

const shared = globalThis as unknown as { __stryker__?: Stryker; ambitTests?: Map<string, RunnerTestCase> };
const stryker = (shared.__stryker__ ??= {});
const tests = (shared.ambitTests ??= new Map());
let files = 0;

// Every place that a mutant could stand at asks which one is active. Counted, that tells a loop without an end wherever
// it is; Stryker's own count (`hitLimit`) sees only the place of the mutant itself. A test may ask twenty times as often
// as it does without a mutant, and a million times.
const MORE = 20;
const FREELY = 1_000_000;
const asks = new Map<string, number>();
let active: string | undefined;
let asked = 0;
let mayAsk = Infinity;
Object.defineProperty(stryker, 'activeMutant', {
  get(): string | undefined {
    if (++asked > mayAsk) throw new Error('A loop without an end.');
    return active;
  },
  set(mutant: string | undefined) {
    active = mutant;
  },
});

/** A promise that is not settled after the event loop was idle for this long in sum will never be. */
const IDLE_LIMIT = 5000;

/** What `promise` comes to, or an error when nothing is left that could settle it; a busy machine is not idle. */
async function settled<T>(promise: T | PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const start = performance.eventLoopUtilization();
  const idle = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (performance.eventLoopUtilization(start).idle > IDLE_LIMIT) reject(new Error('Nothing happens.'));
    }, 1000);
  });
  try {
    return await Promise.race([promise, idle]);
  } finally {
    clearInterval(timer);
  }
}

// The smallest counterexample is of no use here; and what a run finds, the next one should find again.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true, seed: 1 });

const nameOf = (task: RunnerTestCase | RunnerTestSuite): string =>
  task.suite === undefined ? task.name : `${nameOf(task.suite)} ${task.name}`;
const ids = new WeakMap<RunnerTestCase, string>();
/** File and title; several tests of one title are numbered. */
function idOf(task: RunnerTestCase): string {
  const known = ids.get(task);
  if (known !== undefined) return known;
  const title = `${task.file.name}#${nameOf(task)}`;
  let id = title;
  for (let n = 2; tests.has(id); n++) id = `${title} (${n})`;
  ids.set(task, id);
  return id;
}

async function hooks(suite: RunnerTestSuite | undefined, when: 'beforeEach' | 'afterEach'): Promise<void> {
  if (suite === undefined) return;
  if (when === 'beforeEach') await hooks(suite.suite, when);
  // Hooks of these suites take no context.
  for (const hook of TestRunner.getSuiteHooks(suite)[when]) await (hook as () => unknown)();
  if (when === 'afterEach') await hooks(suite.suite, when);
}

/** Runs one test; its error, or null. */
async function run(task: RunnerTestCase): Promise<Error | null> {
  const suite = task.suite ?? task.file;
  let failure: unknown = null;
  try {
    await hooks(suite, 'beforeEach');
    await settled(TestRunner.getTestFn(task)());
  } catch (error) {
    failure = error ?? 'nothing';
  }
  try {
    await hooks(suite, 'afterEach');
  } catch (error) {
    failure ??= error;
  }
  return failure === null || failure instanceof Error ? failure : new Error(String(failure));
}

/** Processor time so far, in ms: on a busy machine a clock says little of what a test costs. */
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function attempt({
  mutant,
  tests: ids,
  hitLimit,
}: Trial): Promise<Verdict & { readonly spoiled?: true }> {
  const costs: number[] = [];
  for (const id of ids) {
    const task = tests.get(id);
    if (task === undefined) continue;
    stryker.hitCount = hitLimit === undefined ? undefined : 0;
    stryker.hitLimit = hitLimit;
    stryker.activeMutant = mutant;
    asked = 0;
    mayAsk = MORE * (asks.get(id) ?? 0) + FREELY;
    const before = spent();
    const error = await run(task);
    costs.push(spent() - before);
    const endless = asked > mayAsk || (hitLimit !== undefined && (stryker.hitCount ?? 0) > hitLimit);
    stryker.activeMutant = undefined;
    stryker.hitLimit = undefined;
    mayAsk = Infinity;
    if (error === null) continue;
    if (endless) return { status: 'timeout', costs };
    const verdict = { status: 'killed', by: id, message: error.message, costs } as const;
    return (await run(task)) === null ? verdict : { ...verdict, spoiled: true };
  }
  return { status: 'survived', costs };
}

/** The verdict on a mutant; `reload` loads modules and tests anew. */
async function judge(trial: Trial, reload: () => Promise<void>): Promise<Verdict> {
  const first = await attempt(trial);
  if (first.spoiled === undefined) return first;
  await reload();
  const second = await attempt(trial);
  // In modules that have seen no other mutant, whatever fails fails because of this one.
  if (second.spoiled !== undefined) await reload();
  return second;
}

/** What each test took in the first run; while it runs, when it began. */
const took = new Map<string, number>();

const casesIn = (suite: RunnerTestSuite): RunnerTestCase[] =>
  suite.tasks.flatMap((task) => (task.type === 'suite' ? casesIn(task) : [task]));

/** vitest's runner, with the loop after the last file. */
export default class extends TestRunner {
  onCollected(collected: RunnerTestFile[]): void {
    for (const task of collected.flatMap(casesIn)) {
      if (task.mode === 'skip' || task.mode === 'todo') continue;
      tests.set(idOf(task), task);
      // A worker that takes the place of a spoiled one: what each test takes and comes by is known.
      if (process.env['AMBIT_SLICE_KNOWN'] === '1') task.mode = 'skip';
    }
  }

  async #reload(): Promise<void> {
    const paths = new Set([...tests.values()].map((t) => t.file.filepath));
    vi.resetModules();
    tests.clear();
    this.onCollected(await collectTests([...paths], this));
  }

  override onBeforeTryTask(test: RunnerTestCase): void {
    super.onBeforeTryTask(test);
    stryker.currentTestId = idOf(test);
    took.set(idOf(test), spent());
  }

  override onAfterTryTask(test: RunnerTestCase): void {
    super.onAfterTryTask(test);
    stryker.currentTestId = undefined;
    took.set(idOf(test), spent() - (took.get(idOf(test)) ?? 0));
  }

  // vitest waits for what this gives (`VitestRunner.onAfterRunFiles`), though its own class gives nothing.
  // oxlint-disable-next-line typescript/no-misused-promises
  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles();
    if (++files < Number(process.env['AMBIT_SLICE_FILES'])) return;
    const twice = new Set<string>();
    if (process.env['AMBIT_SLICE_KNOWN'] !== '1')
      for (const [id, task] of tests) {
        asked = 0;
        if ((await run(task)) === null) twice.add(id);
        asks.set(id, asked);
      }
    const channel = new BroadcastChannel('ambit-mutation');
    await new Promise<void>((resolve) => {
      channel.onmessage = (event): void => {
        const { data } = event as { data: Trial | 'end' };
        if (data === 'end') resolve();
        else
          void judge(data, () => this.#reload()).then(
            (verdict) => channel.postMessage({ verdict }),
            (error: unknown) => channel.postMessage({ verdict: { failed: String(error) } }),
          );
      };
      channel.postMessage({
        coverage: stryker.mutantCoverage,
        tests: [...tests].map(([id, t]) => ({
          id,
          name: nameOf(t),
          fileName: t.file.filepath,
          passed: t.result?.state === 'pass',
          cut: cut.has(id),
          twice: twice.has(id),
          message: t.result?.errors?.[0]?.message,
          timeSpentMs: took.get(id) ?? 0,
        })),
      });
    });
    channel.close();
  }
}
