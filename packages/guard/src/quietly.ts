/** Runs a best-effort callback; its errors and rejections change nothing (attack G4) and go to `fault`. */
export function quietly(work: () => unknown, fault: (error: unknown) => void): void {
  const tell = (error: unknown): void => {
    try {
      fault(error);
    } catch {
      // The last resort has failed as well.
    }
  };
  try {
    const later = work();
    if (later instanceof Promise) later.catch(tell);
  } catch (error) {
    tell(error);
  }
}
