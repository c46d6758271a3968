// Which configuration of an operator is in force, since when, and which ones before it still count because a
// grace period was stated. `apply` makes the next state; verifiers ask at every use (never cached). Going back
// to an earlier configuration does not bring its old tokens back: a token must have been minted since.
import { AmbitError, deny, type Denial } from '@ambit/core';
import type { Operator } from './operator.ts';

/** An earlier configuration whose tokens are still valid. Times are Unix seconds. */
export interface Retiring {
  /** Hexadecimal digest of the configuration. */
  readonly digest: string;
  /** Tokens minted from here ... */
  readonly from: number;
  /** ... to here ... */
  readonly to: number;
  /** ... are valid until then, and no longer. */
  readonly until: number;
}

/** An operator's state: the configuration in force, and those that retire. */
export interface Registration {
  readonly operator: Operator;
  /** When it came into force. */
  readonly since: number;
  readonly retiring: readonly Retiring[];
}

/** A registration as it is kept beside the configuration's text. */
export interface RegistrationRecord {
  readonly v: 1;
  readonly operator: string;
  readonly digest: string;
  readonly since: number;
  readonly retiring: readonly Retiring[];
}

/** What is needed of a token here: a `TokenView` has it. */
export interface MintedUnder {
  readonly issuer: string;
  readonly issuedAt: number;
  readonly operator: { readonly id: string; readonly config: string | null };
}

/**
 * Puts a configuration in force. Without a stated grace period every token minted before is invalid from now
 * on; with one, the tokens minted under what was in force until now stay valid that long. The same
 * configuration again changes nothing. AmbitError `config_invalid` when it is another operator's.
 */
export function apply(operator: Operator, now: number, previous: Registration | null): Registration {
  requireTime(now);
  if (previous === null) return Object.freeze({ operator, since: now, retiring: Object.freeze([]) });
  if (previous.operator.id !== operator.id) {
    throw new AmbitError(
      'config_invalid',
      `This configuration is ${operator.id}'s, not ${previous.operator.id}'s.`,
    );
  }
  if (previous.operator.digestHex === operator.digestHex) return previous;
  // Later than before even if the clock stops or goes back, so that no two share a second.
  const since = Math.max(now, previous.since + 1);
  const { grace } = operator.config;
  const last: Retiring = {
    digest: previous.operator.digestHex,
    from: previous.since,
    to: since,
    until: since + grace,
  };
  const earlier = previous.retiring.map((r) => ({ ...r, until: Math.min(r.until, since + grace) }));
  const retiring = grace === 0 ? [] : [...earlier.filter((r) => r.until > since), last];
  return Object.freeze({ operator, since, retiring: Object.freeze(retiring.map((r) => Object.freeze(r))) });
}

/** Whether a token was minted under what is in force, or within a stated grace period; `until` in the second case. */
export function checkMintedUnder(
  token: MintedUnder,
  { operator, since, retiring }: Registration,
  now: number,
): { readonly ok: true; readonly until?: number } | Denial {
  if (token.operator.id !== operator.id || token.issuer !== operator.config.issuer) {
    return deny('operator_unknown', `${token.operator.id} by issuer ${token.issuer}`);
  }
  const digest = token.operator.config;
  if (digest === null) return deny('config_changed', 'it was minted without a configuration');
  if (digest === operator.digestHex && token.issuedAt >= since) return { ok: true };
  for (const r of retiring) {
    if (r.digest === digest && token.issuedAt >= r.from && token.issuedAt <= r.to) {
      return now < r.until
        ? { ok: true, until: r.until }
        : deny('config_changed', 'the grace period is over');
    }
  }
  return deny('config_changed');
}

/** The record to keep beside the configuration's text. */
export const recordOf = (r: Registration): RegistrationRecord => ({
  v: 1,
  operator: r.operator.id,
  digest: r.operator.digestHex,
  since: r.since,
  retiring: r.retiring,
});

/**
 * The registration that a record and its configuration state. AmbitError `config_changed` when the configuration
 * is not the one that was applied, `config_invalid` when the record is malformed.
 */
export function restore(operator: Operator, record: unknown): Registration {
  if (!isRecord(record))
    throw new AmbitError('config_invalid', 'The record of the applied configuration is malformed.');
  if (record.operator !== operator.id || record.digest !== operator.digestHex) {
    throw new AmbitError(
      'config_changed',
      'The configuration was changed after it was applied; apply it again.',
    );
  }
  const retiring = Object.freeze(record.retiring.map((r) => Object.freeze({ ...r })));
  return Object.freeze({ operator, since: record.since, retiring });
}

function isRecord(value: unknown): value is RegistrationRecord {
  if (typeof value !== 'object' || value === null) return false;
  const r = value as Partial<RegistrationRecord>;
  return (
    r.v === 1 &&
    isTime(r.since) &&
    Array.isArray(r.retiring) &&
    (r.retiring as readonly unknown[]).every(isRetiring)
  );
}

function isRetiring(value: unknown): value is Retiring {
  if (typeof value !== 'object' || value === null) return false;
  const r = value as Partial<Retiring>;
  return typeof r.digest === 'string' && isTime(r.from) && isTime(r.to) && isTime(r.until);
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function requireTime(now: number): void {
  if (!isTime(now)) throw new RangeError(`now: expected whole Unix seconds, got ${String(now)}`);
}
