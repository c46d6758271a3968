// The numbers that every reader of JSON keeps exactly (RFC 7493 section 2.2): doubles, integers within 2^53-1.

/** Why a number is not one that every reader keeps exactly; null when it is. Shared with `snapshotJson`. */
export function numberProblem(n: number): string | null {
  // Every double from 2^53 on is an integer, so one comparison refuses big integers and infinities.
  if (!(n <= Number.MAX_SAFE_INTEGER && n >= -Number.MAX_SAFE_INTEGER)) {
    return n === n ? 'a number beyond 2^53-1' : 'not a number';
  }
  return n === 0 && Object.is(n, -0) ? 'negative zero' : null;
}
