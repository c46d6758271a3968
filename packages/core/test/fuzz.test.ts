// E13 and laws L2, L7, L9: a mutation fuzzer over tokens, proofs, tickets, offers, keys and encodings. Half of the
// inputs are plain damage, which no MAC survives; the other half is MACed or signed again under the right key, so
// that the parsers behind it are what is fuzzed. Whatever is accepted must be exactly what our writer would have
// written. Five seconds in CI; AMBIT_LONG=1 runs ten million inputs. AMBIT_SEED repeats a run.
import { expect, test } from 'vitest';
import {
  AmbitError,
  attenuate,
  concat,
  decodeCbor,
  delegate,
  encodeCbor,
  equal,
  fromBase64url,
  hmacSha256,
  inspect,
  LABELS,
  offerText,
  ProofSession,
  prove,
  PublicKey,
  readOffer,
  restrict,
  SecretKey,
  toBase64url,
  toHex,
  VerificationKey,
  type Cbor,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { CAVEATS, encodeCaveat } from '../src/caveats/index.ts';
import { readContents } from '../src/token/contents.ts';
import { readToken } from '../src/token/frame.ts';
import { encodeGrant } from '../src/token/grant.ts';
import { proofText, readProof } from '../src/proof/proof.ts';
import { statement } from '../src/proof/statement.ts';
import { encodeTicket, readTicket, sessionId, sessionKey } from '../src/proof/ticket.ts';
import { Prefixes } from '../src/token/prefix.ts';
import {
  bytes16,
  AUDIENCE,
  holder,
  issuerSigner,
  itemsOf,
  keyring,
  LONG,
  mintBase,
  NOW,
  remac,
  search,
  T0,
  verifierWith,
  x25519Secret,
} from './sample.ts';

/** A long run in slices of AMBIT_INPUTS, each with a seed of its own, loses no more than one when it is cut short. */
const INPUTS = LONG ? Number(process.env['AMBIT_INPUTS'] ?? 10_000_000) : Infinity;
const MILLISECONDS = LONG ? Infinity : 5_000;
/** However busy the machine is: enough that both sides of every parser come up with any seed. */
const AT_LEAST = 10_000;
const SEED = Number(process.env['AMBIT_SEED'] ?? Date.now() % 0x7fff_ffff);

// xorshift32: fast, and repeatable from the seed.
let state = SEED | 1;
function random(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}
const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;

// The seeds: every caveat, every constraint, every kind of proof.
const rich = attenuate(
  mintBase(
    {
      budgets: [
        { unit: 'sum', argument: 'n', limit: 2 ** 40, tools: ['files.*'] },
        { unit: 'calls', limit: 9, window: 60, pool: 'team' },
      ],
      deny: ['db.*'],
    },
    issuerSigner,
  ),
  restrict.expires(NOW + 600),
  restrict.notBefore(T0),
  restrict.audience(AUDIENCE, 'b'),
  restrict.tools('web_search', 'files.*', '*'),
  restrict.deny('db.*'),
  restrict.data('internal:research', 'public'),
  restrict.args(
    ['web_search'],
    {
      a: { kind: 'equals', value: { x: [1, 'y', null] } },
      b: { kind: 'oneOf', values: [1, 'two', false] },
      c: { kind: 'range', min: -2.5, max: 2 ** 40 },
      d: { kind: 'length', min: 1, max: 300 },
      e: { kind: 'pattern', pattern: '[a-z]{2,5}(x|y)*' },
      f: { kind: 'subpath', roots: ['/srv/docs', '/'] },
      g: { kind: 'url', schemes: ['https'], hosts: ['*.acme.com', '*'], ports: [443, 8443], paths: ['/v1'] },
      h: { kind: 'cidr', networks: ['10.0.0.0/8', '::1/128'] },
      i: { kind: 'email', domains: ['acme.com'] },
      j: {
        kind: 'each',
        constraint: {
          kind: 'all',
          constraints: [
            { kind: 'length', max: 2 },
            { kind: 'pattern', pattern: 'x*' },
          ],
        },
      },
      k: { kind: 'absent' },
    },
    { closed: true },
  ),
  restrict.budget({ unit: 'external', limit: 3, window: 3600 }, { unit: 'bytes', limit: 10 }),
  restrict.depth(2),
  restrict.http(['GET', 'POST'], ['/v1/*', '/x']),
  restrict.net('10.0.0.0/8', '::/0'),
  restrict.once(),
  restrict.note('für den Bericht'),
  restrict.flow('named', 'mail/send'),
);
const chain = delegate(
  attenuate(
    delegate(
      mintBase({}, issuerSigner),
      { to: holder(1).publicKey, label: 'b', time: T0, nonce: bytes16(1) },
      holder(0),
    ),
    restrict.calls(5),
  ),
  {
    to: holder(2).publicKey,
    label: 'c',
    time: T0,
    nonce: bytes16(2),
    restrictions: [restrict.tools('web_search')],
  },
  holder(1),
);
test('a caveat of every type is damaged: `rich` carries each that a holder may append', () => {
  const types = CAVEATS.filter((kind) => kind.mayAppend).map((kind) => kind.type);
  expect(inspect(rich).caveats.map((c) => c.type)).toEqual(expect.arrayContaining(types));
});

const plain = mintBase();
const tokens = [plain, rich, chain].map((t) => fromBase64url(t, 5)!);
const verifier = verifierWith({
  proofSessions: { key: x25519Secret, unsafeEpoch: bytes16(7), perHolder: 1_000_000, total: 1_000_000 },
});
const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, holder(0));
const signedProof = prove(plain, search, { audience: AUDIENCE, time: NOW, nonce: bytes16(9) }, holder(0));
const openingProof = session.prove(plain, search, NOW);
session.established();
const sessionProof = session.prove(plain, search, NOW);
const proofs = [signedProof, openingProof, sessionProof].map((p) => fromBase64url(p, 6)!);
const good = readProof(openingProof);
if (good?.kind !== 'opening') throw new Error('test: no opening proof');
const keyTexts = [
  PublicKey.parse('holder', holder(0).publicKey.toString()).toString(),
  x25519Secret.unsafeText(),
  keyring.exportFor(AUDIENCE)[0]!.unsafeText(),
];
const offer = offerText(verifier.sessionOffer!);

