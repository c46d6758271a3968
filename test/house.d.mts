// Types of house.mjs, which Node runs as it stands for `npm run architecture`.
export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}
export const ROOT: string;
export function packages(): readonly string[];
export function sourcesOf(name: string): readonly Source[];
export function packageImports(sources: readonly Source[]): ReadonlyMap<string, readonly string[]>;
export function fileOf(importer: string, specifier: string): string;
export function circles(sources: readonly Pick<Source, 'path' | 'imports'>[]): readonly (readonly string[])[];
export function lengthOf(text: string): number;
export function longFunctions(
  source: Pick<Source, 'path' | 'text'>,
  most: number,
): readonly { readonly name: string; readonly lines: number; readonly comment: string }[];
export function page(): { readonly text: string; readonly fresh: string };
