// Changing the operator's configuration: what a change would do, and doing it. Reading one is identity's.
import { AmbitError } from '@ambit/core';
import {
  apply,
  diffConfigurations,
  readOperator,
  recordOf,
  registrationOf,
  type Applied,
  type ConfigurationDiff,
  type LiveSession,
  type Registration,
} from '@ambit/identity';

/** What changes from one text to the next, for users and for live sessions. AmbitError `config_invalid` for a text that is not fine, or another operator's. */
export function diffConfigurationTexts(
  old: string,
  next: string,
  sessions: Iterable<LiveSession>,
  now: number,
): ConfigurationDiff {
  const before = readOperator(old, 'old');
  const after = readOperator(next, 'new');
  if (before.id !== after.id) {
    throw new AmbitError(
      'config_invalid',
      `The configurations are of two operators: ${before.id} and ${after.id}.`,
    );
  }
  return diffConfigurations(before, after, sessions, now);
}

/** Puts a configuration in force: what to keep from now on, and what changes. `previous` is what was kept before. */
export function applyConfiguration(
  text: string,
  previous: Applied | null,
  sessions: Iterable<LiveSession>,
  now: number,
): {
  readonly applied: Applied;
  readonly registration: Registration;
  readonly diff: ConfigurationDiff | null;
} {
  const operator = readOperator(text);
  const before = previous === null ? null : registrationOf(previous);
  const registration = apply(operator, now, before);
  const diff = before === null ? null : diffConfigurations(before.operator, operator, sessions, now);
  const applied = { text, record: recordOf(registration) };
  return { applied, registration, diff };
}