const INTERESTING = [
  0, 1, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f, 0x20, 0x3b, 0x40, 0x5f, 0x60, 0x7f, 0x80, 0x81, 0x9f, 0xa0,
  0xa1, 0xbf, 0xc0, 0xd9, 0xf4, 0xf6, 0xf7, 0xf9, 0xfb, 0xff,
];

/** One to four plain injuries: flips, splices, cuts, insertions, deletions, zeros, repeats, bytes that CBOR minds. */
function damage(input: Uint8Array, donors: readonly Uint8Array[]): Uint8Array {
  let b: Uint8Array = input.slice();
  for (let n = 1 + random(4); n > 0; n--) {
    if (b.length === 0) return b;
    const at = random(b.length);
    switch (random(9)) {
      case 0: b[at]! ^= 1 << random(8); break;
      case 1: b[at] = random(256); break;
      case 2: b[at] = pick(INTERESTING); break;
      case 3: b = b.slice(0, at); break;
      case 4: b = concat(b.slice(0, at), Uint8Array.of(pick(INTERESTING), random(256)).slice(0, 1 + random(2)), b.slice(at)); break;
      case 5: b = concat(b.slice(0, at), b.slice(at + 1 + random(8))); break;
      case 6: b.fill(0, at, at + 1 + random(40)); break;
      case 7: { const d = pick(donors); const from = random(d.length); b = concat(b.slice(0, at), d.slice(from, from + random(60)), b.slice(at)); break; }
      default: b = concat(b.slice(0, at), b.slice(Math.max(0, at - random(40)))); break;
    }
  } // prettier-ignore
  return b;
}

