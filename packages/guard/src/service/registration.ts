// Which configuration of the operator is in force here, and since when: a token that was minted under an earlier one
// is refused, also after the file was put back. A home of the service's own remembers it; in the issuer's home,
// `ambit config apply` has put it in force, and the file has to be that one.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AmbitError } from '@ambit/core';
import { FILE_MODE, replaceFileSync } from '@ambit/files';
import { apply, recordOf, registrationOf, type Applied, type Registration } from '@ambit/identity';
import type { Trusted } from './trust.ts';

/** The registration of a configuration at `home`; null: nothing is remembered, and the file alone decides. */
export function registrationAt(
  home: string | null,
  { text, operator }: NonNullable<Trusted['operator']>,
  now: number,
): Registration {
  if (home === null) return apply(operator, 0, null);
  const path = join(home, 'configuration.json');
  const before = existsSync(path) ? registrationOf(JSON.parse(readFileSync(path, 'utf8')) as Applied) : null;
  if (before !== null && before.operator.digestHex === operator.digestHex) return before;
  if (existsSync(join(home, 'keyring.json')))
    throw new AmbitError(
      'config_changed',
      'The configuration is not the one in force in this home: `ambit config apply` it.',
    );
  const registration = apply(operator, before === null ? 0 : now, before);
  replaceFileSync(
    path,
    `${JSON.stringify({ text, record: recordOf(registration) } satisfies Applied)}\n`,
    FILE_MODE,
  );
  return registration;
}
