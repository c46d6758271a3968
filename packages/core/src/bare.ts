// What a caller hands in, copied once: its own properties, without a prototype. What is absent is then absent, also in a
// process whose Object.prototype somebody has written to (laws L2, L9), and nothing changes between check and use.

/** A copy of the own enumerable properties of `given`, without a prototype. Throws TypeError for what is no object. */
export function bare<T extends object>(given: T): T {
  if (typeof given !== 'object' || given === null) throw new TypeError('expected an object');
  return Object.assign(Object.create(null) as T, given);
}

/** An own property of `given`, or undefined. */
export const ownOf = <T extends object, K extends keyof T>(given: T, name: K): T[K] | undefined =>
  Object.hasOwn(given, name) ? given[name] : undefined;
