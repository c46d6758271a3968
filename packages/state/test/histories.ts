// Histories of a chain of two counters, as several clients saw them, and whether one order of their steps explains all
// of their answers (linearizability, after Wing and Gong). What was asked and not answered, or answered by a fault,
// may have happened at any time since, or never.
import type { Reservation, Store } from '../src/index.ts';
import { charges, counter } from '../src/testing/make.ts';

const PARENT = 20;
const CHILD = 12;

/** What a client asked: an amount to reserve; how much of its reservation it used; what is left. */
export type Ask =
  | { readonly what: 'reserve'; readonly amount: number }
  | { readonly what: 'settle'; readonly amount: number; readonly used: number }
  | { readonly what: 'left' };
/** `refused`: which counter denied (0 the parent's), and what it had left. */
export type Answer =
  | { readonly is: 'ok' }
  | { readonly is: 'refused'; readonly counter: number; readonly left: number }
  | { readonly is: 'left'; readonly left: readonly number[] }
  | { readonly is: 'maybe' };
export interface Step {
  readonly ask: Ask;
  readonly answer: Answer;
  /** Nanoseconds of the machine's clock, before and after; an answer that never came has none. */
  readonly from: number;
  readonly to: number;
}

/** Numbers that look random, the same for a seed. */
function randomOf(seed: number): (n: number) => number {
  let state = (seed * 2_654_435_761) >>> 0;
  return (n) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return (state >>> 8) % n;
  };
}

const clock = (): number => Number(process.hrtime.bigint());

/** One client's steps; `say` is told of each before it is asked and after it was answered. */
export async function play(
  store: Store,
  name: string,
  seed: number,
  steps: number,
  now: number,
  say: (step: Step) => void,
): Promise<void> {
  const random = randomOf(seed);
  const made = (amount: number) =>
    charges([
      counter(`${name} parent`, amount, PARENT, { expires: now + 3600 }),
      counter(`${name} child`, amount, CHILD, { expires: now + 3600, caveat: 0 }),
    ]);
  const held: { reservation: Reservation; amount: number }[] = [];
  const next = async (): Promise<void> => {
    const choice = random(10);
    const from = clock();
    const done = (ask: Ask, answer: Answer): void => say({ ask, answer, from, to: clock() });
    const begin = (ask: Ask): void => say({ ask, answer: { is: 'maybe' }, from, to: Infinity });
    if (choice < 2) {
      const ask = { what: 'left' } as const;
      const { partitionKey, counters } = made(0);
      const left = await store.budgets.left(partitionKey, counters, now).catch(() => null);
      return left === null ? undefined : done(ask, { is: 'left', left });
    }
    if (choice < 6 && held.length > 0) {
      const { reservation, amount } = held.splice(random(held.length), 1)[0]!;
      const ask = { what: 'settle', amount, used: random(amount + 1) } as const;
      begin(ask);
      const settled = await store.budgets.settle(reservation, [ask.used, ask.used]);
      return done(ask, settled ? { is: 'ok' } : { is: 'maybe' });
    }
    const ask = { what: 'reserve', amount: 1 + random(6) } as const;
    begin(ask);
    const answer = await store.budgets.reserve(made(ask.amount), now);
    if (answer.ok) held.push({ reservation: answer.reservation, amount: ask.amount });
    done(
      ask,
      answer.ok
        ? { is: 'ok' }
        : answer.code === 'budget_exceeded'
          ? { is: 'refused', counter: answer.caveat + 1, left: answer.left! }
          : { is: 'maybe' },
    );
  };
  for (let i = 0; i < steps; i++) await next();
}

/** Steps as they were said, a beginning replaced by its answer where one came. */
export function stepsOf(said: readonly Step[]): readonly Step[] {
  const answered = new Map<string, Step>();
  for (const step of said) {
    const key = `${step.from} ${JSON.stringify(step.ask)}`;
    const known = answered.get(key);
    // A fault's answer says no more than none: it may take effect later.
    const to = step.answer.is === 'maybe' ? Infinity : step.to;
    if (known === undefined || known.answer.is === 'maybe') answered.set(key, { ...step, to });
  }
  return [...answered.values()].sort((a, b) => a.from - b.from);
}

/** How many pairs of steps were under way at the same time. */
export const overlaps = (steps: readonly Step[]): number =>
  steps.reduce((n, a, i) => n + steps.slice(i + 1).filter((b) => b.from < a.to && a.from < b.to).length, 0);

type Used = readonly [parent: number, child: number];

/** What is used after a step, or null if it could not have answered so. */
function after([parent, child]: Used, { ask, answer }: Step): Used | null {
  const left = [PARENT - parent, CHILD - child];
  if (ask.what === 'left')
    return answer.is === 'left' && answer.left.every((n, i) => n === left[i]) ? [parent, child] : null;
  const change = ask.what === 'reserve' ? ask.amount : ask.used - ask.amount;
  if (answer.is === 'refused')
    return left[answer.counter] === answer.left && answer.left < change ? [parent, child] : null;
  return left.every((n) => n >= change) ? [parent + change, child + change] : null;
}

/** Whether one order explains all answers: each step somewhere between its beginning and its end. */
export function isLinearizable(steps: readonly Step[]): boolean {
  const seen = new Set<string>();
  const search = (open: readonly Step[], used: Used): boolean => {
    if (open.every((step) => step.answer.is === 'maybe')) return true;
    const key = `${used.join()} ${open.map((step) => steps.indexOf(step)).join()}`;
    if (seen.has(key)) return false;
    seen.add(key);
    // What ended before another began comes first.
    const first = Math.min(...open.map((step) => step.to));
    return open.some((step) => {
      if (step.from > first) return false;
      const next = after(used, step);
      return (
        next !== null &&
        search(
          open.filter((each) => each !== step),
          next,
        )
      );
    });
  };
  return search(steps, [0, 0]);
}
