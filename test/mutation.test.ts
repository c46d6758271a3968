// What `npm run mutation` stands on (test/mutation): its slices name files that exist, and a run that is cut short
// keeps what it has found.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { Keeper, toTryAgain, type Mutant, type Report } from './mutation/keep.mjs';
import { scoreOf, summary } from './mutation/report.mjs';
import { otherPackages, slice, SLICES } from './mutation/slices.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

test.each(Object.keys(SLICES))('the slice %s names files that exist', (name) => {
  const { mutate, tests } = slice(name);
  expect(tests.length).toBeGreaterThan(0);
  for (const file of tests) expect(existsSync(join(ROOT, file)), file).toBe(true);
  for (const pattern of mutate) {
    const folder = readdirSync(join(ROOT, dirname(pattern)));
    const found = pattern.endsWith('/*.ts') ? folder.filter((f) => f.endsWith('.ts')) : [pattern];
    expect(found.length, pattern).toBeGreaterThan(0);
    if (!pattern.includes('*')) expect(existsSync(join(ROOT, pattern)), pattern).toBe(true);
  }
  expect(otherPackages(slice(name).package)).not.toContain(`packages/${slice(name).package}`);
});

it('says which slices there are when it is asked for another', () => {
  for (const name of ['', 'nothing', 'toString', '__proto__'])
    expect(() => slice(name)).toThrow('there are: verify,');
});

test('slices are read in a copy that has no other package, as Stryker makes one', async () => {
  const copy = join(mkdtempSync(join(tmpdir(), 'ambit-mutation-')), 'test/mutation');
  mkdirSync(copy, { recursive: true });
  copyFileSync(join(ROOT, 'test/mutation/slices.mjs'), join(copy, 'slices.mjs'));
  const read = (await import(pathToFileURL(join(copy, 'slices.mjs')).href)) as { slice: typeof slice };
  expect(read.slice('audit:note')).toEqual(slice('audit:note'));
});

const FILE = 'packages/core/src/fold.ts';
const at = (line: number): Mutant['location'] => ({ start: { line, column: 1 }, end: { line, column: 10 } });
const mutant = (id: string, status: string, line = 3): Mutant => ({
  id,
  fileName: join(process.cwd(), FILE),
  status,
  mutatorName: 'BooleanLiteral',
  replacement: 'false',
  location: at(line),
});

describe('a run that is cut short', () => {
  const fresh = (): string => join(mkdtempSync(join(tmpdir(), 'ambit-mutation-')), 'deeper', 'slice.json');
  const read = (file: string): Report => JSON.parse(readFileSync(file, 'utf8')) as Report;
  // One killed, one survived, two that it did not come to.
  function cutShort(file: string): Keeper {
    const keeper = new Keeper(file);
    keeper.save();
    expect(existsSync(file)).toBe(false);
    keeper.tests([{ id: 'a.test.ts#b', name: 'b', fileName: join(process.cwd(), 'test/mutation.test.ts') }]);
    // Places in a plan count from 0.
    const { status: _, ...planned } = mutant('', '');
    keeper.plan([
      mutant('1', 'Killed'),
      ...['2', '3', '4'].map((id) => ({ ...planned, id, location: at(1) })),
    ]);
    keeper.add(mutant('2', 'Survived'));
    keeper.save();
    return keeper;
  }
  function kept(): Report {
    const file = fresh();
    cutShort(file);
    return read(file);
  }
  const statuses = (r: Report): (string | undefined)[] =>
    ['1', '2', '3', '4'].map((id) => r.files[FILE]!.mutants.find((m) => m.id === id)?.status);

  it('keeps each result that it had, and which mutants it did not come to', () => {
    const file = fresh();
    const keeper = cutShort(file);
    expect(statuses(read(file))).toEqual(['Killed', 'Survived', 'Pending', 'Pending']);
    expect(read(file).files[FILE]!.source).toBe(readFileSync(join(ROOT, FILE), 'utf8'));
    expect(read(file).files[FILE]!.mutants.find((m) => m.id === '3')!.location.start).toEqual({
      line: 2,
      column: 2,
    });
    keeper.add(mutant('3', 'NoCoverage'));
    keeper.done();
    keeper.save();
    expect(statuses(read(file))).toEqual(['Killed', 'Survived', 'Pending', 'Pending']);
  });

  it('is gone on with: what was killed counts, the rest is tried again', () => {
    expect(statuses(toTryAgain(kept(), () => true))).toEqual(['Killed', undefined, undefined, undefined]);
    expect(statuses(toTryAgain(kept(), (f) => f.includes('verifier')))).toEqual(statuses(kept()));
  });

  it('is reported as what it is', () => {
    expect(scoreOf(kept())).toBe(50);
    const lines = summary('fold', kept());
    expect(lines).toContain(`${FILE}:3  `);
    expect(lines).toContain(`  50.0 %  ${FILE}: 1 of 2`);
    expect(lines).toContain('fold: 50.0 %, 2 mutants not tried yet');
    expect(scoreOf({ files: {} })).toBe(100);
  });
});
