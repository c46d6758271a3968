// A fuzzer for cost beside the one for crashes: it searches for inputs that are slow or fat for their size. It changes
// what was dearest so far (constraint, value, size) and keeps what is dearer, in CPU time against a yardstick of the
// same run and in steps left; a find is a pair above three yardsticks. The long run (AMBIT_LONG=1) tries 20,000.
import { expect, it } from 'vitest';
import { Arguments, compileArgs, compileConstraint } from '../src/args/index.ts';
import type { Constraint, Json } from '../src/args/index.ts';
import { cpu, HEAVY, SHAPES } from './cost-cases.ts';
import { LONG } from './sample.ts';

/** Numbers from a seed (xorshift), below `n`. */
function numbers(seed: number): (n: number) => number {
  let x = seed;
  return (n) => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) % n;
  };
}

const PIECES = [
  'a',
  'A',
  '7',
  '.',
  '/',
  '..',
  '%2e',
  ';',
  ':',
  '@',
  '-',
  '\u0300',
  '\u0316',
  '\ufdfa',
  '\uff9e',
  '\u1100\u1161',
  '\u{1d165}',
  '{}',
  '"',
  '\\',
  ' ',
  'https://',
  '/srv/',
  '10.0.0.',
  '::',
  'xn--',
];

it('K2 to K4 nothing found is dearer than its steps', { timeout: 3_600_000 }, () => {
  const pick = numbers(LONG ? (Date.now() | 1) >>> 0 : 88_172_645);
  const full = compileConstraint({ kind: 'pattern', pattern: '[ab]*a[ab]{1000}' });
  const text = 'ab'.repeat(2000);
  full(text);
  const yardstick = cpu(() => full(text), 5);
  const shapes = Object.values(SHAPES);
  const leaves = HEAVY.map(([, c]) => c);
  const change = (c: Constraint): Constraint => {
    const other = leaves[pick(leaves.length)]!;
    const way = pick(4);
    if (way === 0) return other;
    if (way === 1 && c.kind !== 'each')
      return { kind: 'each', constraint: other.kind === 'each' ? other.constraint : other };
    if (way === 2) return { kind: 'all', constraints: [c, other] };
    return c.kind === 'all' ? c.constraints[pick(c.constraints.length)]! : c;
  };
  const value = (): unknown => {
    const size = 1000 + pick(60_000);
    if (pick(2) === 0) return shapes[pick(shapes.length)]!(size);
    const unit = Array.from({ length: 1 + pick(6) }, () => PIECES[pick(PIECES.length)]!).join('');
    const part = unit.repeat(Math.max(1, Math.floor(size / 6 / unit.length)));
    return pick(3) === 0 ? Array.from({ length: 1 + pick(40) }, () => part.slice(0, 1 + pick(400))) : part;
  };
  let dearest: Constraint = leaves[0]!;
  let most = 0;
  let tried = 0;
  for (let i = 0; i < (LONG ? 20_000 : 150); i++) {
    const constraint = change(dearest);
    let check: ReturnType<typeof compileArgs>;
    try {
      check = compileArgs(new Map([['x', constraint]]), false);
    } catch {
      continue; // Nested too deep.
    }
    const args = Arguments.from({ x: value() as Json });
    if (!Arguments.is(args)) continue;
    tried++;
    const cost = cpu(() => check(args.value), 1);
    if (cost > most) [most, dearest] = [cost, constraint];
    // Three at once, since a busy machine makes one look dear.
    if (cost > 5 * yardstick)
      expect(
        cpu(() => check(args.value), 3) / yardstick,
        JSON.stringify(constraint).slice(0, 300),
      ).toBeLessThan(5);
  }
  expect(tried).toBeGreaterThan(LONG ? 10_000 : 75);
});
