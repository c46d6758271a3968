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
  type LiveSessions,
  type Registration,
} from '@ambit/identity';

/** What `applyConfiguration` has done. */
export interface AppliedConfiguration {
  /** To be kept. */
  readonly applied: Applied;
  readonly registration: Registration;
  /** What changes for users and live sessions; null for the first of a home. */
  readonly diff: ConfigurationDiff | null;
}

/** What changes from one text to the next, for users and for live sessions. AmbitError `config_invalid` for a text that is not fine, or another operator's. */
export async function diffConfigurationTexts(
  old: string,
  next: string,
  sessions: LiveSessions,
  now: number,
): Promise<ConfigurationDiff> {
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
export async function applyConfiguration(
  text: string,
  previous: Applied | null,
  sessions: LiveSessions,
  now: number,
): Promise<AppliedConfiguration> {
  const operator = readOperator(text);
  const before = previous === null ? null : registrationOf(previous);
  const registration = apply(operator, now, before);
  const diff = before === null ? null : await diffConfigurations(before.operator, operator, sessions, now);
  const applied = { text, record: recordOf(registration) };
  return { applied, registration, diff };
}
