// `pattern`: a text that the whole pattern matches. Automata are built for a call that has the argument, are paid for
// by that call, and live in one cache for all tokens, keyed by their pattern's text: a holder can append hundreds of
// patterns of a thousand states to its token, and none of them may cost anything before or after its call (law L16).
import { BoundedMap } from '../bounded-map.ts';
import { CACHES } from '../limits.ts';
import { Matcher } from './automaton.ts';
import type { Check, Kind, Work } from './check.ts';
import { spend, TOO_LONG } from './check.ts';
import { STEPS } from './steps.ts';
import type { PatternConstraint } from './kinds.ts';
import { printable } from './text.ts';
import { countStates } from './thompson.ts';

const MATCHERS = new BoundedMap<Matcher>(CACHES.patterns);

/** The compiled form of a sound pattern: a known one, or a new one. */
function matcherOf(pattern: string): Matcher {
  let matcher = MATCHERS.get(pattern);
  if (matcher === undefined) {
    matcher = new Matcher(pattern);
    MATCHERS.set(pattern, matcher, matcher.weight);
  }
  return matcher;
}

/** Bytes that compiled patterns take together. */
export const patternBytes = (): number => MATCHERS.weight;

/** What is wrong with a pattern, or null. */
export function patternProblem(pattern: unknown): string | null {
  if (typeof pattern !== 'string') return 'pattern: expected a text';
  // Counted, not built: a token is parsed before its proof is checked, and anyone who has its bytes can append a
  // thousand patterns of a thousand states each (law L8).
  const states = countStates(pattern);
  return typeof states === 'string' ? `pattern: ${states}` : null;
}

/** `pattern`: a text that the whole pattern matches. */
export const pattern: Kind<PatternConstraint> = {
  code: 5,
  fields: ['pattern'],
  problem: (constraint) => patternProblem(constraint.pattern),
  phrase: (constraint) => `must match "${printable(constraint.pattern)}"`,
  write: (constraint) => [constraint.pattern],
  read([text, ...more]) {
    return typeof text === 'string' && more.length === 0 ? { kind: 'pattern', pattern: text } : null;
  },
  compile(constraint): Check {
    let states = 0;
    return (value, work?: Work) => {
      if (typeof value !== 'string') return pattern.phrase(constraint);
      if (states === 0) states = Number(countStates(constraint.pattern));
      // The worst case is charged, not the actual one, so that an answer never depends on earlier calls: building
      // every state, and every character against every state.
      const looks = value.length + 1;
      const build = STEPS.pattern + STEPS.unit * constraint.pattern.length + STEPS.state * states;
      if (!spend(work, build + (looks + Math.min(looks, STEPS.tabled)) * states)) return TOO_LONG;
      return matcherOf(constraint.pattern).test(value) ? null : pattern.phrase(constraint);
    };
  },
};
