// What a caller hands in, copied once: its own properties, without a prototype. What is absent is then absent, also in a
// process whose Object.prototype somebody has written to (laws L2, L9), and nothing changes between check and use.

/** Throws TypeError, with the parameter's name, for what is no object. */
export function requireObject(given: unknown, what: string): void {
  if (typeof given !== 'object' || given === null) throw new TypeError(`${what}: expected an object`);
}

/** A copy of the own enumerable properties of `given`, without a prototype. Throws TypeError as above. */
export function bare<T extends object>(given: T, what: string): T {
  requireObject(given, what);
  return Object.assign(Object.create(null) as T, given);
}

/**
 * Freezes plain objects and lists all the way down: what of a parsed token leaves this package. Bytes can't be frozen;
 * they leave as copies or as text.
 */
export function frozen<T>(x: T): T {
  if (typeof x !== 'object' || x === null || x instanceof Uint8Array || Object.isFrozen(x)) return x;
  for (const value of x instanceof Map ? x.values() : Object.values(x)) frozen(value);
  return Object.freeze(x);
}

// Cheaper than Object.hasOwn (V8 11: 12 ns to 20). Called with a `this`, always.
// oxlint-disable-next-line typescript/unbound-method
const HAS_OWN = Object.prototype.hasOwnProperty;

/** An own property of `given`, or undefined: where a copy would cost more than it is read (200 ns, at each call). */
export const ownOf = <T extends object, K extends keyof T>(given: T, name: K): T[K] | undefined =>
  HAS_OWN.call(given, name) ? given[name] : undefined;
