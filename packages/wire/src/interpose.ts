// Intercepts `onmessage` and `onclose` handlers that an SDK assigns to a transport later.
type Handler = (...args: never[]) => void;

/**
 * From now on a handler assigned to `target[property]` is reached only through `around`, which is given a way to
 * call it. What was there before is shown as it is, because SDKs chain to it: shown wrapped, it would be met twice.
 */
export function interpose<H extends Handler>(
  target: object,
  property: 'onmessage' | 'onclose',
  around: (inner: () => H | undefined) => H,
): void {
  const before = (target as { [name: string]: H | undefined })[property];
  let inner: H | undefined = before;
  let assigned = false;
  const outer = around(() => inner);
  Object.defineProperty(target, property, {
    configurable: true,
    enumerable: true,
    get: () => (assigned ? inner && outer : before),
    set: (next: H | undefined) => {
      inner = next;
      assigned = true;
    },
  });
}
