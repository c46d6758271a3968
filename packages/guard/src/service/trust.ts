// Whom a service trusts: the keys of issuers as texts whose prefixes say what each is, or an operator's configuration,
// which names them and classifies tools.
import { readFileSync } from 'node:fs';
import { AmbitError, prefixOf, PublicKey, VerificationKey, type Problems, type SealKey } from '@ambit/core';
import { textOf, unreadable } from '@ambit/core/node';
import { readOperator, verifierSeals, type Operator } from '@ambit/identity';

/**
 * Keys, one a line, or the file that has them: verification keys as `ambit keyring export` writes them, and
 * `ISSUER=ambpub_issuer_...` for issuers whose sealed tokens are verified by signatures. Or the file of an operator's
 * configuration, with the verification keys of its issuer where its tokens are not all sealed.
 */
export type Trust = string | { readonly operator: string; readonly keys?: string };

/** The same, read. */
export interface Trusted {
  readonly keys: readonly VerificationKey[];
  readonly seals: readonly SealKey[];
  /** Issuers that are known by a seal key alone. */
  readonly federated: readonly string[];
  readonly operator: { readonly text: string; readonly operator: Operator } | null;
}

/** Reads everything; what is wrong goes to `problems`. `audience`: absent, the one that the keys name. */
export function readTrust(
  trust: Trust,
  audience: string | undefined,
  problems: Problems,
): Trusted & { readonly audience: string | undefined } {
  if (typeof trust === 'object') problems.unknown(trust, { operator: true, keys: true });
  const texts = typeof trust === 'string' ? trust : trust.keys;
  let own = audience;
  const keys: VerificationKey[] = [];
  const seals: SealKey[] = [];
  const lines = texts === undefined ? '' : (problems.attempt('trust', () => linesOf(texts)) ?? '');
  const read = (line: string): void => {
    const key = keyOf(line);
    if (!(key instanceof VerificationKey)) return void seals.push(key);
    if (key.audience !== null && key.audience !== (own ??= key.audience))
      throw new AmbitError('key_invalid', `it is for ${key.audience}, not for ${own}`);
    keys.push(key);
  };
  eachLine(lines, read, problems);
  const operator =
    typeof trust === 'string'
      ? null
      : (problems.attempt('trust.operator', () => configurationAt(trust.operator)) ?? null);
  const all = [...seals, ...(operator === null ? [] : verifierSeals(operator.operator.config).seals)];
  const held = new Set(keys.map((k) => k.issuer));
  const federated = [...new Set(all.map((s) => s.issuer))].filter((issuer) => !held.has(issuer));
  return { keys, seals: all, federated, operator, audience: own };
}

// An issuer's own keyring is JSON: one word about it, and not one for each of its lines.
function linesOf(source: string): string {
  const text = textOf(source);
  if (/^[{[]/.test(text))
    throw new AmbitError(
      'key_invalid',
      'expected verification keys, got JSON; a keyring stays with its issuer: `ambit keyring export` writes the keys for a service',
    );
  return text;
}

// What is wrong with several lines in the same way is said once, for the first.
function eachLine(text: string, read: (line: string) => void, problems: Problems): void {
  const wrong = new Map<string, number[]>();
  text.split('\n').forEach((line, i) => {
    if (line === '') return;
    try {
      read(line);
    } catch (error) {
      if (!(error instanceof AmbitError)) throw error;
      wrong.set(error.message, [...(wrong.get(error.message) ?? []), i + 1]);
    }
  });
  for (const [message, [first, ...more]] of wrong)
    problems.add(`trust, line ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`, message);
}

function keyOf(line: string): VerificationKey | SealKey {
  if (line.startsWith('ambsec_verification_')) return VerificationKey.parse(line);
  const at = line.indexOf('=');
  if (at > 0) return { issuer: line.slice(0, at), key: PublicKey.parse('issuer', line.slice(at + 1)) };
  // The line may be a secret of another kind: how it begins is all that is repeated of it.
  const begins = prefixOf(line);
  const got =
    begins === null
      ? 'something else'
      : begins === 'ambpub_issuer_'
        ? "an issuer's public key without its name"
        : `a text that begins with ${begins}`;
  throw new AmbitError(
    'key_invalid',
    `expected a verification key (ambsec_verification_...), or ISSUER=ambpub_issuer_...; got ${got}`,
  );
}

function configurationAt(path: string): NonNullable<Trusted['operator']> {
  if (typeof path !== 'string' || path === '')
    throw new TypeError("expected the file of the operator's configuration");
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable('configuration', path, error);
  }
  return { text, operator: readOperator(text, path) };
}
