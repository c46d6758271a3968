// Asking witnesses: submits a checkpoint with a proof from what each has seen, collects cosignatures until the policy
// is met. A dead witness costs a timeout and nothing else; one that has seen another history is an alarm.
import { AmbitError } from '../core.ts';
import { toBase64 } from '../base64.ts';
import { verifyCheckpoint, type SignedCheckpoint } from '../note/checkpoint.ts';
import type { VerifierKey } from '../note/key.ts';
import { parseNote } from '../note/note.ts';
import { satisfies, type Policy, type PolicyWitness } from '../note/policy.ts';

/** One attempt at one witness, in milliseconds (Tessera's default). */
const TIMEOUT = 1000;

/** What one witness said. */
export type WitnessResult =
  | { readonly witness: string; readonly ok: true; readonly line: string }
  | { readonly witness: string; readonly ok: false; readonly conflict: boolean; readonly why: string };

export interface CosignOptions {
  readonly policy: Policy;
  readonly log: VerifierKey;
  /** The consistency proof from a size the witness has seen to the checkpoint. */
  readonly proofFrom: (size: number) => Promise<readonly Uint8Array[]>;
  /** Sizes the witnesses are known to have seen; kept up to date. */
  readonly seen: Map<string, number>;
  readonly timeout?: number;
}

/** The checkpoint with all cosignatures that came, and whether they meet the policy. */
export interface Cosigned {
  readonly note: string;
  readonly checkpoint: SignedCheckpoint;
  readonly met: boolean;
  readonly results: readonly WitnessResult[];
}

/**
 * Submits `checkpoint` to every witness of the policy that has a URL, all at once. A misbehaving witness does
 * not make it reject.
 */
export async function cosign(checkpoint: SignedCheckpoint, options: CosignOptions): Promise<Cosigned> {
  const asked = options.policy.witnesses.filter((witness) => witness.url !== undefined);
  const results = await Promise.all(asked.map((witness) => ask(witness, checkpoint, options)));
  const lines = results.flatMap((result) => (result.ok ? [result.line] : []));
  const note = checkpoint.note + lines.join('');
  const verified =
    verifyCheckpoint(
      note,
      options.log,
      options.policy.witnesses.map((w) => w.key),
    ) ?? checkpoint;
  return { note, checkpoint: verified, met: satisfies(options.policy, verified), results };
}

async function ask(
  witness: PolicyWitness,
  checkpoint: SignedCheckpoint,
  options: CosignOptions,
): Promise<WitnessResult> {
  const refused = (why: string, conflict: boolean = false): WitnessResult => ({
    witness: witness.name,
    ok: false,
    conflict,
    why,
  });
  let old = Math.min(options.seen.get(witness.name) ?? 0, checkpoint.size);
  try {
    // The second attempt starts from the size that the first attempt was given; more would mean it answers at random.
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await submit(witness, old, checkpoint, options);
      const text = await response.text();
      if (response.status === 200) {
        const line = cosignatureOf(text, witness, checkpoint, options.log);
        if (line === null) return refused('its cosignature does not verify');
        options.seen.set(witness.name, checkpoint.size);
        return { witness: witness.name, ok: true, line };
      }
      if (response.status === 409 && attempt === 0 && /^(0|[1-9][0-9]{0,15})\n$/.test(text)) {
        const size = Number(text);
        if (size > checkpoint.size)
          return refused(
            `has cosigned ${size} entries, more than the ${checkpoint.size} of this log: it was rolled back`,
            true,
          );
        old = size;
        continue;
      }
      if (response.status === 422 || response.status === 409)
        return refused(`has seen another history of this log (HTTP ${response.status})`, true);
      return refused(`HTTP ${response.status}`);
    }
    return refused('its state changed during the request');
  } catch (error) {
    return refused(error instanceof Error ? error.message : 'unreachable');
  }
}

async function submit(
  witness: PolicyWitness,
  old: number,
  checkpoint: SignedCheckpoint,
  options: CosignOptions,
): Promise<Response> {
  const proof = await options.proofFrom(old);
  const url = new URL('add-checkpoint', witness.url!.endsWith('/') ? witness.url : `${witness.url}/`);
  return fetch(url, {
    method: 'POST',
    body: `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint.note}`,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    signal: AbortSignal.timeout(options.timeout ?? TIMEOUT),
    redirect: 'error',
  });
}

/** The one line of the answer that is the witness's own good cosignature; everything else is ignored. */
function cosignatureOf(
  text: string,
  witness: PolicyWitness,
  checkpoint: SignedCheckpoint,
  log: VerifierKey,
): string | null {
  const answered = parseNote(checkpoint.text + '\n' + text);
  for (const { line, name } of answered?.signatures ?? []) {
    if (name !== witness.key.name) continue;
    const signed = verifyCheckpoint(checkpoint.note + line, log, [witness.key]);
    if (signed?.signers.some(({ key }) => key === witness.key) === true) return line;
  }
  return null;
}

/** The first conflict among results, as the error that must stop a log. */
export function conflictOf(results: readonly WitnessResult[]): AmbitError | null {
  for (const result of results) {
    if (!result.ok && result.conflict)
      return new AmbitError('witness_conflict', `Witness ${result.witness} ${result.why}.`);
  }
  return null;
}
