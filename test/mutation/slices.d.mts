/** See slices.mjs. */
export interface Slice {
  readonly package: string;
  readonly mutate: readonly string[];
  readonly tests: readonly string[];
}
export const SLICES: Readonly<Record<string, Slice>>;
export function slice(name: string): Slice;
export function otherPackages(own: string): string[];
