// `npm run bench:against -- ../other`: the hot path of this checkout beside that of another one (built, its own
// `bench/dist` there), alternating in one process. Prints how many times as long this one takes: the median of the
// ratios of the same round, with their quartiles. Each checkout brings its own benchmark and its own core, so that
// both must have the names that are called here.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeProvider } from '@ambit/core/node';
import { measure, quantile, ratios, rounds, type Candidate } from './measure.ts';
import * as here from './verify.ts';

type Suite = Pick<typeof here, 'coldBearer' | 'proved'>;

/** The same candidates from either checkout; `side` keeps their names apart. */
const candidates = (suite: Suite, side: string): Candidate[] =>
  [
    suite.coldBearer(10, false),
    suite.coldBearer(10, true),
    suite.proved('session', false, 10, 0, nodeProvider),
    suite.proved('session', false, 10, 8, nodeProvider),
    suite.proved('signed', true, 10, 0, nodeProvider),
    suite.proved('signed', false, 10, 0, nodeProvider),
  ].map((c) => ({ ...c, name: `${side} ${c.name}` }));

async function main(words: readonly string[]): Promise<number> {
  const [other] = words.filter((w) => !w.startsWith('--'));
  if (other === undefined) {
    console.error('bench: name the other checkout: npm run bench:against -- ../other');
    return 2;
  }
  // npm runs this in `bench`; the reader's path is from where npm was called.
  const root = resolve(process.env['INIT_CWD'] ?? '.', other);
  const there = (await import(pathToFileURL(`${root}/bench/dist/verify.js`).href)) as Suite;
  const quick = words.includes('--quick');
  const [ours, theirs] = [candidates(here, 'here'), candidates(there, 'there')];
  // A pair at a time: what twelve candidates leave in the caches of the machine is not what one finds there.
  for (const [i, mine] of ours.entries()) {
    const m = await measure([mine, theirs[i]!], { ...rounds(quick), rounds: quick ? 41 : 161 });
    const [a, b] = [m.get(mine.name)!, m.get(theirs[i]!.name)!];
    const each = ratios(a, b);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(each, q).toFixed(3));
    const us = (x: number): string => x.toFixed(2).padStart(8);
    console.log(
      `${middle} (${low} to ${high})  p10 us ${us(a.p10)} here ${us(b.p10)} there  ${mine.name.slice(5)}`,
    );
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
