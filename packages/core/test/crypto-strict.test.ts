// Attacks D6 and P6: crafted keys, signatures and peers get one answer from all three providers, and it is the
// one that the mathematics says. AMBIT_LONG=1 runs a hundred times as many.
import { ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
import { nobleProvider, randomBytes, sha256, type Provider } from '../src/crypto/index.ts';
import { isStrictKey, isStrictPeer, isStrictSignature } from '../src/crypto/strict.ts';
import { nodeProvider } from '../src/node.ts';
import { sodiumProvider } from '../src/sodium.ts';
import {
  forge,
  KEYS,
  L,
  le,
  mixed,
  NONCES,
  P,
  SMALL_ENCODINGS,
  TORSION,
  type Crafted,
} from './crypto-crafted.ts';

const TIMES = process.env['AMBIT_LONG'] === '1' ? 100 : 1;
const LONG = 3_600_000;
const sodium = sodiumProvider();
const providers: readonly Provider[] = [nodeProvider, sodium, nobleProvider];

function agree({ publicKey, message, signature, valid }: Crafted, what: string): void {
  const wrong = providers
    .filter((provider) => provider.verify(publicKey, message, signature) !== valid)
    .map(({ name }) => `${name}: ${toHex(publicKey)} ${toHex(message)} ${toHex(signature)}`);
  expect(wrong, `${what}: providers that do not say ${valid}`).toEqual([]);
}

/** A stream of choices that is the same on every run; the long run goes on where the short one stops. */
function stream(seed: string): (below: number) => number {
  let pool = sha256(utf8(seed));
  let at = 0;
  return (below) => {
    if (at > 28) {
      pool = sha256(pool);
      at = 0;
    }
    at += 4;
    return new DataView(pool.buffer).getUint32(at - 4) % below;
  };
}

const honest = (n: number): Crafted => {
  const key = KEYS[n % KEYS.length]!;
  return mixed(key, 0, NONCES[(n >> 4) % NONCES.length]!, 0, utf8(`message ${n}`));
};

describe('D6 crafted Ed25519 signatures: three providers, one answer', () => {
  it(
    'honest ones pass, with empty and long messages too',
    () => {
      for (let n = 0; n < 60 * TIMES; n++) agree(honest(n), 'honest');
      for (const size of [0, 1, 63, 64, 65, 127, 128, 1_000, 100_000]) {
        const crafted = mixed(KEYS[1]!, 0, NONCES[1]!, 0, new Uint8Array(size).fill(size));
        expect(crafted.valid).toBe(true);
        agree(crafted, `${size} bytes`);
      }
    },
    LONG,
  );

  it(
    'mixed-order A and R: the equation holds with the cofactor, and only where it holds without is it taken',
    () => {
      const choose = stream('mixed');
      let taken = 0;
      let cofactored = 0;
      const runs = 1_000 * TIMES;
      for (let n = 0; n < runs; n++) {
        const i = choose(8);
        let crafted = mixed(KEYS[choose(16)]!, i, NONCES[choose(16)]!, choose(8), randomBytes(choose(100)));
        // Half of them are searched for, so that the rare valid case is no rarity.
        for (let tries = n % 2 === 0 ? 64 : 0; !crafted.valid && tries > 0; tries--) {
          crafted = mixed(KEYS[choose(16)]!, i, NONCES[choose(16)]!, choose(8), randomBytes(8));
        }
        agree(crafted, 'mixed');
        if (crafted.valid) taken++;
        // The crafting is right: a library that multiplies by the cofactor takes every one of these.
        if (n % 50 === 0 && ed25519.verify(crafted.signature, crafted.message, crafted.publicKey))
          cofactored++;
      }
      expect(taken).toBeGreaterThan(runs / 4);
      expect(taken).toBeLessThan((3 * runs) / 4);
      expect(cofactored).toBe(Math.ceil(runs / 50));
    },
    LONG,
  );

  it(
    'A or R of small order, or both, in every encoding: refused even where the equation holds',
    () => {
      let equations = 0;
      for (const [n, small] of SMALL_ENCODINGS.entries()) {
        expect(isStrictKey(small)).toBe(false);
        for (let t = 0; t < 8 * TIMES; t++) {
          const message = utf8(`small ${n} ${t}`);
          const key = KEYS[t % 16]!;
          const nonce = NONCES[t % 16]!;
          const forged = [
            forge(small, 0n, nonce.bytes[0]!, nonce.scalar, message),
            forge(key.bytes[0]!, key.scalar, small, 0n, message),
            forge(small, 0n, SMALL_ENCODINGS[t % SMALL_ENCODINGS.length]!, 0n, message),
          ];
          for (const crafted of forged) {
            agree(crafted, 'small order');
            if (t === 0 && ed25519.verify(crafted.signature, message, crafted.publicKey)) equations++;
          }
        }
      }
      expect(equations).toBeGreaterThan(20);
    },
    LONG,
  );

  it(
    'S + L, S + kL, L - S and the edges of S: refused',
    () => {
      for (let n = 0; n < 20 * TIMES; n++) {
        const good = honest(n);
        const r = good.signature.subarray(0, 32);
        const s = BigInt(`0x${toHex(good.signature.slice(32).reverse())}`);
        const others = [L - s, 0n, 1n, L - 1n, L, L + 1n, 1n << 252n, (1n << 253n) - 1n, (1n << 256n) - 1n];
        for (let k = 1n; s + k * L < 1n << 256n; k++) others.push(s + k * L);
        for (const other of others) {
          agree({ ...good, signature: concat(r, le(other)), valid: false }, `S = ${other}`);
        }
      }
    },
    LONG,
  );

  it(
    'one bit flipped anywhere in key, message or signature: refused',
    () => {
      const choose = stream('bits');
      const good = honest(3);
      const flip = (bytes: Uint8Array, bit: number): Uint8Array => {
        const out = bytes.slice();
        out[bit >> 3]! ^= 1 << (bit & 7);
        return out;
      };
      for (let bit = 0; bit < 512; bit++) {
        agree({ ...good, signature: flip(good.signature, bit), valid: false }, `signature bit ${bit}`);
      }
      for (let bit = 0; bit < 256; bit += TIMES > 1 ? 1 : 3) {
        agree({ ...good, publicKey: flip(good.publicKey, bit), valid: false }, `key bit ${bit}`);
      }
      for (let n = 0; n < 50 * TIMES; n++) {
        const other = honest(choose(1_000));
        const bit = choose(other.message.length * 8);
        agree({ ...other, message: flip(other.message, bit), valid: false }, `message bit ${bit}`);
      }
    },
    LONG,
  );

  it(
    'y >= p, x negated, points off the curve and other keys: refused',
    () => {
      const good = honest(5);
      const [r, s] = [good.signature.subarray(0, 32), good.signature.subarray(32)];
      for (let extra = 0n; extra < 19n; extra++) {
        for (const sign of [0n, 1n << 255n]) {
          const large = le((P + extra) | sign);
          expect([isStrictKey(large), isStrictSignature(good.publicKey, concat(large, s))]).toEqual([
            false,
            false,
          ]);
          agree({ ...good, publicKey: large, valid: false }, 'A, y >= p');
          agree({ ...good, signature: concat(large, s), valid: false }, 'R, y >= p');
          // And the same small y, which is canonical: on the curve or not, nobody signed for it.
          agree({ ...good, publicKey: le(extra | sign), valid: false }, 'A, small y');
          agree({ ...good, signature: concat(le(extra | sign), s), valid: false }, 'R, small y');
        }
      }
      const minus = (bytes: Uint8Array): Uint8Array =>
        bytes.map((byte, i) => (i === 31 ? byte ^ 0x80 : byte));
      agree({ ...good, publicKey: minus(good.publicKey), valid: false }, '-A');
      agree({ ...good, signature: concat(minus(r), s), valid: false }, '-R');
      for (let n = 0; n < 50 * TIMES; n++) {
        agree({ ...good, publicKey: randomBytes(32), valid: false }, 'random A');
        agree({ ...good, signature: concat(randomBytes(32), s), valid: false }, 'random R');
        agree({ ...good, signature: randomBytes(64), valid: false }, 'random signature');
        agree({ ...good, publicKey: honest(6 + (n % 8)).publicKey, valid: false }, 'other key');
      }
    },
    LONG,
  );

  it('other lengths of key and signature: false, no exception', () => {
    const good = honest(9);
    for (const size of [0, 1, 31, 33, 63, 64, 65, 96]) {
      const bytes = concat(good.publicKey, randomBytes(64)).slice(0, size);
      agree({ ...good, publicKey: bytes, valid: false }, `key of ${size}`);
      if (size < 64)
        agree({ ...good, signature: good.signature.slice(0, size), valid: false }, `signature of ${size}`);
    }
    agree({ ...good, signature: concat(good.signature, Uint8Array.of(0)), valid: false }, 'signature of 65');
  });

  it('D6 a libsodium that multiplies by the cofactor is not taken as a provider', () => {
    const real = sodium;
    const answer = (verify: (s: Uint8Array, m: Uint8Array, k: Uint8Array) => boolean) => (): Provider =>
      sodiumProvider({
        crypto_sign_verify_detached: verify,
        crypto_sign_detached: () => undefined,
        crypto_sign_seed_keypair: () => undefined,
        crypto_scalarmult: () => undefined,
        crypto_scalarmult_base: () => undefined,
      });
    expect(answer((s, m, k) => ed25519.verify(s, m, k))).toThrow(/cofactor/);
    expect(answer((s, m, k) => real.verify(k, m, s))().name).toBe('sodium');
  });
});

describe('P6 crafted X25519 points: three providers, one answer', () => {
  const secrets = Array.from({ length: 4 }, (_, n) => sha256(utf8(`x ${n}`)));
  function shared(peer: Uint8Array, what: string): string | null {
    const answers = providers.map((provider) => {
      const secret = provider.x25519(secrets[peer[0]! & 3] ?? secrets[0]!, peer);
      return secret === null ? null : toHex(secret);
    });
    expect(new Set(answers).size, `${what} ${toHex(peer)}: ${answers.join(' ')}`).toBe(1);
    return answers[0]!;
  }
  const HIGH = 1n << 255n;
  // u of small order on the curve and on its twist, all below p.
  const small = [
    0n,
    1n,
    P - 1n,
    325606250916557431795983626356110631294008115727848805560023387167927233504n,
    39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  ];

  it('small order, in all encodings: refused', () => {
    for (const u of small) {
      expect(shared(le(u), 'small')).toBeNull();
      expect(shared(le(u | HIGH), 'small, high bit')).toBeNull();
      if (u + P < HIGH) expect(shared(le(u + P), 'small + p')).toBeNull();
    }
    // They are what the mathematics says: multiplied by a clamped scalar each gives zero. Their neighbours do not.
    for (const u of small) {
      for (const next of [u - 1n, u + 1n]) {
        if (next > 0n && next < P && !small.includes(next))
          expect(shared(le(next), 'neighbour')).not.toBeNull();
      }
    }
  });

  it('u >= p and the high bit: refused, though RFC 7748 would reduce and mask', () => {
    for (let u = P; u < HIGH; u++) expect(shared(le(u), 'u >= p')).toBeNull();
    for (let n = 0; n < 50; n++) {
      const u = randomBytes(32);
      u[31]! |= 0x80;
      expect(isStrictPeer(u)).toBe(false);
      expect(shared(u, 'high bit')).toBeNull();
    }
  });

  it(
    'points of the curve, of the twist, with a part of small order: one secret, never zero',
    () => {
      for (let n = 0; n < 150 * TIMES; n++) {
        const u = randomBytes(32);
        u[31]! &= 0x7f;
        expect(shared(u, 'random')).not.toBe('00'.repeat(32));
        expect(shared(u, 'random')).not.toBeNull();
      }
      for (const key of KEYS.slice(0, 4)) {
        const secret = new Set<string | null>();
        for (const variant of key.variants) {
          // u = (1 + y) / (1 - y)
          const u = ((1n + variant.y) * inverse(1n - variant.y)) % P;
          const peer = le(u);
          secret.add(
            nobleProvider.x25519(secrets[0]!, peer) === null
              ? null
              : toHex(nobleProvider.x25519(secrets[0]!, peer)!),
          );
          shared(peer, 'mixed order');
        }
        // A clamped scalar is a multiple of 8, so the part of small order falls away.
        expect(secret.size).toBe(1);
      }
      expect(TORSION).toHaveLength(8);
    },
    LONG,
  );

  it('other lengths of the peer: null', () => {
    for (const size of [0, 31, 33, 64]) expect(shared(new Uint8Array(size).fill(9), 'length')).toBeNull();
  });
});

function inverse(n: bigint): bigint {
  let [result, base, power] = [1n, ((n % P) + P) % P, P - 2n];
  for (; power > 0n; power >>= 1n) {
    if ((power & 1n) === 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result;
}

it('the gate itself: just below each limit passes, the limit does not', () => {
  const r = NONCES[0]!.bytes[0]!;
  const a = KEYS[0]!.bytes[0]!;
  expect(isStrictSignature(a, concat(r, le(L - 1n)))).toBe(true);
  expect(isStrictSignature(a, concat(r, le(L)))).toBe(false);
  expect([isStrictKey(le(P - 2n)), isStrictKey(le(P))]).toEqual([true, false]);
  expect([isStrictPeer(le(P - 2n)), isStrictPeer(le(P))]).toEqual([true, false]);
  expect(isStrictKey(fromHex('00'.repeat(32))!)).toBe(false);
});