/** A value changed as a value: what comes out is canonical again, and mostly of a wrong form. */
function bend(value: Cbor, depth = 0): Cbor {
  if (depth > 0 && random(6) === 0) {
    return pick<Cbor>([
      null,
      true,
      0,
      -1,
      1,
      2 ** 53 - 1,
      24,
      'x',
      '',
      'a.*',
      new Uint8Array(32),
      new Uint8Array(0),
      [],
      [1],
      new Map(),
      [4, 1, null],
    ]);
  }
  if (Array.isArray(value)) {
    const list = [...(value as readonly Cbor[])];
    if (list.length === 0 || random(8) === 0) return [...list, pick<Cbor>([null, 0, 'x'])];
    const i = random(list.length);
    if (random(10) === 0) list.splice(i, 1);
    else list[i] = bend(list[i]!, depth + 1);
    return list;
  }
  if (value instanceof Map) {
    const map = new Map(value as ReadonlyMap<number | string, Cbor>);
    const keys = [...map.keys()];
    if (keys.length === 0 || random(8) === 0)
      return map.set(pick<number | string>([0, 5, -10, 'x', '__proto__']), null);
    const key = pick(keys);
    if (random(8) === 0) map.delete(key);
    else map.set(key, bend(map.get(key)!, depth + 1));
    return map;
  }
  if (value instanceof Uint8Array) {
    const inner = value.length > 20 && random(2) === 0 ? decodeCbor(value) : null;
    return inner === null ? damage(value, tokens) : encodeCbor(bend(inner.value, depth + 1));
  }
  if (typeof value === 'number') return pick([value + 1, Math.max(0, value - 1), 0, 2 ** 32, 255, 256]);
  if (typeof value === 'string')
    return pick([`${value}x`, value.slice(1), value.toUpperCase(), `${value}\u0000`, `${value}.*`, '*', '']);
  return pick<Cbor>([null, true, false, 0]);
}

function bendItem(item: Uint8Array): Uint8Array {
  const read = decodeCbor(item);
  return read === null ? item : encodeCbor(bend(read.value));
}

/** The same value in CBOR that is sound and, in one place on average, not canonical: wider heads, other orders. */
function loosely(value: Cbor): Uint8Array {
  const head = (major: number, n: number): Uint8Array => {
    const shortest = encodeCbor(n).slice();
    if (random(12) > 0) {
      shortest[0]! |= major << 5;
      return shortest;
    }
    const size = pick([1, 2, 4, 8].filter((bytes) => n < 256 ** bytes));
    const out = new Uint8Array(1 + size);
    out[0] = (major << 5) | (24 + Math.log2(size));
    for (let i = size, rest = n; i > 0; i--, rest = Math.floor(rest / 256)) out[i] = rest % 256;
    return out;
  };
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value);
    return random(20) === 0
      ? concat(Uint8Array.of(0x7f), head(3, bytes.length), bytes, Uint8Array.of(0xff))
      : concat(head(3, bytes.length), bytes);
  }
  if (value instanceof Uint8Array) return concat(head(2, value.length), value);
  if (Array.isArray(value)) {
    const list = value as readonly Cbor[];
    const end = random(20) === 0;
    return concat(
      end ? Uint8Array.of(0x9f) : head(4, list.length),
      ...list.map(loosely),
      ...(end ? [Uint8Array.of(0xff)] : []),
    );
  }
  if (value instanceof Map) {
    const pairs = [...(value as ReadonlyMap<number | string, Cbor>)].map(([k, v]) =>
      concat(loosely(k), loosely(v)),
    );
    if (random(4) === 0) pairs.reverse();
    if (pairs.length > 0 && random(8) === 0) pairs.push(pairs[random(pairs.length)]!);
    return concat(head(5, pairs.length), ...pairs);
  }
  return encodeCbor(value);
}

/** What the writer writes for what was read; throws when the two differ. */
function expectOurs(text: string): void {
  const frame = readToken(text)!;
  const contents = readContents(frame)!;
  const written = [encodeGrant(contents.grant), ...contents.caveats.map(encodeCaveat)];
  itemsOf(text).forEach((item, i) => {
    if (!equal(item, written[i]!))
      throw new Error(`accepted, but not as we write it: item ${i} ${toHex(item)}`);
  });
}

