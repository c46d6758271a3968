// A baseline as a file: CBOR in a fixed order, so that the same baseline has the same bytes and one digest, which
// alerts and the audit log can name. Nobody else writes or signs it. Reading checks every number and every bound.
import { AmbitError, fromUtf8, sha256, toBase64url, utf8 } from '@ambit/core';
import { decodePlain, encodePlain } from '@ambit/cbor';
import type { Baseline } from './baseline.ts';
import { BASELINE_LIMITS, DETECTORS, emptyBaseline } from './baseline.ts';
import type { Moments } from './moments.ts';

const TABLES = [
  ['tools', BASELINE_LIMITS.tools],
  ['classes', BASELINE_LIMITS.tools],
  ['transitions', BASELINE_LIMITS.transitions],
  ['classTransitions', BASELINE_LIMITS.transitions],
  ['shapes', BASELINE_LIMITS.shapes],
  ['destinations', BASELINE_LIMITS.destinations],
] as const;
const MOMENTS = ['repeats', 'outBytes', 'sessionOut', 'sessionIn', 'gaps', 'refusals'] as const;

/** Bytes of a saved baseline at most: full tables with the longest names take less. */
export const BASELINE_BYTES: number = 1 << 26;

/** The baseline's bytes. */
export const saveBaseline = (base: Baseline): Uint8Array => {
  const plain: Record<string, unknown> = {
    version: base.version,
    deployment: base.deployment,
    generation: base.generation,
    sessions: base.sessions,
    calibration: base.calibration,
  };
  // Tables are lists of pairs, names are bytes: a tool may have any name, `__proto__` too (attack E10), and a
  // reader of texts could take a byte-order mark away.
  for (const [name] of TABLES) {
    const sorted = [...base[name]].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    plain[name] = sorted.map(([key, count]) => [utf8(key), count]);
  }
  for (const name of MOMENTS) plain[name] = [base[name].n, base[name].mean, base[name].m2];
  return encodePlain(plain);
};

/** base64url of SHA-256 of the baseline's bytes. */
export const baselineDigest = (base: Baseline): string => toBase64url(sha256(saveBaseline(base)));

const bad = (what: string): AmbitError => new AmbitError('input_invalid', `baseline ${what}.`);

/** Reads a baseline; AmbitError `input_invalid` says what is wrong with the bytes. */
export const readBaseline = (bytes: Uint8Array): Baseline => {
  const value = decodePlain(bytes, BASELINE_BYTES)?.value;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array)
    throw bad('is not a saved one: give the file that learning wrote');
  const plain = value as Readonly<Record<string, unknown>>;
  const number = (value: unknown, what: string): number => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < -1e15 || value > 1e15)
      throw bad(`${what}: expected a number`);
    return value;
  };
  if (plain['version'] !== 1) throw bad('version: expected 1');
  if (typeof plain['deployment'] !== 'string' || plain['deployment'].length > 1024)
    throw bad('deployment: expected a text');
  const base = emptyBaseline(plain['deployment']);
  base.generation = number(plain['generation'], 'generation');
  base.sessions = number(plain['sessions'], 'sessions');
  for (const [name, limit] of TABLES) {
    const pairs = plain[name];
    if (!Array.isArray(pairs) || pairs.length > limit + 1)
      throw bad(`${name}: expected at most ${String(limit)} pairs`);
    for (const pair of pairs as unknown[]) {
      const [key, count] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
      const text = key instanceof Uint8Array ? fromUtf8(key) : null;
      if (text === null || text.length > 1024) throw bad(`${name}: expected pairs`);
      base[name].set(text, number(count, name));
    }
  }
  for (const name of MOMENTS) {
    const three = plain[name];
    if (!Array.isArray(three) || three.length !== 3) throw bad(`${name}: expected three numbers`);
    const target: Moments = base[name];
    [target.n, target.mean, target.m2] = three.map((value) => number(value, name)) as [
      number,
      number,
      number,
    ];
  }
  const calibration = plain['calibration'];
  if (!Array.isArray(calibration) || ![0, DETECTORS.length + 1].includes(calibration.length))
    throw bad('calibration: expected one list a detector');
  base.calibration = (calibration as unknown[]).map((list) => {
    if (!Array.isArray(list) || list.length > BASELINE_LIMITS.calibration) throw bad('calibration: too long');
    const values = list.map((value) => number(value, 'calibration'));
    // An unsorted list would make p-values of nonsense.
    if (values.some((value, i) => i > 0 && value < (values[i - 1] ?? 0)))
      throw bad('calibration: expected ascending numbers');
    return values;
  });
  return base;
};
