// Entries as a signed list holds them: canonical CBOR [kind, issuer / null, value, reason, time, expires / null, seq].
// What is read is checked like what is added: whoever hands a list over may be hostile.
import { AmbitError, type Cbor } from '@ambit/core';
import { checkRevocation, type Revocation, type RevocationKind } from '../revocations.ts';

export const toRow = (e: Revocation): Cbor => [
  e.kind,
  e.issuer ?? null,
  e.value,
  e.reason,
  e.time,
  e.expires ?? null,
  e.seq,
];

/** The entries of rows in an issuer's list, or null: an issuer can't revoke another issuer's names. */
export function entriesOf(rows: readonly unknown[], issuer: string): Revocation[] | null {
  const entries: Revocation[] = [];
  for (const row of rows) {
    const entry = toEntry(row);
    if (entry === null || (entry.issuer !== undefined && entry.issuer !== issuer)) return null;
    entries.push(entry);
  }
  return entries;
}

function toEntry(row: unknown): Revocation | null {
  if (!Array.isArray(row) || row.length !== 7) return null;
  const [kind, issuer, value, reason, time, expires, seq] = row as readonly unknown[];
  if (
    typeof time !== 'number' ||
    typeof seq !== 'number' ||
    typeof value !== 'string' ||
    typeof reason !== 'string'
  )
    return null;
  if ((issuer !== null && typeof issuer !== 'string') || (expires !== null && typeof expires !== 'number'))
    return null;
  try {
    const input = checkRevocation({
      kind: kind as RevocationKind,
      value,
      reason,
      ...(issuer === null ? {} : { issuer }),
      ...(expires === null ? {} : { expires }),
    });
    return Object.freeze({ ...input, time, seq });
  } catch (error) {
    if (error instanceof AmbitError) return null;
    throw error;
  }
}