type Attack = () => 'accepted' | 'refused';
const authenticated = (text: string): boolean => verifier.identify(text).ok;
const known = new Set([plain, rich, chain]);
const knownProofs = new Set([signedProof, openingProof, sessionProof]);

const attacks: { readonly [name: string]: Attack } = {
  'a token, damaged': () => {
    const text = `amb1_${toBase64url(damage(pick(tokens), tokens))}`;
    const ok = authenticated(text);
    if (ok && !known.has(text)) throw new Error('a damaged token passed');
    return ok ? 'accepted' : 'refused';
  },
  'a token as text, damaged': () => {
    const chars = new TextEncoder().encode(pick([plain, rich, chain]));
    const text = new TextDecoder('latin1').decode(damage(chars, [chars]));
    const ok = authenticated(text);
    if (ok && !known.has(text)) throw new Error('a damaged text passed');
    try {
      inspect(text);
    } catch (error) {
      if (!(error instanceof AmbitError)) throw error;
    }
    return ok ? 'accepted' : 'refused';
  },
  'items damaged and MACed again': () => remade((item) => damage(item, tokens)),
  'items bent as values and MACed again': () => remade(bendItem),
  'items in another encoding, MACed again': () =>
    remade((item) => {
      const read = decodeCbor(item);
      return read === null ? item : loosely(read.value);
    }),
  'CBOR in another encoding': () => {
    const value = decodeCbor(pick([...tokens, ...proofs, ...itemsOf(rich)]))!.value;
    const bytes = loosely(value);
    const ours = encodeCbor(value);
    const read = decodeCbor(bytes);
    if ((read !== null) !== equal(bytes, ours))
      throw new Error(`one value in two encodings: ${toHex(bytes)}`);
    return read === null ? 'refused' : 'accepted';
  },
  'a proof, damaged': () => {
    const text = `ambp1_${toBase64url(damage(pick(proofs), proofs))}`;
    const { ok } = verifier.verify({ token: plain, proof: text, call: search, now: NOW });
    if (ok && !knownProofs.has(text)) throw new Error('a damaged proof passed');
    return ok ? 'accepted' : 'refused';
  },
  'a ticket, damaged and signed again': () => {
    const ticket = random(2) === 0 ? damage(good.ticket, proofs) : bendItem(good.ticket);
    const signature = holder(0).sign(LABELS.ticket, ticket);
    const fields = readTicket(ticket);
    let mac = good.mac;
    if (fields !== null) {
      const shared = nodeProvider.x25519(x25519Secret.unsafeBytes(), fields.ephemeral) ?? new Uint8Array(32);
      const id = sessionId(ticket, signature);
      const digest = new Prefixes(readToken(plain)!).all();
      const st = statement(
        { audience: AUDIENCE, token: digest, time: NOW, freshness: { session: id, sequence: 0 } },
        search,
      );
      mac = hmacSha256(sessionKey(shared, id, fields), LABELS.statementSession.bytes, st);
    }
    const proof = proofText({ ...good, ticket, signature, sequence: 0, mac });
    const { ok } = verifier.verify({ token: plain, proof, call: search, now: NOW });
    if (!ok) return 'refused';
    if (fields === null || !equal(encodeTicket(fields), ticket))
      throw new Error('a ticket that is not ours passed');
    if (fields.audience !== AUDIENCE || fields.expires - fields.issuedAt > 300 || fields.expires <= NOW)
      throw new Error('a ticket with wrong fields passed');
    return 'accepted';
  },
  'CBOR, damaged': () => {
    const bytes = damage(pick([...tokens, ...proofs]), tokens);
    const read = decodeCbor(bytes);
    if (read === null) return 'refused';
    if (!equal(encodeCbor(read.value), bytes)) throw new Error('CBOR that is not canonical passed');
    return 'accepted';
  },
  'keys and offers, damaged': () => {
    const text = pick([...keyTexts, offer]);
    const chars = new TextEncoder().encode(text);
    const other = new TextDecoder('latin1').decode(damage(chars, [chars]));
    const parse: readonly ((t: string) => string)[] = [
      (t) => PublicKey.parse('holder', t).toString(),
      (t) => SecretKey.parse('x25519', t).unsafeText(),
      (t) => VerificationKey.parse(t).unsafeText(),
      (t) => offerText(readOffer(t)),
    ];
    let taken: Attack extends () => infer R ? R : never = 'refused';
    for (const read of parse) {
      let back: string;
      try {
        back = read(other);
      } catch (error) {
        if (!(error instanceof AmbitError)) throw error;
        continue;
      }
      if (back !== other) throw new Error('a text was read that would be written otherwise');
      taken = 'accepted';
    }
    return taken;
  },
};

