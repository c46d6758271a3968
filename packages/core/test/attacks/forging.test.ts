// Attack catalogue F: forging and splicing. What a thief of bytes, a sibling, a broken-into service or a rival issuer
// can put together, each refused with its code.
import { describe, expect, test } from 'vitest';
import {
  attenuate,
  concat,
  createVerifier,
  decodeCbor,
  delegate,
  deriveKey,
  encodeCbor,
  fromBase64url,
  hmacSha256,
  Keyring,
  LABELS,
  mint,
  prove,
  publicKey,
  restrict,
  SecretKey,
  signer,
  toBase64url,
  type Cbor,
  type CborMap,
  type VerifierOptions,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  AUDIENCE,
  baseSpec,
  bytes16,
  COLD,
  holder,
  ISSUER,
  issuerSigner,
  itemsOf,
  K,
  keyring,
  mintBase,
  NOW,
  remac,
  rootKey,
  seals,
  search,
  T0,
  tailOf,
  verifierWith,
} from '../sample.ts';
import { readToken, tokenText, writeFrame } from '../../src/token/frame.ts';
import { Prefixes } from '../../src/token/prefix.ts';

const verdict = (token: string, options: Partial<VerifierOptions> = {}): string => {
  const answer = verifierWith({ ...COLD, ...options }).identify(token);
  return answer.ok ? 'ok' : answer.code;
};
const narrow = attenuate(
  mintBase(),
  restrict.tools('web_search'),
  restrict.calls(5),
  restrict.expires(NOW + 60),
);
const rebuilt = (contents: readonly Uint8Array[], tail: Uint8Array): string =>
  tokenText(writeFrame(contents, tail));

