// The stateful part of a token: budgets and `once`. A meter says what a call would cost; the ledger applies all
// costs of a call in one step, after every stateless check has passed (laws L8, L10). Ids are digests over D,
// so descendants share a counter and nobody can aim at another's (attacks S10, S13).
import { concat, toBase64url } from '../bytes.ts';
import type { Charges, NonceClaim, CounterCharge, SequenceClaim } from '../charges.ts';
import { encode, type Cbor } from '../cbor/index.ts';
import { deny, type Denial } from '../codes.ts';
import { sha256 } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';
import { matchesAny } from '../patterns.ts';
import { unitNumber, type Budget } from '../token/budget.ts';
import type { AuthenticParts } from '../verify/authentic.ts';
import type { CallRequest } from './evaluate.ts';

/** One counter or `once` of a chain. */
export interface ChargeRule {
  readonly caveat: number;
  readonly name: 'budget' | 'once';
  /** The rule and its counter's id; null for `once` and for an empty list. */
  readonly counts: { readonly budget: Budget; readonly id: string } | null;
  /** Null: this call costs nothing here. A denial: the amount can't be known, or is over the whole limit. */
  charge(r: CallRequest): CounterCharge | NonceClaim | Denial | null;
}

const id = (value: Cbor): string => toBase64url(sha256(concat(LABELS.counter.bytes, encode(value))));

/** Unix seconds, in the year 2242: the end of a pool's total, which is to say never. */
const POOL_EXPIRES = 2 ** 33;

/** The meters of a token, in the order of the chain. */
export function compileChargeRules(parts: AuthenticParts): readonly ChargeRule[] {
  const { grant, caveats, prefixes } = parts;
  const meters: ChargeRule[] = [];
  // Rows end with the grant, not with a narrower child: else a child's call would reset its parent's counter.
  const { expires } = grant;
  const add = (b: Budget, entry: number, caveat: number, at: Uint8Array): void => {
    const { unit, argument = null, window = 0, pool } = b;
    const key: Cbor =
      pool === undefined
        ? [at, entry, unitNumber(unit), argument, window]
        : ['pool', grant.issuer, pool, unitNumber(unit), argument, window];
    // A pool outlives the tokens that draw on it: a row that ended with one would begin afresh for the next.
    meters.push(budgetMeter(b, id(key), pool === undefined ? expires : POOL_EXPIRES, caveat));
  };
  grant.budgets.forEach((b, entry) => add(b, entry, -1, prefixes.at(0)));
  caveats.forEach((c, i) => {
    if (c.type === 'budget') c.budgets.forEach((b, entry) => add(b, entry, i, prefixes.at(i + 1)));
    // An empty list of budgets leaves nothing to spend (law L2): it is a counter with no room.
    if (c.type === 'budget' && c.budgets.length === 0) {
      meters.push({
        caveat: i,
        name: 'budget',
        counts: null,
        charge: () => deny('budget_exceeded', 'no budget at all', i),
      });
    }
    if (c.type === 'once') {
      const claim: NonceClaim = Object.freeze({ id: id(['once', prefixes.at(i + 1)]), expires, caveat: i });
      meters.push({ caveat: i, name: 'once', counts: null, charge: () => claim });
    }
  });
  return meters;
}

function budgetMeter(b: Budget, counter: string, expires: number, caveat: number): ChargeRule {
  const window = b.window ?? 0;
  return {
    caveat,
    name: 'budget',
    counts: { budget: b, id: counter },
    charge(r) {
      if (b.tools !== undefined && !matchesAny(b.tools, r.call.tool)) return null;
      const amount = amountOf(b, r);
      if (typeof amount !== 'number') return { ...amount, caveat };
      if (amount > b.limit) return deny('budget_exceeded', `${b.unit}: at most ${b.limit} in all`, caveat);
      if (amount === 0) return null;
      const windowStart = window === 0 ? 0 : Math.floor(r.now / window) * window;
      return {
        id: counter,
        unit: b.unit,
        amount,
        limit: b.limit,
        window,
        windowStart,
        expires: window === 0 ? expires : Math.min(expires, windowStart + window),
        caveat,
      };
    },
  };
}

const isAmount = (n: unknown): n is number => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;

function amountOf(b: Budget, { call, facts }: CallRequest): number | Denial {
  switch (b.unit) {
    case 'calls':
      return 1;
    case 'external':
      return facts.external === false ? 0 : 1;
    case 'bytes':
      if (facts.bytes === undefined) return deny('fact_missing', 'the bytes the call will move');
      return isAmount(facts.bytes) ? facts.bytes : deny('budget_amount', 'bytes');
    case 'sum': {
      const name = b.argument!;
      const value = Object.hasOwn(call.args.value, name) ? call.args.value[name] : undefined;
      return isAmount(value) ? value : deny('budget_amount', `argument ${name}`);
    }
  }
}

/** A call that costs nothing; nothing has to be found, so no digest is computed. */
const FREE: Charges = Object.freeze({
  root: '',
  partitionKey: '',
  counters: Object.freeze([]),
  once: Object.freeze([]),
  replay: null,
  sequence: null,
});

/** What has to live together with this token's counters (`Charges.partitionKey`). */
export function partitionKeyOf({ grant, prefixes }: AuthenticParts): string {
  const pooled = grant.budgets.some((b) => b.pool !== undefined);
  return pooled ? id(['place', grant.issuer]) : toBase64url(prefixes.at(0));
}

/** Everything a call costs: the meters' charges and the proof's claims. A denial when a meter can't be read. */
export function chargesOf(
  parts: AuthenticParts,
  meters: readonly ChargeRule[],
  r: CallRequest,
  replay: NonceClaim | null,
  sequence: SequenceClaim | null,
): Charges | Denial {
  const counters: CounterCharge[] = [];
  const once: NonceClaim[] = [];
  for (const meter of meters) {
    const charge = meter.charge(r);
    if (charge === null) continue;
    if ('ok' in charge) return charge;
    if ('amount' in charge) counters.push(charge);
    else once.push(charge);
  }
  if (counters.length === 0 && once.length === 0 && replay === null && sequence === null) return FREE;
  const root = toBase64url(parts.prefixes.at(0));
  const partitionKey = partitionKeyOf(parts);
  return { root, partitionKey, counters, once, replay, sequence };
}
