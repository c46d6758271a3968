// The write-ahead log: what an append waits for. A segment begins with the right edge of the tree at its start, so
// that it can be replayed without reading tiles; then come frames, one a flush, each with the root of the tree
// after it. A frame whose entries do not lead to its root is damage; only the end of the last segment may be torn.
import { equal, fromBase64url, nativeSha256, toBase64url } from '../core.ts';
import { HASH_BYTES } from '../merkle/hash.ts';
import type { EdgeState } from '../merkle/edge.ts';

const MAGIC = 'ambit-wal-1\n';
const FRAME_MAGIC = 0x414d4631;
/** Magic 4, first index 8, count 4, payload bytes 4, root 32, check 8. */
export const FRAME_HEADER_BYTES = 60;
const CHECKED_BYTES = 52;

/** Segments are named by their first index, so that their order is the order of names. */
export const segmentName = (start: number): string => `${String(start).padStart(16, '0')}.wal`;

/** The start of a segment by its file name, or null. */
export const segmentStart = (name: string): number | null =>
  /^[0-9]{16}\.wal$/.test(name) ? Number(name.slice(0, 16)) : null;

/** The header of a segment that begins at `edge`: a line of JSON behind its length, and a digest over both. */
export function encodeSegmentHeader(edge: EdgeState): Buffer {
  const body = Buffer.from(
    JSON.stringify({
      size: edge.size,
      pending: edge.pending.map((hash) => (hash === undefined ? null : toBase64url(hash))),
      rows: edge.rows.map((row) => row.map(toBase64url)),
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const head = Buffer.concat([Buffer.from(MAGIC), length, body]);
  return Buffer.concat([head, nativeSha256(head)]);
}

/** The edge in a segment's header and where its frames begin, or null when the header is damaged. */
export function decodeSegmentHeader(
  bytes: Buffer,
): { readonly edge: EdgeState; readonly end: number } | null {
  const start = MAGIC.length + 4;
  if (bytes.length < start || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  const end = start + bytes.readUInt32BE(MAGIC.length);
  if (end + HASH_BYTES > bytes.length) return null;
  if (!equal(nativeSha256(bytes.subarray(0, end)), bytes.subarray(end, end + HASH_BYTES))) return null;
  const edge = readEdge(JSON.parse(bytes.toString('utf8', start, end)));
  return edge === null ? null : { edge, end: end + HASH_BYTES };
}

const hash = (text: unknown): Uint8Array => fromBase64url(String(text)) ?? new Uint8Array(0);

function readEdge(value: unknown): EdgeState | null {
  if (
    typeof value !== 'object' ||
    value === null ||
    !('size' in value && 'pending' in value && 'rows' in value)
  )
    return null;
  const { size, pending, rows } = value;
  if (typeof size !== 'number' || !Array.isArray(pending) || !Array.isArray(rows)) return null;
  return {
    size,
    pending: pending.map((text) => (text === null ? undefined : hash(text))),
    rows: rows.map((row: unknown) => (Array.isArray(row) ? row.map(hash) : [])),
  };
}

/** One flush: `payload` is `count` entries in the form of a bundle. */
export interface WalFrame {
  readonly first: number;
  readonly count: number;
  readonly payload: Buffer;
  /** Of the tree after the frame. */
  readonly root: Uint8Array;
}

/** Writes a frame's header into `out`, in front of the payload that is already there. */
export function sealFrame(out: Buffer, first: number, count: number, root: Uint8Array): void {
  out.writeUInt32BE(FRAME_MAGIC, 0);
  out.writeBigUInt64BE(BigInt(first), 4);
  out.writeUInt32BE(count, 12);
  out.writeUInt32BE(out.length - FRAME_HEADER_BYTES, 16);
  out.set(root, 20);
  out.set(nativeSha256(out.subarray(0, CHECKED_BYTES)).subarray(0, 8), CHECKED_BYTES);
}

/** What is at `at`: a frame, the end, the beginning of a frame that was never finished, or damage. */
export type FrameRead =
  | { readonly kind: 'frame'; readonly frame: WalFrame; readonly next: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'torn' }
  | { readonly kind: 'damaged' };

/** Reads the frame at `at`. Entries and root are the caller's to compare. */
export function readWalFrame(bytes: Buffer, at: number): FrameRead {
  if (at === bytes.length) return { kind: 'end' };
  const rest = bytes.subarray(at);
  if (rest.length < FRAME_HEADER_BYTES) return { kind: isPrefixOfFrame(rest) ? 'torn' : 'damaged' };
  // A file system may have made room for a frame and lost its content: nothing but zeros, never acknowledged.
  if (rest[0] === 0 && rest.every((byte) => byte === 0)) return { kind: 'torn' };
  const check = nativeSha256(rest.subarray(0, CHECKED_BYTES)).subarray(0, 8);
  if (
    rest.readUInt32BE(0) !== FRAME_MAGIC ||
    !equal(check, rest.subarray(CHECKED_BYTES, FRAME_HEADER_BYTES))
  ) {
    return { kind: 'damaged' };
  }
  const next = at + FRAME_HEADER_BYTES + rest.readUInt32BE(16);
  if (next > bytes.length) return { kind: 'torn' };
  const frame: WalFrame = {
    first: Number(rest.readBigUInt64BE(4)),
    count: rest.readUInt32BE(12),
    payload: bytes.subarray(at + FRAME_HEADER_BYTES, next),
    root: rest.subarray(20, CHECKED_BYTES),
  };
  return { kind: 'frame', frame, next };
}

const isPrefixOfFrame = (rest: Buffer): boolean => {
  const magic = Buffer.alloc(4);
  magic.writeUInt32BE(FRAME_MAGIC);
  const n = Math.min(4, rest.length);
  return rest.subarray(0, n).equals(magic.subarray(0, n)) || rest.every((byte) => byte === 0);
};
