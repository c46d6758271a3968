// A test runner for Stryker over one vitest worker that stays (worker.ts).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { BroadcastChannel } from 'node:worker_threads';
import { createVitest } from 'vitest/node';

const SUCCESS = 0;
const FAILED = 1;
/** A test that takes more of the slice's time than this, or more ms, is left out: what it alone notices wants a quicker test. */
const LARGEST_SHARE = 0.2;
const LARGEST = 400;
/** In the copy of the project that is mutated: what each test takes. */
const COSTS = 'mutation-costs.json';

class WarmRunner {
  static inject = [];
  #vitest;
  #channel;
  #running;
  #answer = () => {};
  #first;
  #cost = new Map();
  #chance = new Map();

  capabilities() {
    // Stryker asks for a fresh start before and after each mutant of what also ran when a module was loaded, and would
    // start another process for it. Not needed: a mutant is active only while its tests run.
    return { reloadEnvironment: true };
  }

  async init() {
    process.env.NODE_ENV = 'test';
    process.env.VITEST = '1';
    // Stryker starts another process for a mutant that does not end.
    if (existsSync(COSTS)) {
      this.#cost = new Map(JSON.parse(readFileSync(COSTS, 'utf8')));
      process.env.AMBIT_SLICE_KNOWN = '1';
    }
    await this.#start();
  }

  // Starts the worker and waits for the first run of all tests.
  async #start() {
    this.#channel = new BroadcastChannel('ambit-mutation');
    const first = new Promise((resolve, reject) => {
      this.#channel.onmessage = ({ data }) => {
        if (data.verdict === undefined) resolve(data);
        else this.#answer(data.verdict);
      };
      this.#running = createVitest('test', {
        config: 'test/mutation/vitest.config.ts',
        watch: false,
        reporters: [{}],
        onConsoleLog: () => false,
      })
        .then((vitest) => {
          this.#vitest = vitest;
          return vitest.start();
        })
        .then(() => reject(new Error('The tests ended without an answer.')), reject);
    });
    this.#first = await first;
    if (process.env.AMBIT_SLICE_KNOWN === '1') return;
    const all = this.#first.tests.reduce((sum, t) => sum + t.timeSpentMs, 0);
    const largest = Math.min(LARGEST_SHARE * all, LARGEST);
    const leftOut = [];
    for (const { id, passed, twice, timeSpentMs } of this.#first.tests) {
      const why = !passed ? 'not enough runs' : !twice ? 'not twice' : 'too slow';
      if (passed && twice && timeSpentMs <= largest) this.#cost.set(id, timeSpentMs);
      else leftOut.push(`left out, ${why}: ${id}\n`);
    }
    writeFileSync(process.env.AMBIT_SLICE_LEFT_OUT, leftOut.join(''));
    writeFileSync(COSTS, JSON.stringify([...this.#cost]));
    process.env.AMBIT_SLICE_KNOWN = '1';
  }

  async #stop() {
    this.#channel.postMessage('end');
    await this.#running;
    this.#channel.close();
    await this.#vitest.close();
  }

  dryRun() {
    const { tests, coverage } = this.#first;
    return Promise.resolve({
      status: 'complete',
      mutantCoverage: coverage,
      tests: tests.map(({ id, name, fileName, passed, cut, message, timeSpentMs }) => ({
        id,
        name,
        fileName,
        timeSpentMs,
        // One that fails because its law was held against too few values is left out.
        status: passed || cut ? SUCCESS : FAILED,
        ...(passed || cut ? {} : { failureMessage: message ?? 'failed' }),
      })),
    });
  }

  #judge(trial) {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#channel.postMessage(trial);
    });
  }

  // What a test costs, and how often it found something lately: neighbours fall to the same tests.
  #rank(id) {
    return this.#cost.get(id) / (0.01 + (this.#chance.get(id) ?? 0));
  }

  #learn(tests, { by, costs }) {
    for (const [i, cost] of costs.entries()) {
      const id = tests[i];
      this.#cost.set(id, 0.7 * this.#cost.get(id) + 0.3 * cost);
      this.#chance.set(id, 0.9 * (this.#chance.get(id) ?? 0) + (id === by ? 0.1 : 0));
    }
  }

  /** The tests first that find most for what they cost: the first that fails ends the trial. */
  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    const tests = (testFilter ?? [...this.#cost.keys()])
      .filter((id) => this.#cost.has(id))
      .toSorted((a, b) => this.#rank(a) - this.#rank(b));
    const trial = { mutant: activeMutant.id, tests, hitLimit };
    const verdict = await this.#judge(trial);
    // Stryker starts another process, and tries once more.
    if (verdict.failed !== undefined) throw new Error(verdict.failed);
    this.#learn(tests, verdict);
    const { status, by, message } = verdict;
    const ran = verdict.costs.length;
    if (status === 'killed') return { status, killedBy: [by], failureMessage: message, nrOfTests: ran };
    return status === 'survived'
      ? { status, nrOfTests: ran }
      : { status, reason: 'it goes round in circles' };
  }

  dispose() {
    return this.#stop();
  }
}

export const strykerPlugins = [{ kind: 'TestRunner', name: 'warm', injectableClass: WarmRunner }];
