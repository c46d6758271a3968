// Where things lie in a log (C2SP tlog-tiles): `checkpoint`, `tile/<L>/<N>[.p/<W>]`,
// `tile/entries/<N>[.p/<W>]`, N in groups of three digits, all but the last with an x before them.
import { TILE_WIDTH } from '../merkle/edge.ts';

/** A tile of hashes (level 0 to 63) or a bundle of entries (`'entries'`). */
export type TileLevel = number | 'entries';

/** What a path names. `width` is 1 to 255 for a partial tile and 256 for a full one. */
export interface TileName {
  readonly level: TileLevel;
  readonly index: number;
  readonly width: number;
}

/** 1234067 -> `x001/x234/067`. */
export function indexPath(index: number): string {
  if (!Number.isSafeInteger(index) || index < 0)
    throw new RangeError(`tile index: expected a whole number, got ${index}`);
  let path = String(index % 1000).padStart(3, '0');
  for (let n = Math.floor(index / 1000); n > 0; n = Math.floor(n / 1000)) {
    path = `x${String(n % 1000).padStart(3, '0')}/${path}`;
  }
  return path;
}

/** The path of a tile or bundle, relative to the log's prefix. */
export function tilePath({ level, index, width }: TileName): string {
  if (!(width >= 1 && width <= TILE_WIDTH))
    throw new RangeError(`tile width: expected 1 to 256, got ${width}`);
  const partial = width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${indexPath(index)}${partial}`;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*)([0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The tile a relative path names, or null when it names none in the one canonical way. */
export function parseTilePath(path: string): TileName | null {
  const match = PATH.exec(path);
  if (match === null) return null;
  const level: TileLevel = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number(match[2]!.replace(/[x/]/g, '') + match[3]!);
  const width = match[4] === undefined ? TILE_WIDTH : Number(match[4]);
  if ((level !== 'entries' && level > 63) || width > TILE_WIDTH || !Number.isSafeInteger(index)) return null;
  const name: TileName = { level, index, width };
  return (match[4] !== undefined && width === TILE_WIDTH) || tilePath(name) !== path ? null : name;
}

/** Rows that a tree of `size` has at a level; entries count as level 0. */
const rowsAt = (level: TileLevel, size: number): number =>
  level === 'entries' ? size : Math.floor(size / TILE_WIDTH ** level);

/** The width of tile `index` of a level in a tree of `size`: 0 (none) to 256. */
export const widthAt = (level: TileLevel, index: number, size: number): number =>
  Math.max(0, Math.min(TILE_WIDTH, rowsAt(level, size) - index * TILE_WIDTH));
