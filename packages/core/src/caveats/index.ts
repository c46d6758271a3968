// Everything derived from the list of caveats: the unions, the look-up by name and by number, `restrict`, and the
// ways in and out. Each caveat is a file of this folder (`kind.ts` says what it consists of).
import type { CallRequest } from '../call.ts';
import { encode, MALFORMED, type Reader } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import * as list from './list.ts';
import type { CaveatAnswer, CaveatOfKind, RestrictionKind, SignedKind, TimeWords } from './kind.ts';

type Kinds = typeof list;
type AnyKind = Kinds[keyof Kinds];
type MakersOf<K> = K extends { readonly make: infer M } ? M : never;
type All<U> = (U extends unknown ? (u: U) => void : never) extends (u: infer I) => void ? I : never;

/** Any caveat of a token. */
export type Caveat = CaveatOfKind<AnyKind>;
/** What a holder may append by `attenuate`. */
export type Restriction = CaveatOfKind<Extract<AnyKind, { readonly mayAppend: true }>>;
/** The caveat of one type: `CaveatOf<'net'>`. */
export type CaveatOf<T extends Caveat['type']> = Extract<Caveat, { readonly type: T }>;

/** One entry of the list, for any caveat: each only ever meets its own, so methods compare bivariantly. */
export type CaveatKind = RestrictionKind<Caveat, object> | SignedKind<Caveat>;

/** What decides one caveat about a call: a kind's `check`, which only ever meets its own. */
export type CaveatCheck = (this: void, c: Caveat, r: CallRequest, i: number) => CaveatAnswer;

/** All kinds, in the order of their numbers. */
export const CAVEATS: readonly CaveatKind[] = Object.freeze(
  Object.values<CaveatKind>(list).sort((a, b) => a.number - b.number),
);

// The readers alone, by number: the kinds differ in shape, and asking each for its member costs as much as reading some.
const READERS: readonly (((r: Reader) => Caveat) | undefined)[] = CAVEATS.reduce<
  (((r: Reader) => Caveat) | undefined)[]
>(
  (table, kind) => {
    table[kind.number] = kind.read;
    return table;
  },
  Array.from({ length: CAVEATS.at(-1)!.number + 1 }),
);
const BY_TYPE: ReadonlyMap<string, CaveatKind> = new Map(CAVEATS.map((kind) => [kind.type, kind]));

/** The kind of a caveat. Throws TypeError for an unknown one: an unknown caveat never counts as holding. */
export function kindOf(c: Caveat): CaveatKind {
  const kind = BY_TYPE.get(c.type);
  if (kind === undefined) throw new TypeError('caveat: unknown type');
  return kind;
}

/** Makers of restrictions; each checks nothing, the encoder checks all. Times are Unix seconds. */
export const restrict: All<MakersOf<AnyKind>> = Object.freeze(
  Object.assign({}, ...CAVEATS.map((kind) => (kind.mayAppend ? kind.make : {}))) as All<MakersOf<AnyKind>>,
);

/** Whether any holder may append it. */
export const isRestriction = (c: Caveat): c is Restriction => BY_TYPE.get(c.type)?.mayAppend === true;

/** Canonical CBOR [number, body]. Throws AmbitError `input_invalid` that names the field. */
export function encodeCaveat(c: Caveat): Uint8Array {
  const kind = BY_TYPE.get(c.type);
  if (kind === undefined) throw new AmbitError('input_invalid', 'caveat: expected a known type.');
  return encode([kind.number, kind.write(c)]);
}

/** Reads the caveat that fills `r` to its end. Throws MALFORMED, for an unknown number too (law L2). */
export function readCaveat(r: Reader): Caveat {
  r.array(2);
  const read = READERS[r.uint()];
  if (read === undefined) throw MALFORMED;
  const caveat = read(r);
  r.done();
  return caveat;
}

/** What a caveat says, for people. */
export const caveatWords = (c: Caveat, time: TimeWords): string => kindOf(c).words(c, time);
