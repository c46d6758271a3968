// The issuer's keyring: root keys by key id, several live during a rotation, one of them current; ids are never
// used twice. K = HKDF-SHA-256(root, info = label || canonical CBOR [version, issuer, key id, audience / null])
// (docs/design.md section 3). A service gets the key of its own audience and can mint only for itself with it.
import { concat, copyOf } from '../bytes.ts';
import { decode, encode } from '../cbor/index.ts';
import { AmbitError } from '../codes.ts';
import { hkdfSha256 } from '../crypto/index.ts';
import { LABELS } from '../labels.ts';
import { isName, requireName } from '../token/names.ts';
import { VERSION } from '../token/frame.ts';
import { keyPayload, keyText, SecretKey } from './key.ts';

/** `current` mints; `live` verifies; `retired` is refused. */
export type KeyStatus = 'current' | 'live' | 'retired';

/** A root key with its id. */
export interface RootKey {
  readonly keyId: string;
  readonly status: KeyStatus;
  readonly root: SecretKey<'root'>;
}

/** The derived key of one audience (null: the domain key, which stays with the issuer). */
export class VerificationKey {
  readonly issuer: string;
  readonly keyId: string;
  readonly audience: string | null;
  /** Retired keys still verify, so their tokens get `key_retired` instead of `token_invalid`. */
  readonly retired: boolean;
  readonly #key: Uint8Array;

  constructor(issuer: string, keyId: string, audience: string | null, key: Uint8Array, retired = false) {
    if (!(key instanceof Uint8Array) || key.length !== 32)
      throw new TypeError('verification key: expected 32 bytes');
    this.issuer = requireName('issuer', issuer);
    this.keyId = requireName('key id', keyId);
    this.audience = audience === null ? null : requireName('audience', audience);
    this.retired = retired;
    this.#key = copyOf(key);
  }

  /** A copy of the secret bytes. */
  unsafeBytes(): Uint8Array {
    return copyOf(this.#key);
  }

  /** `ambsec_verification_...`: for a file of mode 0600 at the service. AmbitError `key_invalid` for a domain key. */
  unsafeText(): string {
    if (this.audience === null)
      throw new AmbitError('key_invalid', 'The domain key is not exported; name an audience.');
    return keyText(PREFIX, encode([this.issuer, this.keyId, this.audience, this.#key, this.retired]));
  }

  toString(): string {
    return `[verification key ${this.keyId} of ${this.issuer} for ${this.audience ?? 'the domain'}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** Reads the text form; AmbitError `key_invalid`. */
  static parse(text: string): VerificationKey {
    const payload = keyPayload(PREFIX, text);
    const value = payload === null ? null : (decode(payload)?.value ?? null);
    if (Array.isArray(value) && value.length === 5) {
      const [issuer, keyId, audience, key, retired] = value as readonly unknown[];
      if (
        typeof issuer === 'string' && isName(issuer) && typeof keyId === 'string' && isName(keyId) &&
        typeof audience === 'string' && isName(audience) && key instanceof Uint8Array && key.length === 32 &&
        typeof retired === 'boolean'
      ) return new VerificationKey(issuer, keyId, audience, key, retired); // prettier-ignore
    }
    throw new AmbitError(
      'key_invalid',
      'Expected a verification key (ambsec_verification_...), whole and unchanged.',
    );
  }
}

const PREFIX = 'ambsec_verification_';

/** Derives the verification key of a root key for an audience, or for the domain (null). */
export function deriveKey(issuer: string, key: RootKey, audience: string | null): VerificationKey {
  const info = concat(LABELS.key.bytes, encode([VERSION, issuer, key.keyId, audience]));
  const bytes = hkdfSha256(key.root.unsafeBytes(), undefined, info);
  return new VerificationKey(issuer, key.keyId, audience, bytes, key.status === 'retired');
}

/** An immutable keyring; each change returns another one. */
export class Keyring {
  readonly issuer: string;
  readonly keys: readonly RootKey[];

  /** Throws AmbitError `key_invalid` for a repeated id or for any number of current keys but one. */
  constructor(issuer: string, keys: readonly RootKey[]) {
    this.issuer = requireName('issuer', issuer);
    for (const { keyId, root } of keys) {
      requireName('key id', keyId);
      if (!(root instanceof SecretKey) || root.use !== 'root')
        throw new TypeError('keyring: expected root keys');
    }
    if (new Set(keys.map((k) => k.keyId)).size !== keys.length) {
      throw new AmbitError('key_invalid', 'A key id occurs twice in the keyring; ids are not reused.');
    }
    if (keys.filter((k) => k.status === 'current').length !== 1) {
      throw new AmbitError('key_invalid', 'A keyring has exactly one current key.');
    }
    this.keys = Object.freeze(keys.map((k) => Object.freeze({ ...k })));
  }

  /** A keyring with one new key, `k1`. */
  static create(issuer: string): Keyring {
    return new Keyring(issuer, [{ keyId: 'k1', status: 'current', root: SecretKey.generate('root') }]);
  }

  /** The key that mints. */
  get current(): RootKey {
    return this.keys.find((k) => k.status === 'current')!;
  }

  /** With a new current key; the old one stays live until it is retired. */
  rotate(): Keyring {
    let n = this.keys.length + 1;
    while (this.keys.some((k) => k.keyId === `k${n}`)) n++;
    const keyId = `k${n}`;
    const kept = this.keys.map((k) => (k.status === 'current' ? { ...k, status: 'live' as const } : k));
    return new Keyring(this.issuer, [
      ...kept,
      { keyId, status: 'current', root: SecretKey.generate('root') },
    ]);
  }

  /** With a key retired; AmbitError `key_unknown`, or `key_invalid` for the current one. */
  retire(keyId: string): Keyring {
    const key = this.keys.find((k) => k.keyId === keyId);
    if (key === undefined) throw new AmbitError('key_unknown', `No key ${keyId} in the keyring.`);
    if (key.status === 'current')
      throw new AmbitError('key_invalid', 'The current key mints; rotate before you retire it.');
    return new Keyring(
      this.issuer,
      this.keys.map((k) => (k === key ? { ...k, status: 'retired' as const } : k)),
    );
  }

  /** The verification keys of every root key for one audience: what its service is given. */
  exportFor(audience: string): readonly VerificationKey[] {
    return this.keys.map((k) => deriveKey(this.issuer, k, audience));
  }

  /** The domain keys: for the issuer and a central guard only. */
  domainKeys(): readonly VerificationKey[] {
    return this.keys.map((k) => deriveKey(this.issuer, k, null));
  }
}
