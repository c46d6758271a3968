// From texts to what is in force: an operator, or every problem of its configuration; and the registration of what
// was applied. Used by all who hold a configuration: issuer, service, command line.
import { AmbitError } from '@ambit/core';
import { parseConfiguration } from '../config/parse.ts';
import { problemText, type ConfigProblem } from '../config/source.ts';
import { Operator } from './operator.ts';
import { restore, type Registration, type RegistrationRecord } from './registration.ts';

/** A configuration text that is fine, or all its problems. */
export type Checked =
  | { readonly ok: true; readonly operator: Operator }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

/** Reads a configuration; a value either way. */
export function checkConfiguration(text: string): Checked {
  const parsed = parseConfiguration(text);
  return parsed.ok ? { ok: true, operator: new Operator(parsed.config) } : parsed;
}

/** The operator of a text; AmbitError `config_invalid` with every problem, each after the name `file`. */
export function readOperator(text: string, file = 'configuration'): Operator {
  const checked = checkConfiguration(text);
  if (checked.ok) return checked.operator;
  throw new AmbitError('config_invalid', checked.problems.map((p) => `${file}:${problemText(p)}`).join('\n'));
}

/** What is kept of an applied configuration: its text, and the record beside it. */
export interface Applied {
  readonly text: string;
  readonly record: RegistrationRecord;
}

/** The registration of what was applied; AmbitError `config_changed` when the text was changed since. */
export const registrationOf = (applied: Applied): Registration =>
  restore(readOperator(applied.text), applied.record);
