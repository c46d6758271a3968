// CBOR for what is ours alone: saved baselines, frames of the audit socket. Tokens, proofs, records and whatever a
// signature covers have strict codecs of their own, in which one value has one encoding.
export { decodePlain, encodePlain } from './plain.ts';
export { PLAIN_DEPTH } from './shape.ts';
