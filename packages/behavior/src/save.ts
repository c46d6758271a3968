// A baseline as a file: canonical JSON (RFC 8785), so that the same baseline has the same bytes and one digest,
// which alerts and the audit log can name. Reading checks every number and every bound.
import { AmbitError, canonicalJson, sha256, toBase64url } from '@ambit/core';
import type { Json } from '@ambit/core';
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

/** The baseline's text: canonical JSON. */
export const saveBaseline = (base: Baseline): string => {
  const plain: { [name: string]: Json } = {
    version: base.version,
    deployment: base.deployment,
    generation: base.generation,
    sessions: base.sessions,
    calibration: base.calibration,
  };
  // Tables are lists of pairs: a tool may have any name, `__proto__` too (attack E10).
  for (const [name] of TABLES) plain[name] = [...base[name]].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const name of MOMENTS) plain[name] = [base[name].n, base[name].mean, base[name].m2];
  return canonicalJson(plain);
};

/** base64url of SHA-256 of the baseline's text. */
export const baselineDigest = (base: Baseline): string =>
  toBase64url(sha256(new TextEncoder().encode(saveBaseline(base))));

const bad = (what: string): AmbitError => new AmbitError('input_invalid', `baseline ${what}.`);

/** Reads a baseline; AmbitError `input_invalid` says what is wrong with the text. */
export const readBaseline = (text: string): Baseline => {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw bad('is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw bad('is not an object');
  const plain = parsed as Record<string, unknown>;
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
      if (!Array.isArray(pair) || typeof pair[0] !== 'string' || pair[0].length > 1024)
        throw bad(`${name}: expected pairs`);
      base[name].set(pair[0], number(pair[1], name));
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
