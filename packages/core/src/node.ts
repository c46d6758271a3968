// The Node provider: node:crypto. Raw keys are imported as JWK, never as DER (17 times slower), and the key
// objects are kept. And the texts of keys from files, which core itself never opens.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fromBase64url, toBase64url } from './bytes.ts';
import { AmbitError } from './codes.ts';
import { PerSecret, Recent } from './crypto/keycache.ts';
import type { Provider } from './crypto/provider.ts';
import { expect32, isStrictPeer, isStrictSignature } from './crypto/strict.ts';

type Curve = 'Ed25519' | 'X25519';

const importPublic = (crv: Curve, x: string): KeyObject =>
  createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv, x } });
// RFC 8410: what precedes the 32 bytes of a private key in PKCS #8.
const PKCS8: Readonly<Record<Curve, string>> = {
  Ed25519: '302e020100300506032b657004220420',
  X25519: '302e020100300506032b656e04220420',
};

/**
 * A private key without its public half: node:crypto derives that from `d`. It wants to see an `x`; Node 20
 * takes any, Node 26 compares, and there PKCS #8 is the way that needs none (0.5 ms instead of 0.04).
 */
function importPrivate(crv: Curve, d: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv, d: toBase64url(d), x: '' } });
  } catch {
    const key = Buffer.concat([Buffer.from(PKCS8[crv], 'hex'), d]);
    return createPrivateKey({ format: 'der', type: 'pkcs8', key });
  }
}

function publicBytes(key: KeyObject): Uint8Array {
  const x = fromBase64url(createPublicKey(key).export({ format: 'jwk' }).x ?? '');
  if (x === null) throw new TypeError('key: expected an OKP key');
  return x;
}

// One imported key takes about 1 KB.
const verifyKeys = new Recent<KeyObject>(4096);
const signKeys = new PerSecret<KeyObject>();
const agreeKeys = new PerSecret<KeyObject>();
const signKey = (seed: Uint8Array): KeyObject => {
  expect32('seed', seed);
  return signKeys.get(seed, (d) => importPrivate('Ed25519', d));
};
const agreeKey = (secret: Uint8Array): KeyObject => {
  expect32('secret', secret);
  return agreeKeys.get(secret, (d) => importPrivate('X25519', d));
};

/** Ed25519 and X25519 by node:crypto. */
export const nodeProvider: Provider = {
  name: 'node',
  verify(publicKey, message, signature) {
    if (!isStrictSignature(publicKey, signature)) return false;
    const x = toBase64url(publicKey);
    let key = verifyKeys.get(x);
    if (key === undefined) {
      key = importPublic('Ed25519', x);
      verifyKeys.set(x, key);
    }
    return verify(null, message, key, signature);
  },
  sign: (seed, message) => new Uint8Array(sign(null, message, signKey(seed))),
  publicKey: (seed) => publicBytes(signKey(seed)),
  x25519(secret, peer) {
    const privateKey = agreeKey(secret);
    if (!isStrictPeer(peer)) return null;
    const publicKey = importPublic('X25519', toBase64url(peer));
    return new Uint8Array(diffieHellman({ privateKey, publicKey }));
  },
  x25519PublicKey: (secret) => publicBytes(agreeKey(secret)),
};

/** SHA-256 by node:crypto, 32 bytes: one-shot. */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  // One-shot, as Latin-1 (`binary`) text and then bytes: half the time of createHash().digest(), whose buffers dominate
  // for short inputs (measured for 65 bytes: 0.7 us against 1.7 us).
  const digest = hash('sha256', bytes, 'binary');
  const out = new Uint8Array(32);
  for (let i = 0; i < 32; i++) out[i] = digest.charCodeAt(i);
  return out;
}

/** A running SHA-256 by node:crypto: for what doesn't fit into memory, such as model artifacts. */
export function nativeHasher(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = createHash('sha256');
  return {
    update(bytes) {
      running.update(bytes);
    },
    digest: () => new Uint8Array(running.digest()),
  };
}

/** What a file holds, and who may read it: both of one open file. */
export interface OpenedFile {
  /** Null when there is more than the limit. */
  readonly bytes: Buffer | null;
  readonly mode: number;
  /** Whether users other than the owner can read it; false where the system has no such modes. */
  readonly exposed: boolean;
}

/**
 * Reads a file of at most `limit` bytes whole; a pipe or a device too, which says nothing of its size and may have no
 * end. Throws the system's error.
 */
export function readOpened(path: string, limit: number): OpenedFile {
  const file = openSync(path, 'r');
  try {
    // Asked of the open file, so that nothing can be put in its place between the check and the reading.
    const { mode, size } = fstatSync(file);
    const exposed = process.platform !== 'win32' && (mode & 0o077) !== 0;
    return { bytes: size > limit ? null : readBounded(file, limit), mode: mode & 0o777, exposed };
  } finally {
    closeSync(file);
  }
}

function readBounded(file: number, limit: number): Buffer | null {
  const parts: Buffer[] = [];
  for (let size = 0; size <= limit;) {
    const part = Buffer.allocUnsafe(65_536);
    const n = readSync(file, part);
    if (n === 0) return Buffer.concat(parts);
    size += n;
    parts.push(part.subarray(0, n));
  }
  return null;
}

const INPUT_BYTES = 1 << 20;

/**
 * The text of keys or a token: `source` itself when it is one (it begins with `amb`, or has several lines), else the
 * content of the file it names; without comment lines. AmbitError `file_missing`, `io_failed`, `input_invalid` (too
 * long), or `key_exposed` when a file that holds a secret can be read by other users.
 */
export function textOf(source: string): string {
  const given = source.trim();
  const text = /^amb[a-z0-9]*_|\n|^#|=amb/.test(given) ? given : contentOf(given);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'this user may not read it',
};

/** The error for a file that could not be read: which, and why. `what` it is: `file`, `configuration`. */
export function unreadable(what: string, path: string, error: unknown): AmbitError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new AmbitError(
    missing ? 'file_missing' : 'io_failed',
    `No ${what} can be read at ${path.slice(0, 256)}: ${WHY[code] ?? code}.`,
    { cause: error },
  );
}

// Any file may be named here, and a public key may be read by all: only what holds a secret must not be.
function contentOf(path: string): string {
  let opened: OpenedFile;
  try {
    opened = readOpened(path, INPUT_BYTES);
  } catch (error) {
    throw unreadable('file', path, error);
  }
  if (opened.bytes === null)
    throw new AmbitError('input_invalid', `${path} is too long for a key or a token.`);
  const text = opened.bytes.toString('utf8');
  if (opened.exposed && text.includes('ambsec_'))
    throw new AmbitError(
      'key_exposed',
      `${path} holds a secret and can be read by others: chmod 600 ${path}.`,
    );
  return text;
}
