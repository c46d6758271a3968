// A reporter of Stryker that keeps what a run has found while it is still running. Stryker itself writes its
// incremental file when a run ends; a run of hours that is cut short would leave nothing. This one writes the same
// file (mutation testing's report schema) once a minute and when the process exits.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';

const EVERY = 60_000;

const place = (file) => (file === undefined ? '' : relative(process.cwd(), file).replaceAll('\\', '/'));
const source = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

// Places in plans count from 0, those in reports from 1.
const fromOne = ({ start, end }) => ({
  start: { line: start.line + 1, column: start.column + 1 },
  end: { line: end.line + 1, column: end.column + 1 },
});

/** Collects results and writes them as a report, in one step, to `file`. */
export class Keeper {
  #file;
  #tests = {};
  #files = {};
  #dirty = false;

  constructor(file) {
    this.#file = file;
  }

  /** The tests of the first run, which the mutants' `coveredBy` and `killedBy` speak of. */
  tests(all) {
    for (const { id, name, fileName } of all) {
      this.#tests[place(fileName)] ??= {
        source: fileName === undefined ? undefined : source(fileName),
        tests: [],
      };
      this.#tests[place(fileName)].tests.push({ id, name });
    }
  }

  /** All mutants that there are: as what the last run found, or as not tried yet. */
  plan(mutants) {
    for (const m of mutants) this.add({ ...m, location: fromOne(m.location), status: m.status ?? 'Pending' });
  }

  /** One mutant's result, in the place of what was said of it before. */
  add({ fileName, ...mutant }) {
    this.#files[place(fileName)] ??= { language: 'typescript', source: source(fileName), mutants: new Map() };
    this.#files[place(fileName)].mutants.set(mutant.id, mutant);
    this.#dirty = true;
  }

  /** Writes what is new. The file is whole at every moment: it takes the old one's place by a rename. */
  save() {
    if (!this.#dirty) return;
    this.#dirty = false;
    const report = {
      schemaVersion: '1.0',
      thresholds: { high: 90, low: 80 },
      files: Object.fromEntries(
        Object.entries(this.#files).map(([name, f]) => [name, { ...f, mutants: [...f.mutants.values()] }]),
      ),
      testFiles: this.#tests,
    };
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, JSON.stringify(report));
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** From here on the file is Stryker's. */
  done() {
    this.#dirty = false;
  }
}

class KeepReporter {
  static inject = ['options'];
  #keeper;
  #timer;

  constructor(options) {
    this.#keeper = new Keeper(options.incrementalFile);
    this.#timer = setInterval(() => this.#keeper.save(), EVERY).unref();
    process.on('exit', () => this.#keeper.save());
  }

  onDryRunCompleted({ result }) {
    this.#keeper.tests(result.tests);
  }

  onMutationTestingPlanReady({ mutantPlans }) {
    this.#keeper.plan(mutantPlans.map((p) => p.mutant));
  }

  onMutantTested(result) {
    this.#keeper.add(result);
  }

  onMutationTestReportReady() {
    clearInterval(this.#timer);
    this.#keeper.done();
  }
}

export const strykerPlugins = [{ kind: 'Reporter', name: 'keep', injectableClass: KeepReporter }];

/** Takes out of a kept report what the next run tries again in these files: all but the mutants that were killed. */
export function toTryAgain(report, isMutated) {
  const files = Object.entries(report.files).map(([name, f]) => [
    name,
    isMutated(name) ? { ...f, mutants: f.mutants.filter((m) => m.status === 'Killed') } : f,
  ]);
  return { ...report, files: Object.fromEntries(files) };
}
