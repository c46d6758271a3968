// What one caveat is made of (docs/design.md section 3). A caveat is a module: its number on the wire, how it is
// made, written, read, decided and put into words stand in one file, and `index.ts` derives all else from the list of
// these files. Who decides about it is one of three, and each brings what it needs: leaving it out does not compile.
import type { CallRequest } from '../call.ts';
import type { Cbor, Reader } from '../cbor/index.ts';
import type { ChargeRule } from '../charges.ts';
import type { Denial } from '../codes.ts';

/** The caveat says nothing about this tool; it neither allows nor refuses. */
export const NOT_APPLICABLE = 'not applicable';

/** What a caveat answers about one call: it holds (null), it says nothing about the tool, or it denies. */
export type CaveatAnswer = Denial | null | typeof NOT_APPLICABLE;

/** How times are written in the words of a caveat. Unix seconds. */
export interface TimeWords {
  /** The time itself: `2026-03-01 14:30 UTC`. */
  plain(time: number): string;
  /** Its distance from now: `in 5 min`. */
  fromNow(time: number): string;
}

/** The place of a caveat in a chain: what the ids of its charges are made of. */
export interface ChargePlace {
  /** Index of the caveat; -1 for the grant. */
  readonly caveat: number;
  /** D up to and with it. */
  readonly prefix: Uint8Array;
  readonly issuer: string;
  /** Unix seconds: the grant's expiry, with which the rows of a charge end. */
  readonly expires: number;
}

/** Decided at every call, without state. */
interface Checked<C> {
  readonly decidedBy: 'call';
  /** The answer of `c`, the caveat at index `i`, about one call. Pure, and it never throws. */
  check(this: void, c: C, r: CallRequest, i: number): CaveatAnswer;
}

/** Decided by the ledger: what a call costs, charged after all stateless checks have passed (laws L8, L10). */
interface Charged<C> {
  readonly decidedBy: 'ledger';
  charges(this: void, c: C, place: ChargePlace): readonly ChargeRule[];
}

/** Settled by verification, before any call is looked at: a delegation, the depth of delegations, a seal. */
interface Verified {
  readonly decidedBy: 'verification';
}

/** Always holds. */
interface Held<C> {
  readonly decidedBy: 'nothing';
  /** What it says where decisions are explained. */
  text(c: C): string;
}

interface Form<C extends { readonly type: string }> {
  /** Its name, in the API and in words. */
  readonly type: C['type'];
  /** Its number on the wire (SPEC.md section 3). */
  readonly number: number;
  /** The body on the wire. Throws AmbitError `input_invalid`, naming the field, for what can't be written. */
  write(c: C): Cbor;
  /** Reads the body strictly. Throws MALFORMED: what is not understood denies (law L2). */
  read(this: void, r: Reader): C;
  /** What it says, for people. */
  words(c: C, time: TimeWords): string;
}

/** A caveat that any holder may append. `M` are its short ways of writing, which `restrict` collects. */
export type RestrictionKind<C extends { readonly type: string }, M> = Form<C> &
  (Checked<C> | Charged<C> | Verified | Held<C>) & {
    readonly mayAppend: true;
    readonly make: M;
    /** What it limits, one text each, where authorities are compared; none if it limits nothing or is intersected there. */
    limits(c: C): readonly string[];
    /** Why nothing at all is allowed under it, or null. */
    empty?(c: C): string | null;
  };

/** A caveat that only its signer appends, in `delegate` or `mint`. */
export type SignedKind<C extends { readonly type: string }> = Form<C> &
  Verified & { readonly mayAppend: false };

/** The caveat that a kind is the kind of. */
export type CaveatOfKind<K> = K extends { read(r: Reader): infer C } ? C : never;
