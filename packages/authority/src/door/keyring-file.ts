// The keyring of a home, `keyring.json`: one form for `ambit keyring`, `ambit mint` and `openAuthority`. It changes under
// its lock, by one rename, so that a rotation and a naming at once lose neither.
import { join } from 'node:path';
import { AmbitError, Keyring, SecretKey, type KeyStatus } from '@ambit/core';
import { readOpened, unreadable, type OpenedFile } from '@ambit/core/node';
import { acquireLock, FILE_MODE, lockHolder, replaceFileSync } from '@ambit/files';

/** What stands in the file. */
export interface KeyringFile {
  readonly v: 1;
  /** Null until the first token names it. */
  readonly issuer: string | null;
  readonly keys: readonly { readonly keyId: string; readonly status: KeyStatus; readonly root: string }[];
}

const LIMIT_BYTES = 1 << 20;
/** Milliseconds that another's change is waited for. */
const LOCK_WAIT_MS = 10_000;

/** A keyring of one new key. */
export const newKeyringFile = (issuer: string | null): KeyringFile => ({
  v: 1,
  issuer,
  keys: [{ keyId: 'k1', status: 'current', root: SecretKey.generate('root').unsafeText() }],
});

/** The file as text. */
export const keyringFileText = (file: KeyringFile): string => `${JSON.stringify(file, null, 2)}\n`;

/** The file that a text says; null when it is none of this version. JSON.parse quotes what it read, and is not heard. */
export function parseKeyringFile(text: string): KeyringFile | null {
  let value: Partial<KeyringFile> | null;
  try {
    value = JSON.parse(text) as Partial<KeyringFile> | null;
  } catch {
    return null;
  }
  const sound =
    value?.v === 1 &&
    Array.isArray(value.keys) &&
    (value.issuer === null || typeof value.issuer === 'string');
  return sound ? (value as KeyringFile) : null;
}

/** The keyring; a keyring without a name rotates like any other, for the name is not part of a root key. */
export const keyringIn = ({ issuer, keys }: KeyringFile): Keyring =>
  new Keyring(
    issuer ?? 'unnamed',
    keys.map(({ keyId, status, root }) => ({ keyId, status, root: SecretKey.parse('root', root) })),
  );

/** The same file with the keys of a keyring. */
export const withKeysOf = (file: KeyringFile, keyring: Keyring): KeyringFile => ({
  ...file,
  keys: keyring.keys.map(({ keyId, status, root }) => ({ keyId, status, root: root.unsafeText() })),
});

/** Reads the keyring of a home. AmbitError: `file_missing`, `io_failed`, `key_exposed`, `key_invalid`. */
export function readKeyringFile(home: string): KeyringFile {
  const path = join(home, 'keyring.json');
  let opened: OpenedFile;
  try {
    opened = readOpened(path, LIMIT_BYTES);
  } catch (error) {
    throw unreadable('keyring', path, error);
  }
  if (opened.exposed)
    throw new AmbitError(
      'key_exposed',
      `${path} holds the root keys and can be read by others: chmod 600 ${path}.`,
    );
  const file = opened.bytes === null ? null : parseKeyringFile(opened.bytes.toString('utf8'));
  if (file === null)
    throw new AmbitError(
      'key_invalid',
      `${path}: is not a keyring of this version; restore it from a backup.`,
    );
  return file;
}

/** Changes the keyring of a home; `change` gets what is there once the lock is held. */
export async function changeKeyringFile(
  home: string,
  change: (file: KeyringFile) => KeyringFile,
): Promise<KeyringFile> {
  const path = join(home, 'keyring.lock');
  const lock = await acquireLock(path, LOCK_WAIT_MS);
  if (lock === null)
    throw new AmbitError(
      'io_failed',
      `${path}: ${lockHolder(path) ?? 'another process'} has held this lock for 10 s; wait for it to end, or end it.`,
    );
  try {
    const file = change(readKeyringFile(home));
    replaceFileSync(join(home, 'keyring.json'), keyringFileText(file), FILE_MODE);
    return file;
  } finally {
    lock.release();
  }
}
