/** See keep.mjs. A mutant's result, as Stryker and its report schema have it. */
export interface Mutant {
  readonly id: string;
  readonly fileName?: string;
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: {
    readonly start: { readonly line: number; readonly column: number };
    readonly end: { readonly line: number; readonly column: number };
  };
  readonly killedBy?: readonly string[];
}
export interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}
export class Keeper {
  constructor(file: string);
  tests(all: readonly { readonly id: string; readonly name: string; readonly fileName?: string }[]): void;
  plan(mutants: readonly (Omit<Mutant, 'status'> & { readonly status?: string })[]): void;
  add(mutant: Mutant): void;
  save(): void;
  done(): void;
}
export function toTryAgain<R extends Report>(report: R, isMutated: (file: string) => boolean): R;
