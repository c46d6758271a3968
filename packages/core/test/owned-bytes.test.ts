// Bytes that come in are copied, and what goes out is a copy: also where they are a Node Buffer, whose `slice()` is a
// view. A host wipes its own copy of a key, or reads the next message into the same buffer (finding R20, law L16).
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Keyring, PublicKey, SecretKey, VerificationKey } from '../src/index.ts';
import { decode, encode } from '../src/cbor/index.ts';
import { HmacKey } from '../src/crypto/keyed.ts';
import { copyOf, toHex } from '../src/bytes.ts';
import { makeCall } from './sample.ts';

const AUDIENCE = 'search.acme.com';
const http = { method: 'POST', origin: 'https://search.acme.com', target: '/v1' };
const rootOf = (root: SecretKey<'root'>): Keyring =>
  new Keyring('acme', [{ keyId: 'k1', status: 'current', root }]);

/** Whatever keeps 32 bytes: made of them, and read again. */
const KEEPERS: readonly (readonly [string, (bytes: Uint8Array) => () => Uint8Array])[] = [
  ['a public key', (b) => ((key) => () => key.bytes)(new PublicKey('holder', b))],
  ['a secret key', (b) => ((key) => () => key.unsafeBytes())(new SecretKey('holder', b))],
  ['a verification key', (b) => ((key) => () => key.unsafeBytes())(new VerificationKey('acme', 'k1', AUDIENCE, b))],
  ['a root key in a keyring', (b) => ((ring) => () => ring.exportFor(AUDIENCE)[0]!.unsafeBytes())(rootOf(new SecretKey('root', b)))],
  ['the key of a MAC', (b) => ((key) => () => key.mac(Uint8Array.of(1)))(new HmacKey(b))],
  ['the digest of a body', (b) => ((call) => () => call.http!.bodyDigest!)(makeCall({ tool: 'a', http: { ...http, bodyDigest: b } }))],
  ['a byte string that was read', (b) => ((value) => () => value as Uint8Array)(decode(encode(b))!.value)],
]; // prettier-ignore

describe('R20 bytes of a Buffer', () => {
  it.each(KEEPERS)('%s: what it keeps is a copy', (_, keep) => {
    const given = Buffer.alloc(32, 7);
    const read = keep(given);
    const kept = toHex(read());
    given.fill(0);
    expect(toHex(read())).toBe(kept);
    expect(toHex(keep(Buffer.alloc(32, 7))())).toBe(kept);
  });

  it.each(KEEPERS.slice(0, 6))('%s: what it gives out is a copy', (_, keep) => {
    const read = keep(Buffer.alloc(32, 7));
    const kept = toHex(read());
    read().fill(0);
    expect(toHex(read())).toBe(kept);
  });

  it('what was read from a Buffer shares no memory with it', () => {
    const message = Buffer.from(encode([Buffer.alloc(32, 7)]));
    const [value] = decode(message)!.value as [Uint8Array];
    message.fill(0);
    expect(toHex(value)).toBe('07'.repeat(32));
    expect(value.buffer.byteLength).toBe(32);
  });

  it('a copy is of bytes alone: a number would be so many zeros', () => {
    for (const wrong of [32, '32', [1, 2], null, {}, new Uint16Array(2)])
      expect(() => copyOf(wrong as never)).toThrow(TypeError);
    expect(copyOf(Buffer.from([1, 2]))).toEqual(Uint8Array.of(1, 2));
  });
});

it('R20 no source copies with `slice()`, which copies nothing of a Buffer', () => {
  const packages = fileURLToPath(new URL('../../', import.meta.url));
  const sources = readdirSync(packages).flatMap((name) =>
    readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(name, 'src', path)),
  );
  expect(sources.length).toBeGreaterThan(300);
  const slices = sources.filter((path) => /\.slice\(\)/.test(readFileSync(join(packages, path), 'utf8')));
  // An array of numbers.
  expect(slices).toEqual(['behavior/src/learn.ts']);
});
