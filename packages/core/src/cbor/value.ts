// The CBOR subset of a token (SPEC.md, "Encoding"; RFC 8949 section 4.2.1): whole numbers of at most 53 bits,
// byte strings, UTF-8 texts, arrays, maps with integer or text keys, true, false, null. Nothing else exists:
// no floats, no tags, no undefined, no indefinite lengths.

/**
 * A map; its keys are written in the bytewise order of their encodings, regardless of the order in which they
 * were added.
 */
export type CborMap = ReadonlyMap<number | string, Cbor>;

/** Any value of the subset. Numbers are safe integers (-(2^53-1) to 2^53-1), never -0. */
export type Cbor = number | string | boolean | null | Uint8Array | readonly Cbor[] | CborMap;
