// What runs in vitest's worker during mutation testing: first every test of the slice once, noting which mutants each
// comes by; then, again and again, the tests of one mutant, in the process that has everything loaded. A new worker for
// each mutant, as Stryker's own runner for vitest has it, spends most of its time on loading.
//
// Modules keep what they remember, and a mutant may put something false there. So the test that found a mutant is run
// once more without it: if it fails then too, nothing is known, and the worker is given up ("spoiled").
import { BroadcastChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { TestRunner, type RunnerTestCase, type RunnerTestFile, type RunnerTestSuite } from 'vitest';

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
  readonly status: 'killed' | 'survived' | 'timeout' | 'spoiled';
  readonly by?: string;
  readonly message?: string;
  readonly ran: number;
}

const shared = globalThis as unknown as { __stryker__?: Stryker; ambitTests?: Map<string, RunnerTestCase> };
const stryker = (shared.__stryker__ ??= {});
const tests = (shared.ambitTests ??= new Map());
let files = 0;

// The smallest counterexample is of no use here.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });

const nameOf = (task: RunnerTestCase | RunnerTestSuite): string =>
  task.suite === undefined ? task.name : `${nameOf(task.suite)} ${task.name}`;
/** Several tests of one title count as one. */
const idOf = (task: RunnerTestCase): string => `${task.file.name}#${nameOf(task)}`;

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
  try {
    await hooks(suite, 'beforeEach');
    await TestRunner.getTestFn(task)();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await hooks(suite, 'afterEach');
  }
}

async function judge({ mutant, tests: ids, hitLimit }: Trial): Promise<Verdict> {
  let ran = 0;
  for (const id of ids) {
    const task = tests.get(id);
    if (task === undefined) continue;
    stryker.hitCount = hitLimit === undefined ? undefined : 0;
    stryker.hitLimit = hitLimit;
    stryker.activeMutant = mutant;
    ran++;
    const error = await run(task);
    const endless = hitLimit !== undefined && (stryker.hitCount ?? 0) > hitLimit;
    stryker.activeMutant = undefined;
    stryker.hitLimit = undefined;
    if (error === null) continue;
    if (endless) return { status: 'timeout', ran };
    if ((await run(task)) !== null) return { status: 'spoiled', ran };
    return { status: 'killed', by: id, message: error.message, ran };
  }
  return { status: 'survived', ran };
}

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

  override onBeforeTryTask(test: RunnerTestCase): void {
    super.onBeforeTryTask(test);
    stryker.currentTestId = idOf(test);
  }

  override onAfterTryTask(test: RunnerTestCase): void {
    super.onAfterTryTask(test);
    stryker.currentTestId = undefined;
  }

  // vitest waits for what this gives (`VitestRunner.onAfterRunFiles`), though its own class gives nothing.
  // oxlint-disable-next-line typescript/no-misused-promises
  override async onAfterRunFiles(): Promise<void> {
    super.onAfterRunFiles();
    if (++files < Number(process.env['AMBIT_SLICE_FILES'])) return;
    const channel = new BroadcastChannel('ambit-mutation');
    await new Promise<void>((resolve) => {
      channel.onmessage = (event): void => {
        const { data } = event as { data: Trial | 'end' };
        if (data === 'end') resolve();
        else void judge(data).then((verdict) => channel.postMessage({ verdict }));
      };
      channel.postMessage({
        coverage: stryker.mutantCoverage,
        tests: [...tests].map(([id, t]) => ({
          id,
          name: nameOf(t),
          fileName: t.file.filepath,
          passed: t.result?.state === 'pass',
          message: t.result?.errors?.[0]?.message,
          timeSpentMs: t.result?.duration ?? 0,
        })),
      });
    });
    channel.close();
  }
}
