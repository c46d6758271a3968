// Budgets and the epoch over a server that charges in groups (Redis, PostgreSQL). What such a server answers is the
// same; how it is asked differs. A reservation belongs to the epoch in which it was asked for, and nothing of it is
// given back to another.
import type { Charges } from '@ambit/core';
import { leftOf, type CounterRow } from './apply.ts';
import {
  checkCharges,
  checkNow,
  nothing,
  refunds,
  type Budgets,
  type Refused,
  type Reservation,
  type Reserved,
} from './budgets.ts';
import { orFaultLater, type FaultOf } from './faults.ts';
import { isSequence, type Replay } from './replay.ts';
import type { Tally } from './stats.ts';

/** What is asked of the server. All but `epoch` and `era` reject with an error that `faultOf` knows. */
export interface ChargeServer {
  /** The epoch this process works under; null until it is known. */
  readonly epoch: string | null;
  reserve(charges: Charges, share: number): Promise<Reserved | Refused>;
  refund(reservation: Reservation, back: readonly number[]): Promise<void>;
  /** The rows of counters of one partition, in their order. */
  rows(partitionKey: string, ids: readonly string[]): Promise<readonly (CounterRow | undefined)[]>;
  /** Takes a new epoch. */
  adopt(): Promise<string>;
  era(): string | null;
  readonly faultOf: FaultOf;
}

/** Budgets over a server; `tally` counts their answers and faults. */
export function servedBudgets(
  server: ChargeServer,
  tally: Tally,
): { readonly budgets: Budgets; readonly replay: Replay } {
  const open = new WeakMap<Reservation, string | null>();

  const giveBack = async (reservation: Reservation, amounts: readonly number[]): Promise<boolean> => {
    const back = refunds(reservation, amounts);
    if (back === null) return false;
    const epoch = open.get(reservation);
    // Taken out of the open ones before the server is asked: an uncertain refund is never tried twice.
    if (!open.delete(reservation) || epoch !== server.epoch) return false;
    if (back.every((n) => n === 0)) return true;
    try {
      await server.refund(reservation, back);
      return true;
    } catch {
      return false;
    }
  };
  const reserve: Budgets['reserve'] = async (charges, now, share = 0) => {
    checkNow(now);
    const wrong = checkCharges(charges);
    if (wrong !== null) return wrong;
    const { sequence } = charges;
    if (sequence !== null && (sequence.epoch !== server.epoch || !isSequence(sequence.sequence)))
      return { ok: false, code: 'replayed', caveat: -1 };
    try {
      // Taken before the call: what was asked for in one epoch is not given back in another.
      const { epoch } = server;
      const answer = await server.reserve(charges, share);
      if (answer.ok) open.set(answer.reservation, epoch);
      return answer;
    } catch (error) {
      return { ok: false, code: tally.fault(server.faultOf(error), error), caveat: -1 };
    }
  };
  const left: Budgets['left'] = async (partitionKey, counters, now) => {
    checkNow(now);
    const ids = counters.map((c) => c.id);
    const rows = await orFaultLater(() => server.rows(partitionKey, ids), server.faultOf);
    return counters.map((c, i) => leftOf(rows[i], c));
  };
  const budgets = tally.over({
    reserve,
    settle: giveBack,
    release: (reservation) => giveBack(reservation, nothing(reservation)),
    era: () => server.era(),
    left,
  });
  const epoch: Replay['epoch'] = () => orFaultLater(() => server.adopt(), server.faultOf);
  return { budgets, replay: { epoch } };
}
