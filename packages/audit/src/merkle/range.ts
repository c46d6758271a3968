// Which hashes a proof is made of (RFC 6962 sections 2.1.1 and 2.1.2), asked of anything that holds the hashes of
// perfect subtrees: `NodeSource`, in practice tiles.
import { EMPTY_ROOT, nodeHash } from './hash.ts';

/** Holds the hashes of perfect subtrees: `height` 0 is a leaf, `index` counts the nodes of that height from the left. */
export interface NodeSource {
  node(height: number, index: number): Promise<Uint8Array>;
}

/** The largest power of two below `n` (n > 1). */
export function split(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** MTH(D[start:end]); start must be where a subtree of that width may begin, as in every proof. */
export async function subtreeHash(source: NodeSource, start: number, end: number): Promise<Uint8Array> {
  const n = end - start;
  if (n === 0) return EMPTY_ROOT;
  // Perfect subtrees from the left, folded from the right: each is the left brother of all that follows.
  const parts: Promise<Uint8Array>[] = [];
  let at = start;
  for (let left = n; left > 0;) {
    let height = 0;
    let width = 1;
    while (width * 2 <= left) {
      width *= 2;
      height++;
    }
    parts.push(source.node(height, at / width));
    at += width;
    left -= width;
  }
  const hashes = await Promise.all(parts);
  let hash = hashes.pop();
  for (let part = hashes.pop(); part !== undefined; part = hashes.pop()) {
    hash = hash === undefined ? part : nodeHash(part, hash);
  }
  return hash ?? EMPTY_ROOT;
}

/** The inclusion proof of `index` in the tree of `size`; the leaf's sibling first. Throws RangeError outside the tree. */
export async function inclusionProof(source: NodeSource, index: number, size: number): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`index: expected 0 to ${size - 1}, got ${index}`);
  const path: [number, number][] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push([middle, end]);
      end = middle;
    } else {
      path.push([start, middle]);
      start = middle;
    }
  }
  return Promise.all(path.toReversed().map(([a, b]) => subtreeHash(source, a, b)));
}

/** The consistency proof from `size1` to `size2`. Throws RangeError unless 0 <= size1 <= size2. */
export async function consistencyProof(
  source: NodeSource,
  size1: number,
  size2: number,
): Promise<Uint8Array[]> {
  if (!(size1 >= 0 && size1 <= size2)) throw new RangeError(`size1: expected 0 to ${size2}, got ${size1}`);
  if (size1 === 0 || size1 === size2) return [];
  const path: [number, number][] = [];
  let start = 0;
  let end = size2;
  // SUBPROOF(m, D[n], b): b holds while the old tree is still whole, that is while start is 0.
  while (end !== size1) {
    const middle = start + split(end - start);
    if (size1 <= middle) {
      path.push([middle, end]);
      end = middle;
    } else {
      path.push([start, middle]);
      start = middle;
    }
  }
  if (start !== 0) path.push([start, end]);
  return Promise.all(path.toReversed().map(([a, b]) => subtreeHash(source, a, b)));
}