// Some items of a token changed, and a right MAC over the result.
function remade(change: (item: Uint8Array) => Uint8Array): 'accepted' | 'refused' {
  const from = pick([plain, rich, chain]);
  const items = itemsOf(from);
  const changed = random(items.length);
  items[changed] = change(items[changed]!);
  switch (random(6)) {
    case 0: items.splice(1 + random(items.length), 1); break;
    case 1: items.splice(1 + random(items.length), 0, pick(itemsOf(pick([rich, chain])))); break;
    default: break;
  } // prettier-ignore
  const text = remac(items);
  const answer = verifier.identify(text);
  if (!answer.ok) return 'refused';
  expectOurs(text);
  // The signatures in `chain` cover all that precedes them: only what stands behind the last may differ.
  const { view } = answer.token;
  const depth = view.chain.length;
  if (depth > 1) {
    const at = view.chain.at(-1)!.caveat;
    const original = itemsOf(chain);
    for (let i = 0; i <= at + 1; i++)
      if (!equal(items[i]!, original[i]!)) throw new Error(`item ${i} changed under a signature`);
  }
  return 'accepted';
}

test(`E13 mutation fuzzer (seed ${SEED})`, { timeout: LONG ? 14_400_000 : 300_000 }, () => {
  const names = Object.keys(attacks);
  const tally = Object.fromEntries(names.map((n) => [n, { accepted: 0, refused: 0 }]));
  const start = performance.now();
  let n = 0;
  for (; n < AT_LEAST || (n < INPUTS && (n % 64 !== 0 || performance.now() - start < MILLISECONDS)); n++) {
    const name = names[n % names.length]!;
    try {
      tally[name]![attacks[name]!()]++;
    } catch (error) {
      throw new Error(`${name}, input ${n}, AMBIT_SEED=${SEED}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  console.log(
    `fuzzer: ${n} inputs, ${Math.round(n / ((performance.now() - start) / 1000))} a second, seed ${SEED}`,
    tally,
  );
  // Both sides of every parser were reached.
  for (const name of names) expect(tally[name]!.refused).toBeGreaterThan(0);
  for (const name of [
    'items bent as values and MACed again',
    'a ticket, damaged and signed again',
    'CBOR, damaged',
  ]) {
    expect(tally[name]!.accepted).toBeGreaterThan(0);
  }
});

test('E13 truncation at every length, deletion and zero fill at every place', () => {
  for (const [bytes, show] of [
    ...tokens.map((t) => [t, (b: Uint8Array) => authenticated(`amb1_${toBase64url(b)}`)] as const),
    ...proofs.map(
      (p) =>
        [
          p,
          (b: Uint8Array) =>
            verifier.verify({ token: plain, proof: `ambp1_${toBase64url(b)}`, call: search, now: NOW }).ok,
        ] as const,
    ),
  ]) {
    for (let i = 0; i < bytes.length; i++) {
      expect(show(bytes.slice(0, i))).toBe(false);
      expect(show(concat(bytes.slice(0, i), bytes.slice(i + 1)))).toBe(false);
      expect(show(concat(bytes.slice(0, i), Uint8Array.of(0), bytes.slice(i)))).toBe(false);
      const zeroed = bytes.slice().fill(0, i, i + 8);
      if (!equal(zeroed, bytes)) expect(show(zeroed)).toBe(false);
    }
  }
});
