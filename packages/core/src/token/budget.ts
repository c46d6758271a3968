// A budget entry, as the grant and the `budget` caveat carry it: what is counted, up to which limit, in all, per
// fixed window or in any window, for all tools or some. Wire: [unit, limit, window, argument / null, pool / null,
// tools / null]; the window of a sliding one is negative.
import type { Reader } from '../cbor/index.ts';
import { MALFORMED, type Cbor } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { LIMITS } from '../limits.ts';
import { isToolPattern } from '../patterns.ts';
import { LONGEST_SLIDING } from './budget-window.ts';
import { isName } from './names.ts';
import { isList, isWhole, readList } from './lists.ts';

/**
 * Units of a budget: `calls` counts calls, `external` calls that leave, `bytes` a fact, `sum` an argument, `cost` what
 * the operator prices a call at.
 */
export type BudgetUnit = 'calls' | 'external' | 'bytes' | 'sum' | 'cost';

/** One counter's rule. */
export interface Budget {
  readonly unit: BudgetUnit;
  /** The most that may be spent: a whole number from 0 to 2^53-1. */
  readonly limit: number;
  /** Seconds of a window; absent for a budget over the whole life of the token. */
  readonly window?: number | undefined;
  /**
   * Whether the limit holds in any `window` seconds. Otherwise in each window that begins at a multiple of its length:
   * then up to twice the limit can be spent around a border.
   */
  readonly sliding?: boolean | undefined;
  /** For `sum`: the top-level numeric argument that is added up. For `cost`: what is paid in, `tokens` or `microusd`. */
  readonly argument?: string | undefined;
  /** A counter shared across audiences and tokens of the issuer; only in a sealed grant. */
  readonly pool?: string | undefined;
  /** The tools it counts; absent for all. */
  readonly tools?: readonly string[] | undefined;
}

export const BUDGET_UNITS: readonly BudgetUnit[] = ['calls', 'external', 'bytes', 'sum', 'cost'];

/** The number a unit has on the wire: 1 to 5. */
export const unitNumber = (unit: BudgetUnit): number => BUDGET_UNITS.indexOf(unit) + 1;

/** The window on the wire and in the ids of counters: 0 for none, negative for a sliding one. */
export const windowNumber = ({ window = 0, sliding }: Pick<Budget, 'window' | 'sliding'>): number =>
  sliding === true ? -window : window;

/** Why an entry can't be used, or null. `inGrant` allows a pool. */
function fault(b: Budget, inGrant: boolean): string | null {
  if (!BUDGET_UNITS.includes(b.unit)) return 'unit: expected calls, external, bytes, sum or cost';
  if (!isWhole(b.limit)) return 'limit: expected a whole number from 0 to 2^53-1';
  if (b.window !== undefined && (!isWhole(b.window) || b.window === 0))
    return 'window: expected whole seconds above 0';
  if (b.sliding !== undefined && typeof b.sliding !== 'boolean') return 'sliding: expected true or false';
  if (b.sliding === true && !(b.window !== undefined && b.window <= LONGEST_SLIDING))
    return `window: a sliding one needs 1 to ${LONGEST_SLIDING} seconds`;
  if ((b.unit === 'sum' || b.unit === 'cost') !== (b.argument !== undefined))
    return 'argument: needed for sum and cost, and for nothing else';
  if (b.argument !== undefined && !isName(b.argument)) return 'argument: expected a name';
  if (b.pool !== undefined && (!inGrant || !isName(b.pool))) return 'pool: a name, and only in a grant';
  if (b.tools !== undefined && !(isList(b.tools, isToolPattern) && b.tools.length > 0))
    return 'tools: expected 1 to 256 tool patterns';
  return null;
}

/** Checks an entry that is to be written; AmbitError `input_invalid` says what is wrong. */
export function requireBudget(b: Budget, inGrant: boolean): Budget {
  const wrong = fault(b, inGrant);
  if (wrong !== null) throw new AmbitError('input_invalid', `budget ${wrong}.`);
  return b;
}

/** Whether two entries name the same counter of a pool: one call would have to be charged to it twice. */
export function poolsTwice(budgets: readonly Budget[]): boolean {
  const pools = budgets
    .filter((b) => b.pool !== undefined)
    .map((b) => JSON.stringify([b.pool, b.unit, b.argument ?? null, windowNumber(b)]));
  return new Set(pools).size !== pools.length;
}

/** The entry as CBOR. */
export const budgetToCbor = (b: Budget): Cbor => [
  unitNumber(b.unit),
  b.limit,
  windowNumber(b),
  b.argument ?? null,
  b.pool ?? null,
  b.tools ?? null,
];

/** Reads a list of entries; malformed in any way throws MALFORMED. */
export function readBudgets(reader: Reader, inGrant: boolean): readonly Budget[] {
  const n = reader.array();
  if (n > LIMITS.counters) throw MALFORMED;
  const budgets: Budget[] = [];
  for (let i = 0; i < n; i++) {
    reader.array(6);
    const unit = BUDGET_UNITS[reader.uint() - 1];
    if (unit === undefined) throw MALFORMED;
    const limit = reader.uint();
    const window = reader.int();
    const argument = reader.nothing() ? undefined : reader.text(LIMITS.nameBytes);
    const pool = reader.nothing() ? undefined : reader.text(LIMITS.nameBytes);
    const tools = reader.nothing() ? undefined : Object.freeze(readList(reader, isToolPattern));
    // Every field, the absent ones too: none is then looked for in Object.prototype.
    const budget: Budget = Object.freeze({
      unit,
      limit,
      window: window === 0 ? undefined : Math.abs(window),
      sliding: window < 0 ? true : undefined,
      argument,
      pool,
      tools,
    });
    if (fault(budget, inGrant) !== null) throw MALFORMED;
    budgets.push(budget);
  }
  if (inGrant && poolsTwice(budgets)) throw MALFORMED;
  return Object.freeze(budgets);
}

/** An entry as text: `5 calls`, `10000 of amount per 3600 s`, `10 calls in any 60 s`. */
export function budgetWords(b: Budget): string {
  const what = wordsOf(b);
  const per = b.window === undefined ? '' : ` ${b.sliding === true ? 'in any' : 'per'} ${b.window} s`;
  const tools = b.tools === undefined ? '' : ` for ${b.tools.join(', ')}`;
  return `${b.limit} ${what}${per}${tools}${b.pool === undefined ? '' : ` in pool ${b.pool}`}`;
}

function wordsOf(b: Budget): string {
  if (b.unit === 'sum') return `of ${b.argument}`;
  if (b.unit === 'cost') return b.argument!;
  return b.unit === 'external' ? 'external calls' : b.unit;
}
