// The logic behind `ambit config check|diff|apply`, `ambit model digest|sign|verify` and the layers part of
// `ambit explain`: texts and records in, values and messages out. The command line parses flags, reads and writes
// files and prints; nothing is decided there.
import { AmbitError, nobleProvider, type Denial, type Provider, type Signer } from '@ambit/core';
import { diffConfigurations, diffText, type ConfigurationDiff, type LiveSession } from './config/diff.ts';
import { parseConfiguration } from './config/parse.ts';
import { problemText, type ConfigProblem } from './config/source.ts';
import { attest, checkArtifact, verifyAttestation, type VerifiedAttestation } from './model/attestation.ts';
import { admit } from './model/admit.ts';
import { modelDigestText } from './model/digest.ts';
import { bundleText, envelopeText } from './model/dsse.ts';
import { measure, type MeasureOptions } from './model/measure.ts';
import type { Manifest } from './model/manifest.ts';
import { Operator } from './operator/operator.ts';
import {
  apply,
  recordOf,
  restore,
  type Registration,
  type RegistrationRecord,
} from './operator/registration.ts';
import type { LayersAnswer } from './session/layers.ts';

/** A configuration text that is fine, or its problems; `text` is what to print. */
export type Checked =
  | { readonly ok: true; readonly operator: Operator; readonly text: string }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[]; readonly text: string };

/** `ambit config check FILE`: `file` is the name to print before each line number. */
export function checkConfiguration(text: string, file = 'configuration'): Checked {
  const parsed = parseConfiguration(text);
  if (!parsed.ok) {
    const lines = parsed.problems.map((p) => `${file}:${problemText(p)}`);
    return { ok: false, problems: parsed.problems, text: `${lines.join('\n')}\n` };
  }
  const operator = new Operator(parsed.config);
  const { tools, models, groups, users } = parsed.config;
  const counts = `${tools.size} tools, ${models.size} models, ${groups.size} groups, ${users.size} users`;
  return {
    ok: true,
    operator,
    text: `operator ${operator.id}: ${counts}\ndigest sha256:${operator.digestHex}\n`,
  };
}

/** The operator of a text; AmbitError `config_invalid` with every problem. */
export function readOperator(text: string, file = 'configuration'): Operator {
  const checked = checkConfiguration(text, file);
  if (checked.ok) return checked.operator;
  throw new AmbitError('config_invalid', checked.text.trimEnd());
}

/** `ambit config diff OLD NEW`. AmbitError `config_invalid` for a text that is not fine, or another operator's. */
export function diffConfigurationTexts(
  old: string,
  next: string,
  sessions: Iterable<LiveSession>,
  now: number,
): { readonly diff: ConfigurationDiff; readonly text: string } {
  const before = readOperator(old, 'old');
  const after = readOperator(next, 'new');
  if (before.id !== after.id) {
    throw new AmbitError(
      'config_invalid',
      `The configurations are of two operators: ${before.id} and ${after.id}.`,
    );
  }
  const diff = diffConfigurations(before, after, sessions, now);
  return { diff, text: diffText(diff) };
}

/** What is kept of an applied configuration: its text, and the record beside it. */
export interface Applied {
  readonly text: string;
  readonly record: RegistrationRecord;
}

/** The registration of what was applied; AmbitError `config_changed` when the text was changed since. */
export const registrationOf = (applied: Applied): Registration =>
  restore(readOperator(applied.text), applied.record);

/** `ambit config apply FILE`: what to keep from now on, and what changes. `previous` is what was kept before. */
export function applyConfiguration(
  text: string,
  previous: Applied | null,
  sessions: Iterable<LiveSession>,
  now: number,
): {
  readonly applied: Applied;
  readonly registration: Registration;
  readonly diff: ConfigurationDiff | null;
  readonly text: string;
} {
  const operator = readOperator(text);
  const before = previous === null ? null : registrationOf(previous);
  const registration = apply(operator, now, before);
  const diff = before === null ? null : diffConfigurations(before.operator, operator, sessions, now);
  const applied = { text, record: recordOf(registration) };
  const { grace } = operator.config;
  const ends =
    grace === 0
      ? 'tokens minted before are invalid from now on'
      : `tokens minted before are valid for ${grace} s`;
  const head = `operator ${operator.id} sha256:${operator.digestHex}\n`;
  const body = diff === null ? '' : diffText(diff) + (diff.changed ? `${ends}\n` : '');
  return { applied, registration, diff, text: head + body };
}

/** `ambit model digest PATH`: prints `text`. */
export async function digestModel(
  path: string,
  options: MeasureOptions = {},
): Promise<{ readonly artifact: Manifest; readonly digest: string; readonly text: string }> {
  const artifact = await measure(path, options);
  const digest = modelDigestText(artifact.digest);
  return { artifact, digest, text: `${digest}\n` };
}

/** `ambit model sign PATH --model ID --key FILE`: `text` is the attestation to write, bare DSSE or a Sigstore bundle. */
export async function signModel(
  path: string,
  model: string,
  by: Signer<'model'>,
  options: MeasureOptions & { readonly bundle?: boolean } = {},
): Promise<{ readonly artifact: Manifest; readonly digest: string; readonly text: string }> {
  const { artifact, digest } = await digestModel(path, options);
  const envelope = attest(model, artifact, by);
  return { artifact, digest, text: options.bundle === true ? bundleText(envelope) : envelopeText(envelope) };
}

/**
 * `ambit model verify PATH --attestation FILE`: the artifact on disk, the attestation, and whether the operator
 * admits the model. Every refusal is a denial with its code.
 */
export async function verifyModel(
  path: string,
  attestationText: string,
  operator: Operator,
  options: MeasureOptions & { readonly provider?: Provider } = {},
): Promise<{ readonly ok: true; readonly attestation: VerifiedAttestation; readonly text: string } | Denial> {
  const attestation = verifyAttestation(
    attestationText,
    operator.config.signers,
    options.provider ?? nobleProvider,
  );
  if (!attestation.ok) return attestation;
  const measured = await measure(path, options);
  const same = checkArtifact(attestation, measured);
  if (!same.ok) return same;
  const admitted = admit(operator, attestation.model, measured, attestation);
  if ('ok' in admitted) return admitted;
  const digest = modelDigestText(measured.digest);
  return {
    ok: true,
    attestation,
    text: `${attestation.model}@${digest} attested by ${attestation.signer}\n`,
  };
}

/** The layers part of `ambit explain TOKEN --tool T`: a line for each layer, and which one forbids. */
export function layersText(answer: LayersAnswer): string {
  const width = Math.max(...answer.layers.map((l) => l.layer.length));
  const lines = answer.layers.map((l) => {
    const word = { allowed: 'allows', refused: 'forbids', not_asked: 'not asked' }[l.answer];
    const why = l.code === undefined ? '' : `  ${l.code}: ${l.message ?? ''}`;
    return `${l.layer.padEnd(width)}  ${word.padEnd(9)}  ${l.who}${why}`;
  });
  const grace =
    answer.ok && answer.until !== undefined ? `within a grace period that ends at ${answer.until}` : null;
  return `${[...lines, ...(grace === null ? [] : [grace])].join('\n')}\n`;
}
