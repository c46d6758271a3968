// When charges stop counting (SPEC.md section 6, "Windows"). A total never forgets. A fixed window begins at every
// multiple of its length and forgets everything at once, so twice the limit can be spent around its border. A sliding
// window keeps what was charged in steps, at most 60 to its length, and forgets a step when all of it is longer ago
// than the window: never over the limit in any window, in bounded memory, at the price of at most two steps of delay.

/** The most steps of a sliding window: what one row of a ledger has to keep. */
const STEPS = 60;
/** Seconds of the longest sliding window, so that no sum of times leaves 2^53. */
export const LONGEST_SLIDING: number = 2 ** 31;

/** A budget's window, as `Budget` has it. */
interface Window {
  readonly window?: number | undefined;
  readonly sliding?: boolean | undefined;
}

/** Seconds of a step of a sliding window: a 60th of it, rounded up; 0 for a fixed window and a total. */
export const stepOf = ({ window = 0, sliding }: Window): number =>
  sliding === true ? Math.ceil(window / STEPS) : 0;

/**
 * Seconds from the beginning of a window, or of a step, after which what was charged in it no longer counts; 0 for a
 * total. A step's last moment has to be a window ago, hence one step more than the window has.
 */
export const spanOf = (window: number, step: number): number =>
  step === 0 ? window : (Math.ceil(window / step) + 1) * step;

/** The beginning of the window, or of the step, that `now` lies in; Unix seconds, 0 for a total. */
export function windowStartOf(b: Window, now: number): number {
  const { window = 0 } = b;
  const length = stepOf(b) || window;
  return length === 0 ? 0 : Math.floor(now / length) * length;
}
