// Warnings of budgets that are nearly used up: an event, an alert in the log, and a word to the caller, once for each
// window of a counter, however many processes share it. Whoever finds a budget past its threshold claims the
// warning in the store, as `once` is claimed; who comes second is silent. It costs a second trip to the store at the
// first call past the threshold, in each process, and none before or after. A warning decides nothing: what fails here is
// reported as a fault, and asked again at the next call.
import { encodeCbor, LABELS, sha256, toBase64url, type CounterCharge, type NonceClaim } from '@ambit/core';
import { fromToken } from '@ambit/audit';
import type { Allowed, BudgetWarning, GuardOptions } from './contract.ts';
import { LATE, within } from './deadline.ts';
import { quietly } from './quietly.ts';

/** Warnings that this process has seen given; the oldest are forgotten, and are then asked of the store again. */
const SEEN = 10_000;

/** The warnings that an allowed call gives; `record` is its decision's. Never rejects. */
export type Warn = (allowed: Allowed, record: number) => Promise<readonly BudgetWarning[]>;

const NONE: readonly BudgetWarning[] = Object.freeze([]);

/** Null for a threshold, or none; else what was expected instead. */
export const warnAtProblem = (percent: number | undefined): string | null =>
  percent === undefined || (percent > 0 && percent <= 100)
    ? null
    : 'expected a percentage above 0 and up to 100, such as 80';

export function createWarn(options: GuardOptions, timeout: number, fault: (error: unknown) => void): Warn {
  const { store, audit, identity } = options;
  const wrong = warnAtProblem(options.warnAt);
  if (wrong !== null) throw new RangeError(`warnAt: ${wrong}`);
  const seen = new Set<string>();

  const thresholdOf = ({ view }: Allowed): number | null =>
    identity?.operators.get(view.operator.id)?.operator.config.warn ?? options.warnAt ?? null;

  // Whether this process is the one that warns. A fault leaves it open.
  async function claimed({ authorized: { charges } }: Allowed, claim: NonceClaim): Promise<boolean> {
    if (seen.has(claim.id)) return false;
    if (seen.size >= SEEN) seen.delete(seen.values().next().value!);
    seen.add(claim.id);
    const alone = { ...charges, counters: [], once: [claim], replay: null, sequence: null };
    const answer = await within(store.budgets.reserve(alone, secondsNow(options)), timeout);
    if (answer !== LATE && (answer.ok || answer.code === 'once_used')) return answer.ok;
    seen.delete(claim.id);
    return false;
  }

  function tell(allowed: Allowed, record: number, warning: BudgetWarning): Promise<unknown> {
    quietly(() => options.onWarning?.(warning), fault);
    const { token: _, ...who } = fromToken(allowed.view, options.personal);
    const score = Math.min(1000, Math.floor(((warning.limit - warning.left) / warning.limit) * 1000));
    return within(
      audit.record({
        kind: 'alert',
        ...who,
        alert: { detector: 'budget', action: 'warned', score, evidence: [record] },
        reason: `${warning.left} left of a budget of ${warning.limit} ${warning.argument ?? warning.unit}`,
      }),
      timeout,
    );
  }

  return async (allowed, record) => {
    const { reservation, charges } = allowed.authorized;
    const percent = reservation === null ? null : thresholdOf(allowed);
    if (reservation === null || percent === null) return NONE;
    const warnings: BudgetWarning[] = [];
    for (let i = 0; i < charges.counters.length; i++) {
      const c = charges.counters[i]!;
      const left = reservation.left[i]!;
      if (((c.limit - left) / c.limit) * 100 < percent) continue;
      try {
        if (!(await claimed(allowed, claimOf(c, reservation.starts[i]!, percent)))) continue;
        const warning = warningOf(c, left);
        warnings.push(warning);
        await tell(allowed, record, warning);
      } catch (error) {
        fault(error);
      }
    }
    return warnings.length === 0 ? NONE : Object.freeze(warnings);
  };
}

const secondsNow = ({ nowMs = Date.now }: GuardOptions): number => Math.floor(nowMs() / 1000);

// A sliding window has no end: one warning for each stretch of the clock as long as it is.
function claimOf(c: CounterCharge, start: number, percent: number): NonceClaim {
  const period = c.window === 0 ? 0 : Math.floor(start / c.window);
  const name = encodeCbor(['warned', c.id, period, Math.floor(percent)]);
  const expires = c.window === 0 ? c.expires : (period + 1) * c.window;
  return { id: toBase64url(sha256(LABELS.counter.bytes, name)), expires, caveat: -1 };
}

function warningOf(c: CounterCharge, left: number): BudgetWarning {
  const { unit, limit, caveat, window } = c;
  return Object.freeze({
    unit,
    ...(c.argument === undefined ? {} : { argument: c.argument }),
    limit,
    left,
    caveat,
    ...(window === 0 || c.step > 0 ? {} : { resets: c.windowStart + window }),
  });
}
