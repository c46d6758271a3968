// A deadline for what has none of its own: a store, a resolver or a log that hangs must deny (law L2), not keep a
// call waiting forever.

/** What `within` gives when the time was up. */
export const LATE = 'late' as const;

/**
 * The answer of `work`, or `LATE` after so many milliseconds. `undo` is given an answer that comes later, to
 * take back what it did; a rejection that comes later is dropped.
 */
export async function within<T>(
  work: Promise<T>,
  milliseconds: number,
  undo?: (late: T) => unknown,
): Promise<T | typeof LATE> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late = false;
  const limit = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => {
      late = true;
      resolve(LATE);
    }, milliseconds);
  });
  const watched = work.then(
    async (answer) => {
      if (late) await undo?.(answer);
      return answer;
    },
    (error: unknown) => {
      if (late) return LATE;
      throw error;
    },
  );
  try {
    return await Promise.race([watched, limit]);
  } finally {
    clearTimeout(timer);
  }
}
