// Amounts: what a call costs, moves or may cost.

/** Whether `n` is a whole number from 0 to 2^53-1. */
export const isAmount = (n: unknown): n is number =>
  typeof n === 'number' && Number.isSafeInteger(n) && n >= 0;
