/** Runs a best-effort callback; its errors and rejections are ignored (attack G4). */
export function quietly(work: () => unknown): void {
  try {
    const later = work();
    if (later instanceof Promise) later.catch(() => undefined);
  } catch {
    // As above.
  }
}
