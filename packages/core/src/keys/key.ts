// Keys, typed by use: a holder's key can't be passed where an issuer's seal key is asked for, neither to the
// compiler nor as text. The text form is `ambpub_<use>_` or `ambsec_<use>_`, base64url, and a four-byte
// checksum that catches a cut or mistyped paste. Secrets print as their kind, never as their bytes (law L12).
import { concat, copyOf, equal, fromBase64url, toBase64url, utf8 } from '../bytes.ts';
import { AmbitError } from '../codes.ts';
import { nobleProvider, randomBytes, sha256, type Provider } from '../crypto/index.ts';

/** What a public key is for: Ed25519 for holders, issuer seals and model attestations, X25519 for session proofs. */
export type PublicUse = 'holder' | 'issuer' | 'model' | 'x25519';
/** What a secret key is for; `root` keys make verification keys, which are in `keyring.ts`. */
export type SecretUse = 'root' | 'holder' | 'issuer' | 'model' | 'x25519';

const PUBLIC_USES: readonly PublicUse[] = ['holder', 'issuer', 'model', 'x25519'];
const SECRET_USES: readonly SecretUse[] = ['root', 'holder', 'issuer', 'model', 'x25519'];

const checksum = (prefix: string, payload: Uint8Array): Uint8Array =>
  sha256(utf8(prefix), payload).subarray(0, 4);

/** `prefix` and `payload` as text, with a checksum over both. */
export const keyText = (prefix: string, payload: Uint8Array): string =>
  prefix + toBase64url(concat(payload, checksum(prefix, payload)));

/** The payload of a text made by `keyText`, or null when prefix, alphabet or checksum is not right. */
export function keyPayload(prefix: string, text: string): Uint8Array | null {
  if (!text.startsWith(prefix) || text.length > 4096) return null;
  const bytes = fromBase64url(text, prefix.length);
  if (bytes === null || bytes.length < 4) return null;
  const payload = bytes.slice(0, -4);
  return equal(checksum(prefix, payload), bytes.subarray(-4)) ? payload : null;
}

/** A public key of 32 bytes. */
export class PublicKey<U extends PublicUse = PublicUse> {
  readonly use: U;
  readonly #bytes: Uint8Array;

  constructor(use: U, bytes: Uint8Array) {
    if (!PUBLIC_USES.includes(use))
      throw new TypeError(`use: expected ${PUBLIC_USES.join(', ')}, got ${String(use)}`);
    if (!(bytes instanceof Uint8Array) || bytes.length !== 32)
      throw new TypeError('public key: expected 32 bytes');
    this.use = use;
    this.#bytes = copyOf(bytes);
  }

  /** A copy of the 32 bytes. */
  get bytes(): Uint8Array {
    return copyOf(this.#bytes);
  }

  /** `ambpub_<use>_...` */
  toString(): string {
    return keyText(`ambpub_${this.use}_`, this.#bytes);
  }

  toJSON(): string {
    return this.toString();
  }

  /** Reads the text form; AmbitError `key_invalid` when it is not a public key for `use`. */
  static parse<U extends PublicUse>(use: U, text: string): PublicKey<U> {
    const bytes = keyPayload(`ambpub_${use}_`, text);
    if (bytes?.length !== 32) throw new AmbitError('key_invalid', notA(`public ${use} key`, text));
    return new PublicKey(use, bytes);
  }
}

/** A secret key of 32 bytes: an Ed25519 seed, an X25519 scalar, or a root secret. */
export class SecretKey<U extends SecretUse = SecretUse> {
  readonly use: U;
  readonly #bytes: Uint8Array;

  constructor(use: U, bytes: Uint8Array) {
    if (!SECRET_USES.includes(use))
      throw new TypeError(`use: expected ${SECRET_USES.join(', ')}, got ${String(use)}`);
    if (!(bytes instanceof Uint8Array) || bytes.length !== 32)
      throw new TypeError('secret key: expected 32 bytes');
    this.use = use;
    this.#bytes = copyOf(bytes);
  }

  /** A new key from the platform's randomness. */
  static generate<U extends SecretUse>(use: U): SecretKey<U> {
    return new SecretKey(use, randomBytes(32));
  }

  /** A copy of the secret bytes. The caller keeps them out of logs, errors and sight. */
  unsafeBytes(): Uint8Array {
    return copyOf(this.#bytes);
  }

  /** `ambsec_<use>_...`: for a file of mode 0600, and nothing else. */
  unsafeText(): string {
    return keyText(`ambsec_${this.use}_`, this.#bytes);
  }

  /** What may be shown of it. */
  toString(): string {
    return `[${this.use} secret key]`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** Reads the text form; AmbitError `key_invalid`, without echoing anything of a secret. */
  static parse<U extends SecretUse>(use: U, text: string): SecretKey<U> {
    const bytes = keyPayload(`ambsec_${use}_`, text);
    if (bytes?.length !== 32) throw new AmbitError('key_invalid', notA(`secret ${use} key`, text));
    return new SecretKey(use, bytes);
  }
}

/** The public half of a secret key. */
export function publicKey<U extends PublicUse>(
  secret: SecretKey<U>,
  provider: Provider = nobleProvider,
): PublicKey<U> {
  const bytes = secret.unsafeBytes();
  return new PublicKey(
    secret.use,
    secret.use === 'x25519' ? provider.x25519PublicKey(bytes) : provider.publicKey(bytes),
  );
}

/** How a text of ours begins, such as `ambsec_holder_`: its kind, which is no secret. Null for any other text. */
export const prefixOf = (text: string): string | null =>
  /^amb(?:pub|sec)_[a-z0-9]{1,16}_|^amb[a-z]?1_/.exec(text)?.[0] ?? null;

// Says what was given by its prefix alone.
function notA(expected: string, text: string): string {
  const kind = prefixOf(text);
  return kind === null
    ? `Expected a ${expected}, got something else; check that it was copied whole.`
    : `Expected a ${expected}, got a text that begins with ${kind} and is of another kind, cut or mistyped.`;
}
