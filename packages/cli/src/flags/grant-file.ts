// The session file that `mint --from` takes: a JSON object of the fields below. An unknown field is refused, because
// it could be meant to restrict something.
import {
  fromHex,
  isLabel,
  isName,
  isToolPattern,
  parseJson,
  type GrantSpec,
  type Json,
  type JsonObject,
} from '@ambit/core';
import { badInput } from '../failure.ts';
import { rfc3339 } from './times.ts';

/** A grant as far as the file says it, and who is to sign. */
export interface FromFile {
  readonly spec: Omit<GrantSpec, 'delegations' | 'audience' | 'restrictions' | 'tokenId'>;
  readonly signedBy: string | undefined;
}

const REQUIRED = [
  'session_id',
  'model_id',
  'operator_id',
  'user_id',
  'issued_at',
  'expires_at',
  'authorized_tools',
] as const;
const OPTIONAL = ['data_scope', 'deny_list', 'max_external_calls', 'signed_by'] as const;

/** `name@sha256:hex` as id and digest; a Failure that names the field. */
export function modelOf(field: string, text: string): { readonly id: string; readonly digest: Uint8Array } {
  const m = /^(.+)@sha256:([0-9a-f]{64})$/.exec(text);
  const digest = m === null ? null : fromHex(m[2]!);
  if (m === null || digest === null || !isName(m[1]!)) {
    throw badInput(`${field}: expected NAME@sha256:DIGEST with 64 lower-case hexadecimal digits`);
  }
  return { id: m[1]!, digest };
}

/** Reads the file's text. Failure `input_invalid` that names the file and the field. */
export function readGrantFile(where: string, text: string): FromFile {
  const read = parseJson(text);
  const fail = (why: string): never => {
    throw badInput(`${where}: ${why}`);
  };
  if (!read.ok) return fail(`not strict JSON: ${read.reason}`);
  const o = isObject(read.value) ? read.value : fail('expected a JSON object');
  for (const field of Object.keys(o)) {
    if (![...REQUIRED, ...OPTIONAL].some((known) => known === field))
      fail(`"${field}" is not a field of a session; remove it`);
  }
  for (const field of REQUIRED) if (!Object.hasOwn(o, field)) fail(`"${field}" is missing`);
  const textOf = (field: string): string => {
    const value = o[field];
    return typeof value === 'string' && isName(value) ? value : fail(`"${field}": expected a name`);
  };
  const listOf = (field: string, what: string, valid: (text: string) => boolean): readonly string[] => {
    const value = o[field];
    if (!Array.isArray(value)) return fail(`"${field}": expected a list of texts`);
    return value.map((item: Json) =>
      typeof item === 'string' && valid(item)
        ? item
        : fail(`"${field}": ${JSON.stringify(item)} is not a ${what}`),
    );
  };
  const timeOf = (field: string): number =>
    rfc3339(textOf(field)) ?? fail(`"${field}": expected an RFC 3339 time such as 2026-03-01T14:00:00Z`);
  const limit = o['max_external_calls'];
  if (limit !== undefined && !(typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 0))
    fail('"max_external_calls": expected a whole number');
  return {
    signedBy: Object.hasOwn(o, 'signed_by') ? textOf('signed_by') : undefined,
    spec: {
      session: textOf('session_id'),
      model: modelOf(`${where}: "model_id"`, textOf('model_id')),
      operator: { id: textOf('operator_id') },
      user: textOf('user_id'),
      issuedAt: timeOf('issued_at'),
      expires: timeOf('expires_at'),
      tools: listOf('authorized_tools', 'tool pattern', isToolPattern),
      ...(Object.hasOwn(o, 'data_scope') ? { data: listOf('data_scope', 'label', isLabel) } : {}),
      ...(Object.hasOwn(o, 'deny_list') ? { deny: listOf('deny_list', 'tool pattern', isToolPattern) } : {}),
      ...(typeof limit === 'number' ? { budgets: [{ unit: 'external', limit }] } : {}),
    },
  };
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
