// The three hashes of a Merkle tree (RFC 6962 section 2.1): leaves and nodes differ in their first byte,
// so that no node can be shown as an entry.
import { nativeSha256 } from '../core.ts';

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** The root of the empty tree: SHA-256 of nothing. */
export const EMPTY_ROOT: Uint8Array = nativeSha256(new Uint8Array(0));

// Scratch space: hashing is synchronous, and no input outlives the call.
const node = new Uint8Array(1 + 2 * HASH_BYTES);
node[0] = 0x01;
let leaf = new Uint8Array(4096);

/** SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  if (leaf.length <= entry.length) leaf = new Uint8Array(2 * entry.length);
  leaf[0] = 0x00;
  leaf.set(entry, 1);
  return nativeSha256(leaf.subarray(0, entry.length + 1));
}

/** SHA-256(0x01 || left || right), both of 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return nativeSha256(node);
}
