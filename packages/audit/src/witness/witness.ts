// A witness (C2SP tlog-witness): remembers the last checkpoint of each log it knows, cosigns the next one if and only
// if it continues that, and so notices forks and rollbacks. Run it where the log's owner has no hand.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, nativeSha256, toHex } from '../core.ts';
import { fromBase64 } from '../base64.ts';
import { lockDirectory, type Lock } from '../log/lock.ts';
import { DIRECTORY_MODE, replaceFile } from '@ambit/files';
import { EMPTY_ROOT } from '../merkle/hash.ts';
import { verifyConsistency } from '../merkle/proof.ts';
import {
  unverifiedCheckpoint,
  verifyCheckpoint,
  type Checkpoint,
  type SignedCheckpoint,
} from '../note/checkpoint.ts';
import { SIGNATURE, type SignerKey, type VerifierKey } from '../note/key.ts';
import { signatureLine } from '../note/note.ts';
import { isMissing } from '../tile/source.ts';

/** The answer to an `add-checkpoint` request, as HTTP has it. */
export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly body: string;
  readonly type: 'text/plain; charset=utf-8' | 'text/x.tlog.size';
}

export interface WitnessOptions {
  readonly directory: string;
  /** A cosigner key (type 0x04). */
  readonly signer: SignerKey;
  /** The logs it will witness. */
  readonly logs: readonly VerifierKey[];
  /** Unix seconds. */
  readonly nowSeconds?: () => number;
  /** Called after the new checkpoint is durable and before it is answered: a fleet log appends it here. */
  readonly onAccepted?: (checkpoint: SignedCheckpoint) => Promise<void>;
}

const answer = (status: WitnessAnswer['status'], body: string = ''): WitnessAnswer => ({
  status,
  body,
  type: status === 409 ? 'text/x.tlog.size' : 'text/plain; charset=utf-8',
});

/** The path under which a witness shows the checkpoint of a log: lower-case hexadecimal SHA-256 of the origin. */
export const originPath = (origin: string): string => toHex(nativeSha256(Buffer.from(origin)));

/** Reads the body of an `add-checkpoint` request; null when malformed. */
export function parseAddCheckpoint(
  body: string,
): { readonly old: number; readonly proof: Uint8Array[]; readonly note: string } | null {
  const cut = body.indexOf('\n\n');
  if (cut < 0) return null;
  const [first, ...lines] = body.slice(0, cut).split('\n');
  const [, old] = /^old (0|[1-9][0-9]{0,15})$/.exec(first!) ?? [];
  const proof = lines.map(fromBase64);
  if (old === undefined || !Number.isSafeInteger(Number(old)) || proof.length > 63) return null;
  if (!proof.every((hash): hash is Uint8Array => hash?.length === 32)) return null;
  return { old: Number(old), proof, note: body.slice(cut + 2) };
}

export class Witness {
  readonly #options: WitnessOptions;
  readonly #lock: Lock;
  /** One at a time for each log: check and store are one step. */
  readonly #turns = new Map<string, Promise<unknown>>();

  private constructor(options: WitnessOptions, lock: Lock) {
    this.#options = options;
    this.#lock = lock;
  }

  /** Opens a witness on a directory of its own, which no other process may use meanwhile. */
  static async open(options: WitnessOptions): Promise<Witness> {
    if (options.signer.verifier.type !== SIGNATURE.cosignature)
      throw new TypeError('signer: expected a cosigner key (type 0x04)');
    await mkdir(options.directory, { recursive: true, mode: DIRECTORY_MODE });
    return new Witness(options, await lockDirectory(options.directory));
  }

  get key(): VerifierKey {
    return this.#options.signer.verifier;
  }

  #path(origin: string): string {
    return join(this.#options.directory, `${originPath(origin)}.checkpoint`);
  }

  /** The latest cosigned note of the log whose origin has this hash, or null. */
  async latest(hash: string): Promise<string | null> {
    if (!/^[0-9a-f]{64}$/.test(hash)) return null;
    try {
      return await readFile(join(this.#options.directory, `${hash}.checkpoint`), 'utf8');
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async #stored(origin: string, log: VerifierKey): Promise<Checkpoint> {
    const note = await this.latest(originPath(origin));
    if (note === null) return { origin, size: 0, root: EMPTY_ROOT, extensions: [] };
    const stored = verifyCheckpoint(note, log, [this.key]);
    // A witness that has lost its memory must not begin a new one: it would cosign a second history.
    if (stored === null) throw new Error(`the stored checkpoint of ${origin} is damaged`);
    return stored;
  }

  /** Handles one request; resolves when the new state is durable. Rejects when state cannot be read or written (HTTP 500). */
  async add(body: string): Promise<WitnessAnswer> {
    const request = parseAddCheckpoint(body);
    const claimed = request === null ? null : unverifiedCheckpoint(request.note);
    if (request === null || claimed === null) return answer(400);
    const log = this.#options.logs.find((key) => key.name === claimed.origin);
    if (log === undefined) return answer(404);
    const checkpoint = verifyCheckpoint(request.note, log);
    if (checkpoint === null) return answer(403);
    const turn = (this.#turns.get(log.name) ?? Promise.resolve()).then(() =>
      this.#advance(request, checkpoint, log),
    );
    this.#turns.set(
      log.name,
      turn.catch(() => {}),
    );
    return turn;
  }

  async #advance(
    request: { old: number; proof: readonly Uint8Array[] },
    checkpoint: SignedCheckpoint,
    log: VerifierKey,
  ): Promise<WitnessAnswer> {
    const { old, proof } = request;
    if (old > checkpoint.size) return answer(400);
    const stored = await this.#stored(checkpoint.origin, log);
    if (old !== stored.size) return answer(409, `${stored.size}\n`);
    if (checkpoint.size === 0 && !equal(checkpoint.root, EMPTY_ROOT)) return answer(422);
    if (!verifyConsistency(old, checkpoint.size, proof, stored.root, checkpoint.root)) return answer(422);
    const time = (this.#options.nowSeconds ?? (() => Math.floor(Date.now() / 1000)))();
    const line = signatureLine(checkpoint.text, this.#options.signer, time);
    await this.#options.onAccepted?.(checkpoint);
    await replaceFile(this.#path(checkpoint.origin), checkpoint.note + line, true);
    return answer(200, line);
  }

  async close(): Promise<void> {
    await Promise.all(this.#turns.values());
    this.#lock.release();
  }
}