test('F1 one bit flipped anywhere in the token, in a warm verifier', () => {
  const v = verifierWith();
  const family = [
    mintBase(),
    narrow,
    delegate(narrow, { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0)),
  ];
  for (const token of family) expect(v.identify(token).ok).toBe(true);
  for (const token of family) {
    const bytes = fromBase64url(token, 5)!;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const answer = v.identify(`amb1_${toBase64url(bytes)}`);
      expect(answer.ok).toBe(false);
      expect(answer).toMatchObject({ unverified: true });
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
});

test('F2 a caveat removed: first, middle, last, all', () => {
  const [grant, a, b, c] = itemsOf(narrow);
  for (const kept of [[grant!, b!, c!], [grant!, a!, c!], [grant!, a!, b!], [grant!]]) {
    expect(verdict(rebuilt(kept, tailOf(narrow)))).toBe('token_invalid');
  }
});

test("F3 caveats reordered, duplicated, swapped with a sibling's", () => {
  const [grant, a, b, c] = itemsOf(narrow);
  const sibling = itemsOf(
    attenuate(mintBase(), restrict.tools('*'), restrict.calls(500), restrict.expires(NOW + 900)),
  );
  const variants = [
    [grant!, b!, a!, c!],
    [grant!, c!, b!, a!],
    [grant!, a!, a!, b!, c!],
    [grant!, a!, b!, c!, c!],
    [grant!, sibling[1]!, b!, c!],
    [grant!, a!, sibling[2]!, c!],
    [grant!, a!, b!, sibling[3]!],
  ];
  for (const items of variants) expect(verdict(rebuilt(items, tailOf(narrow)))).toBe('token_invalid');
});

test('F4 the tail of another token, of an ancestor, of zeros, truncated, extended', () => {
  const items = itemsOf(narrow);
  const others = [
    mintBase(),
    attenuate(mintBase(), restrict.tools('web_search')),
    mintBase({ tokenId: bytes16(9) }),
  ];
  for (const other of others) expect(verdict(rebuilt(items, tailOf(other)))).toBe('token_invalid');
  for (const tail of [
    new Uint8Array(32),
    new Uint8Array(0),
    tailOf(narrow).slice(0, 31),
    concat(tailOf(narrow), Uint8Array.of(0)),
  ]) {
    expect(verdict(rebuilt(items, tail))).toBe('token_invalid');
  }
});

test("F5 re-MACed under another root, another audience's key, the zero key, an empty key", () => {
  const items = itemsOf(narrow);
  const root = {
    keyId: 'k1',
    status: 'current' as const,
    root: new SecretKey('root', new Uint8Array(32).fill(9)),
  };
  const keys = [
    deriveKey(ISSUER, root, AUDIENCE),
    deriveKey(ISSUER, keyring.current, 'mail.acme.com'),
    deriveKey('other-iam', keyring.current, AUDIENCE),
    deriveKey(ISSUER, { ...keyring.current, keyId: 'k2' }, AUDIENCE),
  ].map((k) => k.unsafeBytes());
  for (const key of [...keys, new Uint8Array(32), rootKey.unsafeBytes()])
    expect(verdict(remac(items, key))).toBe('token_invalid');
  // The kernel takes no empty key; HMAC itself does.
  let tail = hmacSha256(new Uint8Array(0), LABELS.grant.bytes, Uint8Array.of(1), items[0]!);
  for (const c of items.slice(1)) tail = hmacSha256(tail, c);
  expect(verdict(rebuilt(items, tail))).toBe('token_invalid');
});

test("F6 a key id that is another's, unknown, retired", () => {
  const rotated = keyring.rotate();
  const two = rotated.exportFor(AUDIENCE);
  const old = mintBase();
  expect(verdict(old, { keys: two })).toBe('ok');
  // The old grant, saying it is of k2: k2 exists and did not MAC it.
  const grant = itemsOf(old)[0]!.slice();
  const at = Buffer.from(grant).indexOf('k1');
  grant[at + 1] = 0x32;
  expect(verdict(rebuilt([grant], tailOf(old)), { keys: two })).toBe('token_invalid');
  expect(verdict(remac([grant]), { keys: two })).toBe('token_invalid');
  grant[at + 1] = 0x39;
  expect(verdict(remac([grant]), { keys: two })).toBe('token_invalid');
  const retired = rotated.retire('k1').exportFor(AUDIENCE);
  expect(verdict(old, { keys: retired })).toBe('key_retired');
  expect(verdict(mint(rotated, baseSpec), { keys: retired })).toBe('ok');
  // Only its real tokens are told that it is retired: a forgery under the id learns nothing.
  expect(verdict(rebuilt(itemsOf(old), new Uint8Array(32)), { keys: retired })).toBe('token_invalid');
});

test('F7 a descendant turned into its parent: see L4; here with the verification key of another audience', () => {
  const [grant] = itemsOf(narrow);
  const mail = deriveKey(ISSUER, keyring.current, 'mail.acme.com').unsafeBytes();
  for (const key of [
    mail,
    tailOf(narrow),
    new Prefixes(readToken(narrow)!).all(),
    new Prefixes(readToken(narrow)!).at(0),
  ]) {
    expect(verdict(remac([grant!], key))).toBe('token_invalid');
  }
});

test('F8 a grant with more authority, a deny removed, a longer life, another identity', () => {
  const token = mintBase({ deny: ['files.write.raw'] });
  const [grant] = itemsOf(token);
  const map = decodeCbor(grant!)!.value as CborMap;
  const changes: readonly (readonly [number, Cbor | undefined])[] = [
    [-5, ['*', 'files.*', 'db.*']],
    [-7, undefined],
    [4, T0 + 999_999],
    [2, 'admin@acme.com'],
    [-2, ['other-corp']],
    [-3, ['another-model', new Uint8Array(32)]],
    [-4, 'another-session'],
    [-6, ['secret']],
    [-9, 16],
    [7, bytes16(1)],
    [8, undefined],
    [8, new Map([[1, new Map<number, Cbor>([[1, 1], [-1, 6], [-2, holder(5).publicKey.bytes]])]])], // prettier-ignore
  ];
  for (const [key, value] of changes) {
    const other = new Map(map);
    if (value === undefined) other.delete(key);
    else other.set(key, value);
    expect(verdict(rebuilt([encodeCbor(other)], tailOf(token)))).toBe('token_invalid');
    // Such a grant would be sound: only its MAC is missing.
    expect(['ok', 'bearer_refused', 'delegation_invalid']).toContain(verdict(remac([encodeCbor(other)])));
  }
});

test('F9 bytes of another kind as a caveat: a proof, a seal signature, a grant, a ticket', () => {
  const proof = fromBase64url(prove(mintBase(), search, { audience: AUDIENCE, time: NOW }, holder(0)), 6)!;
  expect(verdict(remac([...itemsOf(mintBase()), itemsOf(mintBase())[0]!]))).toBe('token_invalid');
  for (const foreign of [proof, encodeCbor([1, 'x']), new Uint8Array(64), new Uint8Array(0)]) {
    expect(verdict(remac([...itemsOf(mintBase()), foreign]))).toBe('token_invalid');
    expect(verdict(remac([foreign, ...itemsOf(narrow).slice(1)]))).toBe('token_invalid');
  }
});

describe('F10 seals', () => {
  const sealed = mintBase({}, issuerSigner);
  const [grant, seal] = itemsOf(sealed);
  const rogue = signer(new SecretKey('issuer', new Uint8Array(32).fill(0x66)), nodeProvider);

  test('a good one is known, one by a key nobody knows counts as none', () => {
    expect(verdict(sealed, { requireSeal: true })).toBe('ok');
    expect(verdict(mintBase({}, rogue))).toBe('ok');
    expect(verdict(mintBase({}, rogue), { requireSeal: true })).toBe('seal_required');
  });
  test('from another grant', () => {
    const [other] = itemsOf(mintBase({ user: 'admin@acme.com' }));
    expect(verdict(remac([other!, seal!]))).toBe('seal_invalid');
  });
  test("self-made, under the name of the issuer's key", () => {
    const message = new Prefixes(readToken(remac([grant!]))!).all();
    const forged = encodeCbor([10, [issuerSigner.publicKey.bytes, rogue.sign(LABELS.seal, message)]]);
    expect(verdict(remac([grant!, forged]))).toBe('seal_invalid');
    const zero = encodeCbor([10, [issuerSigner.publicKey.bytes, new Uint8Array(64)]]);
    expect(verdict(remac([grant!, zero]))).toBe('seal_invalid');
  });
  test('of an accepted issuer over a grant that names another issuer or operator', () => {
    const foreign = new Keyring('other-iam', [keyring.current]);
    const token = mint(foreign, baseSpec, issuerSigner);
    expect(verdict(token, { keys: foreign.exportFor(AUDIENCE) })).toBe('seal_invalid');
    const pinned = [{ ...seals[0]!, operators: ['another-corp'] }];
    expect(verdict(sealed, { seals: pinned })).toBe('seal_invalid');
    expect(verdict(sealed, { seals: [...pinned, { ...seals[0]!, operators: ['acme-corp'] }] })).toBe('ok');
  });
  test('removed where one is demanded; moved behind a caveat, behind a delegation, doubled', () => {
    expect(verdict(remac([grant!]), { requireSeal: true })).toBe('seal_required');
    const note = encodeCbor([14, 'x']);
    expect(verdict(remac([grant!, note, seal!]))).toBe('seal_invalid');
    expect(verdict(remac([grant!, seal!, seal!]))).toBe('seal_invalid');
    const delegated = itemsOf(
      delegate(mintBase(), { to: holder(1).publicKey, label: 'b', time: T0 }, holder(0)),
    );
    expect(verdict(remac([...delegated, seal!]))).toBe('seal_invalid');
  });
});

describe('F11 downgrade to the signature way', () => {
  const sealed = mintBase({}, issuerSigner);
  const both: Partial<VerifierOptions> = { federated: [ISSUER] };

  test('a failed MAC or an unknown key id never falls back', () => {
    expect(verdict(sealed, both)).toBe('ok');
    expect(verdict(rebuilt(itemsOf(sealed), new Uint8Array(32)), both)).toBe('token_invalid');
    const other = mint(
      new Keyring(ISSUER, [{ keyId: 'k7', status: 'current', root: rootKey }]),
      baseSpec,
      issuerSigner,
    );
    expect(verdict(other, both)).toBe('token_invalid');
    // The same token at a verifier that was told to go by signatures.
    expect(verdict(other, { keys: [], federated: [ISSUER] })).toBe('ok');
  });
  test("by signatures, caveats before the seal or a delegation can't be stripped; what follows the last one is its holder's own", () => {
    const fed = { keys: [], federated: [ISSUER] };
    const token = mintBase({ restrictions: [restrict.calls(3)] }, issuerSigner);
    const child = delegate(
      token,
      { to: holder(1).publicKey, label: 'b', time: T0, restrictions: [restrict.tools('web_search')] },
      holder(0),
    );
    const [grant, calls, seal, tools, link] = itemsOf(child);
    expect(verdict(child, fed)).toBe('ok');
    const zeros = new Uint8Array(32);
    expect(verdict(rebuilt([grant!, seal!], zeros), fed)).toBe('seal_invalid');
    expect(verdict(rebuilt([grant!, calls!], zeros), fed)).toBe('seal_required');
    expect(verdict(rebuilt([grant!, calls!, seal!, link!], zeros), fed)).toBe('delegation_invalid');
    expect(verdict(rebuilt([grant!, calls!, seal!, tools!], zeros), fed)).toBe('ok');
    // That is the token of holder 0 narrowed by holder 0: holder 1 can't prove it.
    const v = createVerifier({ audience: AUDIENCE, seals, federated: [ISSUER], provider: nodeProvider });
    const proof = prove(child, search, { audience: AUDIENCE, time: NOW }, holder(1));
    expect(
      v.verify({ token: rebuilt([grant!, calls!, seal!, tools!], zeros), proof, call: search, now: NOW }),
    ).toMatchObject({ code: 'proof_invalid' });
  });
  test('an unsealed token, an issuer that is not federated', () => {
    expect(verdict(mintBase(), { keys: [], federated: [ISSUER] })).toBe('seal_required');
    const foreign = mint(new Keyring('other-iam', [keyring.current]), baseSpec, issuerSigner);
    expect(verdict(foreign, both)).toBe('token_invalid');
  });
});

describe('F12 one kind shown as another', () => {
  test('the version byte', () => {
    const bytes = fromBase64url(mintBase(), 5)!;
    for (const v of [0, 2, 0x18, 0x20]) {
      bytes[1] = v;
      expect(verdict(`amb1_${toBase64url(bytes)}`)).toBe('token_invalid');
    }
  });
  test('every label is unlike every other, ends in its only zero byte, and none is the prefix of another', () => {
    const labels = Object.values(LABELS).map((l) => Buffer.from(l.bytes).toString('latin1'));
    expect(new Set(labels).size).toBe(labels.length);
    for (const a of labels) {
      expect(a.indexOf('\0')).toBe(a.length - 1);
      for (const b of labels) expect(a !== b && b.startsWith(a)).toBe(false);
    }
  });
  test('a delegation signed under another label is none', () => {
    const fields = encodeCbor([holder(1).publicKey.bytes, 'b', T0, bytes16(1)]);
    const base = mintBase();
    const d = new Prefixes(readToken(base)!).all();
    for (const label of Object.values(LABELS)) {
      const signature = holder(0).sign(label, concat(d, fields));
      const token = remac([...itemsOf(base), encodeCbor([9, [fields, signature]])]);
      expect(verdict(token)).toBe(label === LABELS.delegate ? 'ok' : 'delegation_invalid');
    }
  });
  test('a seal signed under another label is none', () => {
    const base = mintBase();
    const d = new Prefixes(readToken(base)!).all();
    for (const label of Object.values(LABELS)) {
      const seal = encodeCbor([10, [issuerSigner.publicKey.bytes, issuerSigner.sign(label, d)]]);
      expect(verdict(remac([...itemsOf(base), seal]))).toBe(label === LABELS.seal ? 'ok' : 'seal_invalid');
    }
  });
  test('a MAC over the grant without its label, without the version, under another label', () => {
    const [grant] = itemsOf(mintBase());
    for (const parts of [
      [grant!],
      [LABELS.grant.bytes, grant!],
      [Uint8Array.of(1), grant!],
      [LABELS.prefix.bytes, Uint8Array.of(1), grant!],
    ]) {
      expect(verdict(rebuilt([grant!], hmacSha256(K, ...parts)))).toBe('token_invalid');
    }
  });
  test('a text of another kind in place of a token', () => {
    const bytes = mintBase().slice(5);
    for (const prefix of ['ambe1_', 'amb2_', 'ambp1_', 'AMB1_', 'amb1-', '', 'Bearer amb1_']) {
      expect(verdict(prefix + bytes)).toBe('token_invalid');
    }
  });
});

test('F13 a token of one audience re-MACed under the domain key, or the reverse', () => {
  const domain = keyring.domainKeys();
  const domainKey = domain[0]!.unsafeBytes();
  const { audience: _, ...noAudience } = baseSpec;
  const wide = mint(keyring, noAudience);
  const central = { keys: [...keyring.exportFor(AUDIENCE), ...domain] };
  expect(verdict(wide, central)).toBe('ok');
  expect(verdict(wide)).toBe('token_invalid');
  expect(verdict(remac(itemsOf(wide), K), central)).toBe('token_invalid');
  expect(verdict(remac(itemsOf(mintBase()), domainKey), central)).toBe('token_invalid');
  // A service that holds its own key can't mint for another, nor for the domain.
  expect(verdict(remac(itemsOf(mintBase({ audience: 'mail.acme.com' })), K), central)).toBe('wrong_audience');
  expect(() => createVerifier({ audience: 'mail.acme.com', keys: keyring.exportFor(AUDIENCE) })).toThrow(
    TypeError,
  );
  expect(publicKey(new SecretKey('issuer', new Uint8Array(32).fill(0x22))).toString()).toBe(
    issuerSigner.publicKey.toString(),
  );
});
