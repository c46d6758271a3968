// What a caller gets: a permit for one call, whose `finish` settles what was charged and hands the outcome to the
// journal; or a refusal. And the way back for charges: what can't be given back stays spent, which can waste
// budget and never make any (law L10).
import { forCaller, type Denial } from '@ambit/core';
import type { Authorized, Budgets } from '@ambit/state';
import type { Allowed, CallOutcome, GuardOptions, Permit, Refusal } from './contract.ts';
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
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** The permit for an allowed call, which is recorded at `record`. */
export function permitOf(
  { options, charges, journal, telemetry, clock }: PermitParts,
  allowed: Allowed,
  record: number,
  span: Span | null,
): Permit {
  const { call, view, authorized, started } = allowed;
  let finished = false;
  let reported: Partial<CallOutcome> = {};
  return Object.freeze({
    ok: true as const,
    call,
    view,
    record,
    report: (outcome: Partial<CallOutcome>) => {
      reported = { ...reported, ...outcome };
    },
    ingest: (value: unknown) => quietly(() => options.observer?.ingested(view, call, value, record)),
    finish: async (seen: CallOutcome) => {
      if (finished) return;
      finished = true;
      const outcome = { ...seen, ...reported };
      const milliseconds = Math.max(0, clock() - started);
      telemetry.outcome(span, call.tool, outcome.status, milliseconds);
      quietly(() => options.observer?.ended(view, call, outcome, record));
      journal.outcome(allowed, record, outcome, milliseconds);
      await charges.settle(authorized, outcome.bytes);
    },
  });
}

/** The refusal for a denial. */
export const refusalOf = (denial: Denial, record: number | null): Refusal =>
  Object.freeze({ ok: false as const, denial, publicDenial: forCaller(denial), record });

/** The way back for what was charged. Neither rejects. */
export interface Charges {
  /** The call does not run: everything is given back. */
  readonly release: (authorized: Authorized) => Promise<void>;
  /** The call ran and moved so many bytes: what a `bytes` budget was charged beyond them is given back. */
  readonly settle: (authorized: Authorized, bytes: number | undefined) => Promise<void>;
}

/** `timeout`: milliseconds that the store may take. `fault` is told what went wrong in settling. */
export function chargesIn(budgets: Budgets, timeout: number, fault: (error: unknown) => void): Charges {
  return {
    release: async ({ reservation }) => {
      if (reservation === null) return;
      try {
        await within(budgets.release(reservation), timeout);
      } catch {
        // It stays spent.
      }
    },
    settle: async ({ reservation, charges: { counters } }, bytes) => {
      if (reservation === null || bytes === undefined || !counters.some((c) => c.unit === 'bytes')) return;
      const moved = Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : Number.MAX_SAFE_INTEGER;
      const amounts = counters.map((c) => (c.unit === 'bytes' ? Math.min(c.amount, moved) : c.amount));
      try {
        await within(budgets.settle(reservation, amounts), timeout);
      } catch (error) {
        fault(error);
      }
    },
  };
}
