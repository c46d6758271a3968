// Checking proofs: inclusion (RFC 9162 section 2.1.3.2) and consistency (section 2.1.4.2). Pure functions of
// hashes; malformed input gives false, not an exception.
import { equal } from '../core.ts';
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hash.ts';

const odd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);
const isHash = (bytes: Uint8Array): boolean => bytes.length === HASH_BYTES;
const isSize = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

/** The root that an inclusion proof leads to, or null when the proof does not have the shape for `index` in `size`. */
export function rootFromInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  if (!isSize(index) || !isSize(size) || index >= size || !isHash(leaf) || !proof.every(isHash)) return null;
  let fn = index;
  let sn = size - 1;
  let root = leaf;
  for (const sibling of proof) {
    if (sn === 0) return null;
    if (odd(fn) || fn === sn) {
      root = nodeHash(sibling, root);
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else root = nodeHash(root, sibling);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 ? root : null;
}

/** Whether the entry with hash `leaf` is at `index` of the tree of `size` with this root. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  const got = rootFromInclusion(index, size, leaf, proof);
  return got !== null && equal(got, root);
}

/** Whether the tree (size1, root1) is a prefix of the tree (size2, root2). An empty tree is a prefix of any. */
export function verifyConsistency(
  size1: number,
  size2: number,
  proof: readonly Uint8Array[],
  root1: Uint8Array,
  root2: Uint8Array,
): boolean {
  if (!isSize(size1) || !isSize(size2) || size1 > size2) return false;
  if (size1 === 0 && !equal(root1, EMPTY_ROOT)) return false;
  if (size1 === size2) return proof.length === 0 && equal(root1, root2);
  if (!isHash(root1) || !isHash(root2) || !proof.every(isHash)) return false;
  if (size1 === 0) return proof.length === 0;
  let fn = size1 - 1;
  let sn = size2 - 1;
  while (odd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  // A size1 that is a power of two is a node of the tree itself: the proof leaves root1 out.
  const path = fn === 0 ? [root1, ...proof] : proof;
  const first = path[0];
  if (first === undefined) return false;
  let fr = first;
  let sr = first;
  for (const sibling of path.slice(1)) {
    if (sn === 0) return false;
    if (odd(fn) || fn === sn) {
      fr = nodeHash(sibling, fr);
      sr = nodeHash(sibling, sr);
      while (!odd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else sr = nodeHash(sr, sibling);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equal(fr, root1) && equal(sr, root2);
}
