// The words of provenance: the ways in which a value can have come into a session, what a result is on its way in, and
// what is known of a value afterwards.
import type { IdentifierKind } from '../identifiers.ts';
import type { JsonValue } from '../scalars.ts';

/** Ways in which a value entered, as bits; 0 means it was never seen (the agent made it up). */
export const ORIGIN: {
  readonly prompt: 1;
  readonly trusted: 2;
  readonly field: 4;
  readonly named: 8;
  readonly free: 16;
  readonly record: 32;
  readonly pointed: 64;
} = Object.freeze({
  /** The user wrote it. */
  prompt: 1,
  /** It came in a result of a tool that the operator trusts. */
  trusted: 2,
  /** It is a whole scalar of an untrusted, structured result: the system that answered put it there. */
  field: 4,
  /** It stands within free text of a source that the user named (a file, a page, a subject). */
  named: 8,
  /** It stands within free text of any other untrusted source. */
  free: 16,
  /** It is a whole scalar of a record of which another whole scalar carries a name from the prompt. */
  record: 32,
  /** Untrusted prose points at a record by this handle. */
  pointed: 64,
});

/** A result on its way in. */
export interface Incoming {
  readonly tool: string;
  /** Arguments of the call that asked for it; a source is named by the user if one of them occurs in the prompt. */
  readonly args: JsonValue;
  readonly value: JsonValue;
  readonly trusted: boolean;
  /** The tool fetches addresses from outside: a link in its text was put there by the author of the page. */
  readonly fetched?: boolean;
  /** It is the answer of an effect, which may repeat the call: whole scalars count as free text, the source as unnamed. */
  readonly echo?: boolean;
}

/** What is known about a value. */
export interface ValueTrace {
  readonly kind: IdentifierKind;
  /** Bits of ORIGIN. */
  readonly origin: number;
  /** The user wrote it. */
  readonly byUser: boolean;
  /** Index of the event with which it first came in; -1 if never. */
  readonly first: number;
  /** It is the only candidate of its kind in a source that the user named. */
  readonly unique: boolean;
  /** An untrusted record holds it under the very name of the parameter: it has played this part before. */
  readonly played: boolean;
  /** Its local part or text carries a name from the prompt, and no other candidate does. */
  readonly bound: boolean;
}
