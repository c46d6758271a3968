// What a caller gets: a permit for one call, whose `finish` settles what was charged and hands the outcome to the
// journal; or a refusal. And the way back for charges: what can't be given back stays spent, which can waste
// budget and never make any (law L10).
import { AmbitError, forCaller, type CounterCharge, type Denial } from '@ambit/core';
import type { Prices } from '@ambit/identity';
import { isAmount } from './amount.ts';
import type { Authorized, Budgets } from '@ambit/state';
import type { Allowed, BudgetWarning, CallOutcome, GuardOptions, Permit, Refusal } from './contract.ts';
import { within } from './deadline.ts';
import type { Journal } from './journal.ts';
import { quietly } from './quietly.ts';
import type { Instruments, Span } from './telemetry.ts';

/** What permits work with. */
export interface PermitParts {
  readonly options: GuardOptions;
  readonly charges: Charges;
  readonly journal: Journal;
  readonly telemetry: Instruments;
  readonly fault: (error: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** The permit for an allowed call, which is recorded at `record`. */
export function permitOf(
  { options, charges, journal, telemetry, fault, clock }: PermitParts,
  allowed: Allowed,
  record: number,
  span: Span | null,
  warnings: readonly BudgetWarning[],
): Permit {
  const { call, view, authorized, started } = allowed;
  let finished = false;
  let reported: Partial<CallOutcome> = {};
  return Object.freeze({
    ok: true as const,
    call,
    view,
    record,
    warnings,
    report: (outcome: Partial<CallOutcome>) => {
      reported = { ...reported, ...outcome };
    },
    ingest: (value: unknown) => quietly(() => options.observer?.ingested(view, call, value, record), fault),
    finish: async (seen: CallOutcome) => {
      if (finished) return;
      finished = true;
      const outcome = { ...seen, ...reported };
      const milliseconds = Math.max(0, clock() - started);
      telemetry.outcome(span, call.tool, outcome.status, milliseconds);
      quietly(() => options.observer?.ended(view, call, outcome, record), fault);
      journal.outcome(allowed, record, outcome, milliseconds);
      await charges.settle(authorized, outcome, allowed.prices);
    },
  });
}

/** The refusal for a denial. */
export const refusalOf = (denial: Denial, record: number | null, cause?: string): Refusal =>
  Object.freeze({
    ok: false as const,
    denial,
    publicDenial: forCaller(denial),
    cause: cause ?? null,
    record,
  });

/** The way back for what was charged. Neither rejects. */
export interface Charges {
  /** The call does not run: everything is given back. */
  readonly release: (authorized: Authorized) => Promise<void>;
  /** The call ran: what `bytes` and `cost` budgets were charged beyond its outcome is given back. */
  readonly settle: (authorized: Authorized, outcome: CallOutcome, prices: Prices) => Promise<void>;
}

/** `timeout`: milliseconds that the store may take. `fault` is told what went wrong in settling. */
export function chargesIn(budgets: Budgets, timeout: number, fault: (error: unknown) => void): Charges {
  return {
    release: async ({ reservation }) => {
      if (reservation === null) return;
      try {
        await within(budgets.release(reservation), timeout);
      } catch (error) {
        // It stays spent.
        fault(error);
      }
    },
    settle: async ({ reservation, charges: { counters } }, outcome, prices) => {
      if (reservation === null) return;
      const amounts = counters.map((c) => usedOf(c, outcome, prices, fault));
      if (counters.every((c, i) => c.amount === amounts[i])) return;
      try {
        await within(budgets.settle(reservation, amounts), timeout);
      } catch (error) {
        fault(error);
      }
    },
  };
}

// What a counter keeps. A report that is no amount, or above what was charged, keeps all of the charge: the price was
// too low, which is said. One below the operator's least is a tool's word against its operator's.
function usedOf(
  { unit, amount, argument = '' }: CounterCharge,
  { bytes, cost }: CallOutcome,
  prices: Prices,
  fault: (error: unknown) => void,
): number {
  if (unit === 'bytes') return bytes === undefined || !isAmount(bytes) ? amount : Math.min(amount, bytes);
  if (unit !== 'cost') return amount;
  const reported = cost !== undefined && Object.hasOwn(cost, argument) ? cost[argument] : undefined;
  const least = Object.hasOwn(prices, argument) ? prices[argument]!.least : amount;
  if (reported === undefined) return amount;
  if (isAmount(reported) && reported <= amount) return Math.max(least, reported);
  fault(
    new AmbitError(
      'budget_amount',
      `A tool reported a cost in ${argument} that is no amount or above its price; raise the price.`,
    ),
  );
  return amount;
}
