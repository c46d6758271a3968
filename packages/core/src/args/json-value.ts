// The type of a JSON value, for the reader and for everything that takes what it read.

/** A JSON value; everything this folder makes is deeply frozen, and its objects have no prototype. */
export type Json = null | boolean | number | string | JsonArray | JsonObject;
/** A JSON array. */
export type JsonArray = readonly Json[];
/** A JSON object: own data properties only. */
export interface JsonObject {
  readonly [name: string]: Json;
}
