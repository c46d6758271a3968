// A ledger that works, in memory, and counts how often it was asked (law L8).
import { spanOf, type Charges, type CounterCharge, type Ledger, type LedgerAnswer } from '@ambit/core';

/** A ledger in memory: all or nothing, and it records every time it is asked. */
export class TestLedger implements Ledger {
  readonly spent: Map<string, number>;
  readonly claimed: Set<string>;
  asked = 0;

  constructor(spent: Iterable<[string, number]> = [], claimed: Iterable<string> = []) {
    this.spent = new Map(spent);
    this.claimed = new Set(claimed);
  }

  copy(): TestLedger {
    return new TestLedger(this.spent, this.claimed);
  }

  apply(c: Charges, _now: number): LedgerAnswer {
    this.asked++;
    const after = new Map(this.spent);
    for (const k of c.counters) {
      const key = `${k.id}@${k.windowStart}`;
      const had = hadOf(after, k);
      if (had + k.amount > k.limit)
        return { ok: false, code: 'budget_exceeded', caveat: k.caveat, left: k.limit - had };
      after.set(key, (after.get(key) ?? 0) + k.amount);
    }
    const claims = [...c.once, ...(c.replay === null ? [] : [c.replay])];
    for (const claim of claims) {
      if (this.claimed.has(claim.id)) {
        return { ok: false, code: claim.caveat < 0 ? 'replayed' : 'once_used', caveat: claim.caveat };
      }
    }
    const number = c.sequence === null ? null : `${c.sequence.session}#${c.sequence.sequence}`;
    if (number !== null && this.claimed.has(number)) return { ok: false, code: 'replayed', caveat: -1 };
    for (const [key, n] of after) this.spent.set(key, n);
    for (const claim of claims) this.claimed.add(claim.id);
    if (number !== null) this.claimed.add(number);
    return { ok: true };
  }
}

/** What counts against a charge: its own window's, or that of every step that is no longer ago than the window. */
function hadOf(spent: ReadonlyMap<string, number>, { id, window, step, windowStart }: CounterCharge): number {
  if (step === 0) return spent.get(`${id}@${windowStart}`) ?? 0;
  let had = 0;
  for (const [key, n] of spent) {
    const [of, start] = key.split('@');
    if (of === id && Number(start) + spanOf(window, step) > windowStart) had += n;
  }
  return had;
}
