/** Runs a callback that must not matter: what it throws, now or as a promise later, changes nothing (attack G4). */
export function quietly(work: () => unknown): void {
  try {
    const later = work();
    if (later instanceof Promise) later.catch(() => undefined);
  } catch {
    // As above.
  }
}
