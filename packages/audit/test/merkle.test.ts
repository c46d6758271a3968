// The tree: RFC 6962 hashes, proofs against the vectors of transparency-dev/merkle, tile arithmetic.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Edge, type FullTile } from '../src/merkle/edge.ts';
import { EMPTY_ROOT, leafHash, nodeHash } from '../src/merkle/hash.ts';
import { verifyConsistency, verifyInclusion } from '../src/merkle/proof.ts';
import { consistencyProof, inclusionProof, subtreeHash, type NodeSource } from '../src/merkle/range.ts';
import { indexPath, parseTilePath, tilePath, widthAt } from '../src/tile/path.ts';
import { TreeReader } from '../src/tile/reader.ts';

interface Vectors {
  cases: {
    inclusion: {
      leafIdx: number;
      treeSize: number;
      root: string;
      leafHash: string;
      proof: string[] | null;
      wantErr: boolean;
      case: string;
    }[];
    consistency: {
      size1: number;
      size2: number;
      root1: string;
      root2: string;
      proof: string[] | null;
      wantErr: boolean;
      case: string;
    }[];
  };
}
const vectors = JSON.parse(
  readFileSync(new URL('./vectors/merkle-proofs.json', import.meta.url), 'utf8'),
) as Vectors;
const bytes = (text: string | null): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64'));

describe('proof vectors of transparency-dev/merkle', () => {
  it('holds all of them', () => {
    expect(vectors.cases.inclusion.length + vectors.cases.consistency.length).toBe(109);
  });
  for (const c of vectors.cases.inclusion) {
    it(c.case, () => {
      const proof = (c.proof ?? []).map(bytes);
      expect(verifyInclusion(c.leafIdx, c.treeSize, bytes(c.leafHash), proof, bytes(c.root))).toBe(
        !c.wantErr,
      );
    });
  }
  for (const c of vectors.cases.consistency) {
    it(c.case, () => {
      const proof = (c.proof ?? []).map(bytes);
      expect(verifyConsistency(c.size1, c.size2, proof, bytes(c.root1), bytes(c.root2))).toBe(!c.wantErr);
    });
  }
});

/** MTH of RFC 6962 section 2.1, written from its text with nothing of ours: what the code is compared with. */
const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const entries = Array.from({ length: 700 }, (_, i) => Buffer.from(`entry ${i}`));
const memo = new Map<string, Uint8Array>();
/** MTH(D[from:to]). */
const treeHash = (from: number, to: number): Uint8Array => {
  const n = to - from;
  if (n === 0) return sha256();
  if (n === 1) return sha256(Uint8Array.of(0x00), entries[from]!);
  const key = `${from}-${to}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  // "Let k be the largest power of two smaller than n."
  let k = 1;
  while (2 * k < n) k *= 2;
  const hash = sha256(Uint8Array.of(0x01), treeHash(from, from + k), treeHash(from + k, to));
  memo.set(key, hash);
  return hash;
};
/** The root of the first `size` entries. */
const rootOf = (size: number): Uint8Array => treeHash(0, size);
const leaves = entries.map((entry) => leafHash(entry));
const memory: NodeSource = {
  node: (height, index) => Promise.resolve(treeHash(index * 2 ** height, (index + 1) * 2 ** height)),
};
const sizes = fc.integer({ min: 1, max: leaves.length });

describe('the tree', () => {
  it('has the empty root of RFC 6962', () => {
    expect(Buffer.from(EMPTY_ROOT).toString('base64')).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
    expect(Buffer.from(new Edge().root()).equals(EMPTY_ROOT)).toBe(true);
    expect(rootOf(0)).toEqual(EMPTY_ROOT);
  });

  it('grown at its right edge has the root of the definition, at every size', () => {
    const edge = new Edge();
    leaves.forEach((leaf, i) => {
      edge.push(leaf);
      if (i < 40 || i % 37 === 0 || i === 255 || i === 511) expect(edge.root()).toEqual(rootOf(i + 1));
    });
  });

  it('started from a state goes on as if nothing had been pushed since', () => {
    const edge = new Edge();
    for (const leaf of leaves.slice(0, 250)) edge.push(leaf);
    const state = edge.state();
    const root = edge.root();
    for (const leaf of leaves.slice(250, 600)) edge.push(leaf);
    const again = new Edge(state);
    expect(again.root()).toEqual(root);
    for (const leaf of leaves.slice(250, 300)) again.push(leaf);
    expect(again.root()).toEqual(rootOf(300));
  });

  it('proves every inclusion and every prefix, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, sizes, fc.nat(), async (a, b, seed) => {
        const [small, size] = a < b ? [a, b] : [b, a];
        const index = seed % size;
        const root = rootOf(size);
        const inclusion = await inclusionProof(memory, index, size);
        expect(verifyInclusion(index, size, leaves[index]!, inclusion, root)).toBe(true);
        expect(verifyInclusion(index, size, leaves[(index + 1) % 700]!, inclusion, root)).toBe(false);
        const consistency = await consistencyProof(memory, small, size);
        const root1 = rootOf(small);
        expect(verifyConsistency(small, size, consistency, root1, root)).toBe(true);
        expect(verifyConsistency(small, size, consistency, nodeHash(root1, root), root)).toBe(false);
        expect(await subtreeHash(memory, 0, small)).toEqual(root1);
      }),
      { numRuns: 60 },
    );
  });
});

describe('tiles', () => {
  it('lie where tlog-tiles says', () => {
    expect(indexPath(1234067)).toBe('x001/x234/067');
    expect(indexPath(0)).toBe('000');
    expect(indexPath(1000)).toBe('x001/000');
    expect(tilePath({ level: 'entries', index: 5, width: 256 })).toBe('tile/entries/005');
    expect(tilePath({ level: 2, index: 0, width: 1 })).toBe('tile/2/000.p/1');
  });

  it('of the worked example of 70,000 entries have the widths the specification gives', () => {
    expect(widthAt(0, 272, 70_000)).toBe(256);
    expect([
      widthAt(0, 273, 70_000),
      widthAt(1, 0, 70_000),
      widthAt(1, 1, 70_000),
      widthAt(2, 0, 70_000),
    ]).toEqual([112, 256, 17, 1]);
    expect([widthAt(0, 0, 256), widthAt(0, 1, 256), widthAt(1, 0, 256)]).toEqual([256, 0, 1]);
  });

  it('have one name each', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 })),
        fc.maxSafeNat(),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const bad of [
      'tile/00/000',
      'tile/64/000',
      'tile/0/0',
      'tile/0/x000/001',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/0/1000',
      'tile/0/001/000',
    ]) {
      expect(parseTilePath(bad), bad).toBeNull();
    }
  });

  it('built at the edge answer every question about the tree', async () => {
    const files = new Map<string, Uint8Array>();
    const edge = new Edge();
    const keep = (tile: FullTile): void => void files.set(tilePath({ ...tile, width: 256 }), tile.bytes);
    for (const leaf of leaves) edge.push(leaf)?.forEach(keep);
    for (const partial of edge.partials()) files.set(tilePath(partial), partial.bytes);
    const reader = new TreeReader((path) => Promise.resolve(files.get(path) ?? null), leaves.length);
    expect(await reader.root()).toEqual(edge.root());
    expect(await reader.root(300)).toEqual(rootOf(300));
    for (const index of [0, 255, 256, 511, 512, 699]) {
      expect(verifyInclusion(index, 700, leaves[index]!, await reader.inclusion(index), edge.root())).toBe(
        true,
      );
    }
    expect(verifyConsistency(257, 700, await reader.consistency(257), rootOf(257), edge.root())).toBe(true);
  });
});
