// Content beside the log. The log holds a salted commitment; salt and content lie here and can be erased (a right
// to erasure, a retention period) without breaking any proof. Pseudonyms do the same for names: a keyed digest that
// still lets one person's records be found, until the key is erased.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AmbitError,
  concat,
  equal,
  fromBase64url,
  hmacSha256,
  nativeSha256,
  randomBytes,
  toBase64url,
  utf8,
} from '../core.ts';
import { makeDirectory, replaceFile } from '@ambit/files';
import { isMissing } from '../tile/source.ts';

const LABEL = utf8('ambit/1/audit-content\0');
const NAME_LABEL = utf8('ambit/1/audit-name\0');
const SALT_BYTES = 32;

/** SHA-256(label || salt || content), base64url. */
export const commitment = (salt: Uint8Array, content: Uint8Array): string =>
  toBase64url(nativeSha256(concat(LABEL, salt, content)));

/** A pseudonym of a name under an operator's key: `~` and 22 characters. The same name has the same pseudonym. */
export const pseudonym = (key: Uint8Array, name: string): string =>
  `~${toBase64url(hmacSha256(key, concat(NAME_LABEL, utf8(name))).subarray(0, 16))}`;

/** Content by commitment, in a directory of its own. */
export class Vault {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  #path(digest: string): string {
    if (fromBase64url(digest)?.length !== 32)
      throw new TypeError('commitment: expected base64url of 32 bytes');
    return join(this.#directory, digest);
  }

  /** Keeps content, durably, and returns the commitment for the record (`digest` with `salted`). */
  async put(content: Uint8Array): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const digest = commitment(salt, content);
    await makeDirectory(this.#directory);
    await replaceFile(this.#path(digest), concat(salt, content), true);
    return digest;
  }

  /** The content of a commitment, or null when it was erased. Throws AmbitError `audit_corrupt` when it is not what was committed to. */
  async get(digest: string): Promise<Uint8Array | null> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.#path(digest));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
    const [salt, content] = [bytes.subarray(0, SALT_BYTES), bytes.subarray(SALT_BYTES)];
    if (!equal(utf8(commitment(salt, content)), utf8(digest))) {
      throw new AmbitError('audit_corrupt', 'The content is not what the log committed to.');
    }
    return new Uint8Array(content);
  }

  /** Erases content and salt; the log and its proofs stay as they are. */
  async erase(digest: string): Promise<void> {
    await rm(this.#path(digest), { force: true });
  }

  /** The commitments whose content is still there. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => []);
    return names.filter((name) => fromBase64url(name)?.length === 32);
  }
}
