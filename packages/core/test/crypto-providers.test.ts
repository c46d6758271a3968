// The three providers: RFC 8032 and RFC 7748, the same bytes from each, and misuse.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
import { nobleProvider, randomBytes, type Provider } from '../src/crypto/index.ts';
import { PerSecret, Recent } from '../src/crypto/keycache.ts';
import { nodeProvider } from '../src/node.ts';
import { sodiumProvider } from '../src/sodium.ts';

const unhex = (hex: string): Uint8Array => fromHex(hex)!;
const providers: readonly Provider[] = [nobleProvider, nodeProvider, sodiumProvider()];
const times = process.env['AMBIT_LONG'] === '1' ? 100 : 1;

// RFC 8032, section 7.1: name, seed, public key, message, signature.
const RFC8032: readonly (readonly [string, string, string, string, string])[] = [
  [
    'TEST 1',
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    'TEST 2',
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'TEST 3',
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    'TEST 1024',
    'f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5',
    '278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e',
    '08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23fb1433ddf73be84d879de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a1b270b20329d658675fc6ea534e0810a4432826bf58c941efb65d57a338bbd2e26640f89ffbc1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b199ee5d02e82d522c4feba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e06203b33890cc9b832f79ef80560ccb9a39ce767967ed628c6ad573cb116dbefefd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206be6cd9ec7aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53f1d8ac70bdcb7ed185ce81bd84359d44254d95629e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24554119a831a9aad6079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f27088d78b7e883c8759d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b0707e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128bab27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f04d83d1255dc51addd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2af58429ec96031dbcad3dad9af0dcbaaaf268cb8fcffead94f3c7ca495e056a9b47acdb751fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301651339e22904cc8c42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8ca61783aacec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34dff7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08d78ff4ef5d63653a65040cf9bfd4aca7984a74d37145986780fc0b16ac451649de6188a7dbdf191f64b5fc5e2ab47b57f7f7276cd419c17a3ca8e1b939ae49e488acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a32ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e6aed3fb0f9cd71a43dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5fb93246f6b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b50d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1369546868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68606937380db2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c0618983f8741c5ef68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0',
    '0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03',
  ],
  [
    'TEST SHA(abc)',
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
];

describe.each(providers.map((provider) => [provider.name, provider] as const))('%s', (_, provider) => {
  it.each(RFC8032)('RFC 8032, %s', (__, seed, publicKey, message, signature) => {
    expect(toHex(provider.publicKey(unhex(seed)))).toBe(publicKey);
    expect(toHex(provider.sign(unhex(seed), unhex(message)))).toBe(signature);
    expect(provider.verify(unhex(publicKey), unhex(message), unhex(signature))).toBe(true);
    expect(
      provider.verify(unhex(publicKey), concat(unhex(message), Uint8Array.of(0)), unhex(signature)),
    ).toBe(false);
  });

  it('RFC 7748, section 5.2: the two vectors, the second with its high bit cleared, as it must be sent here', () => {
    const first = provider.x25519(
      unhex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
      unhex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
    );
    expect(toHex(first!)).toBe('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552');
    const secret = unhex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d');
    const peer = unhex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493');
    expect(provider.x25519(secret, peer)).toBeNull();
    peer[31]! &= 0x7f;
    expect(toHex(provider.x25519(secret, peer)!)).toBe(
      '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
    );
  });

  it('RFC 7748, section 5.2: one and a thousand iterations', () => {
    let k: Uint8Array = concat(Uint8Array.of(9), new Uint8Array(31));
    let u = k;
    for (let i = 1; i <= 1_000; i++) {
      const next = provider.x25519(k, u)!;
      u = k;
      k = next;
      if (i === 1) expect(toHex(k)).toBe('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079');
    }
    expect(toHex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
  });

  it('RFC 7748, section 6.1: Alice and Bob', () => {
    const alice = unhex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bob = unhex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    const alicePublic = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
    const bobPublic = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
    expect(toHex(provider.x25519PublicKey(alice))).toBe(alicePublic);
    expect(toHex(provider.x25519PublicKey(bob))).toBe(bobPublic);
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(toHex(provider.x25519(alice, unhex(bobPublic))!)).toBe(shared);
    expect(toHex(provider.x25519(bob, unhex(alicePublic))!)).toBe(shared);
  });

  it('answers in plain arrays of their own, and leaves what it is given alone', () => {
    const seed = randomBytes(40).subarray(3, 35);
    const message = randomBytes(77).subarray(5);
    const given = toHex(seed) + toHex(message);
    const key = provider.publicKey(seed);
    const signature = provider.sign(seed, message);
    const peer = provider.x25519PublicKey(seed);
    const secret = provider.x25519(seed, peer)!;
    for (const bytes of [key, signature, peer, secret]) {
      expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
      expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
    }
    expect(provider.verify(Buffer.from(key), Buffer.from(message), Buffer.from(signature))).toBe(true);
    key.fill(0);
    peer.fill(0);
    expect(toHex(provider.publicKey(seed))).not.toBe('00'.repeat(32));
    expect(toHex(seed) + toHex(message)).toBe(given);
  });

  it('a seed or secret of another length is misuse: TypeError, without its bytes', () => {
    const message = utf8('m');
    for (const size of [0, 31, 33, 64]) {
      const bytes = new Uint8Array(size).fill(0xab);
      const calls = [
        () => provider.sign(bytes, message),
        () => provider.publicKey(bytes),
        () => provider.x25519PublicKey(bytes),
        () => provider.x25519(bytes, randomBytes(32)),
      ];
      for (const call of calls) {
        expect(call).toThrow(TypeError);
        expect(call).not.toThrow(/ab,? ?ab|171/);
      }
    }
  });

  it('a seed array that is overwritten is another seed', () => {
    const seed = randomBytes(32);
    const before = provider.sign(seed, utf8('m'));
    const agreed = provider.x25519PublicKey(seed);
    seed[7]! ^= 0xff;
    expect(provider.sign(seed, utf8('m'))).toEqual(provider.sign(seed.slice(), utf8('m')));
    expect(provider.sign(seed, utf8('m'))).not.toEqual(before);
    expect(provider.x25519PublicKey(seed)).not.toEqual(agreed);
  });
});

it('the same keys, signatures and secrets from all three', () => {
  for (let n = 0; n < 40 * times; n++) {
    const seed = randomBytes(32);
    const other = randomBytes(32);
    const message = randomBytes(n * 7);
    const answers = providers.map((p) =>
      [
        p.publicKey(seed),
        p.sign(seed, message),
        p.x25519PublicKey(seed),
        p.x25519(seed, p.x25519PublicKey(other))!,
      ]
        .map(toHex)
        .join(' '),
    );
    expect(new Set(answers).size).toBe(1);
  }
}, 3_600_000);

describe('what is remembered of keys', () => {
  it('is bounded, keeps what is used, and drops what is not', () => {
    const recent = new Recent<number>(10);
    for (let i = 0; i < 1_000; i++) {
      recent.set(`key ${i}`, i);
      expect(recent.get('key 0')).toBe(0);
    }
    const kept = Array.from({ length: 1_000 }, (_, i) => recent.get(`key ${i}`)).filter(
      (v) => v !== undefined,
    );
    expect(kept.length).toBeGreaterThanOrEqual(5);
    expect(kept.length).toBeLessThanOrEqual(10);
  });

  it('of a secret is made once an array, and anew when its bytes have changed', () => {
    const made = new PerSecret<string>();
    const make = vi.fn((secret: Uint8Array) => toHex(secret));
    const secret = Uint8Array.of(1, 2, 3);
    expect([made.get(secret, make), made.get(secret, make)]).toEqual(['010203', '010203']);
    expect(make).toHaveBeenCalledTimes(1);
    secret[0] = 9;
    expect(made.get(secret, make)).toBe('090203');
  });

  it('never answers for another key: thousands of them through the bounded cache', () => {
    const seeds = Array.from({ length: 12 }, () => randomBytes(32));
    const message = utf8('m');
    const signed = seeds.map(
      (seed) => [nodeProvider.publicKey(seed), nodeProvider.sign(seed, message)] as const,
    );
    for (let n = 0; n < 5_000; n++) {
      const flood = randomBytes(32);
      nodeProvider.verify(flood, message, signed[0]![1]);
      if (n % 1_000 !== 0) continue;
      for (const [i, [key]] of signed.entries()) {
        for (const [j, [, signature]] of signed.entries())
          expect(nodeProvider.verify(key, message, signature)).toBe(i === j);
      }
    }
  });
});

describe('law: primitives in one place', () => {
  const files = readdirSync(new URL('../src', import.meta.url), { recursive: true, encoding: 'utf8' });
  it('only crypto/noble.ts imports @noble, and only node.ts and sodium.ts import node:', () => {
    const noble: string[] = [];
    const node: string[] = [];
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const text = readFileSync(new URL(`../src/${file}`, import.meta.url), 'utf8');
      if (/(from|import\()\s*'@noble\//.test(text)) noble.push(file);
      if (/(from|import\()\s*'node:/.test(text)) node.push(file);
    }
    expect(noble).toEqual(['crypto/noble.ts']);
    expect(node.sort()).toEqual(['node.ts', 'sodium.ts']);
  });
});

it('a Node that compares x with d (26 does) gets its private keys another way', async () => {
  vi.resetModules();
  const refused = vi.fn();
  vi.doMock('node:crypto', async (original) => {
    const real = await original<typeof import('node:crypto')>();
    return {
      ...real,
      createPrivateKey: (key: Parameters<typeof real.createPrivateKey>[0]) => {
        if (typeof key === 'object' && 'format' in key && key.format === 'jwk') {
          refused();
          throw new TypeError('Invalid JWK');
        }
        return real.createPrivateKey(key);
      },
    };
  });
  const fresh = (await import('../src/node.ts')).nodeProvider;
  vi.doUnmock('node:crypto');
  const [, seed, publicKey, message, signature] = RFC8032[2]!;
  expect(toHex(fresh.publicKey(unhex(seed)))).toBe(publicKey);
  expect(toHex(fresh.sign(unhex(seed), unhex(message)))).toBe(signature);
  const secret = randomBytes(32);
  expect(fresh.x25519PublicKey(secret)).toEqual(nobleProvider.x25519PublicKey(secret));
  expect(refused).toHaveBeenCalledTimes(3);
});

it('without sodium-native installed the error says what to do', async () => {
  vi.resetModules();
  vi.doMock('node:module', () => ({
    createRequire: () => () => {
      throw new Error('Cannot find module');
    },
  }));
  const fresh = await import('../src/sodium.ts');
  expect(() => fresh.sodiumProvider()).toThrow(/install it, or use nodeProvider/);
  vi.doUnmock('node:module');
});
