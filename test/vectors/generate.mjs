// Writes the test vectors (`npm run vectors`): everything that an implementation in another language needs to check
// itself against packages/core/SPEC.md, with fixed keys, times and nonces. Expected codes are written down here by
// hand; the generator runs every case and stops when the engine says otherwise. Prefix digests, key derivations and
// ids are computed here a second time, with node:crypto over the bytes, and compared.
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  Arguments,
  attenuate,
  CODES,
  constraintProblem,
  DEFAULTS,
  LIMITS,
  readOffer,
  STEPS,
  bodyDigest,
  parseCall,
  authorize,
  createVerifier,
  decodeCbor,
  delegate,
  deriveKey,
  encodeCbor,
  evidence,
  fromBase64url,
  inspect,
  isLabel,
  isToolName,
  Keyring,
  LABELS,
  matchLabel,
  matchTool,
  mint,
  mintBearer,
  offerText,
  ProofSession,
  prove,
  PublicKey,
  publicKey,
  restrict,
  SecretKey,
  signer,
  toBase64url,
  toHex,
  utf8,
  VerificationKey,
} from '@ambit/core';
import { memoryLedger } from '@ambit/state';
import { proofEdges, sessionEdges } from './edges/calls.mjs';
import { constraintEdges, regularEdges, valueOf } from './edges/constraints.mjs';
import { decisionEdges } from './edges/decisions.mjs';
import { signatureEdges, textEdges } from './edges/forms.mjs';
import { EPOCH, ledgerEdges } from './edges/ledger.mjs';
import { decisionMutants } from './edges/mutants-decisions.mjs';
import { ledgerMutants } from './edges/mutants-ledger.mjs';
import { proofMutants, sessionMutants } from './edges/mutants-calls.mjs';
import { argumentMutants, nameConstraints, nameMutants, nameTexts } from './edges/mutants-names.mjs';
import { chainMutants, fieldMutants, tokenMutants } from './edges/mutants-tokens.mjs';
import { tokenEdges } from './edges/tokens.mjs';
import { block, codeTable, limitTable, stepTable } from './tables.mjs';

const T0 = 1_772_373_600; // 2026-03-01T14:00:00Z
const NOW = T0 + 300;
const AUDIENCE = 'search.acme.com';
const ISSUER = 'acme-iam';
const fill = (n, size = 32) => new Uint8Array(size).fill(n);
const n16 = (n) => fill(n, 16);

const root = new SecretKey('root', fill(0x11));
const root2 = new SecretKey('root', fill(0x12));
const keyring = new Keyring(ISSUER, [{ keyId: 'k1', status: 'current', root }]);
const rotated = new Keyring(ISSUER, [
  { keyId: 'k1', status: 'retired', root },
  { keyId: 'k2', status: 'current', root: root2 },
]);
const issuer = signer(new SecretKey('issuer', fill(0x22)));
const rogue = signer(new SecretKey('issuer', fill(0x23)));
const x25519 = new SecretKey('x25519', fill(0x33));
const holderSecrets = [0, 1, 2, 3].map((i) => new SecretKey('holder', fill(0x40 + i)));
const [a, b, c, d] = holderSecrets.map((s) => signer(s));

const SPEC = new URL('../../packages/core/SPEC.md', import.meta.url);
const spec = {
  operator: { id: 'acme-corp', config: fill(0x51) },
  model: { id: 'razorsec-agent-v2.1', digest: fill(0x52) },
  session: 'agt-2026-03-01-a7f3e2',
  user: 'analyst-jane@acme.com',
  tools: ['web_search', 'files.*', 'mail/send'],
  data: ['public', 'internal'],
  delegations: 2,
  issuedAt: T0,
  expires: T0 + 1800,
  audience: AUDIENCE,
  tokenId: n16(0x07),
  holder: a.publicKey,
};
const K = deriveKey(ISSUER, keyring.current, AUDIENCE).unsafeBytes();

// Independent computations, over bytes.
const sha = (...parts) => new Uint8Array(parts.reduce((h, p) => h.update(p), createHash('sha256')).digest());
const hmac = (key, ...parts) =>
  new Uint8Array(parts.reduce((h, p) => h.update(p), createHmac('sha256', key)).digest());
const same = (what, x, y) => {
  if (JSON.stringify(x) !== JSON.stringify(y))
    throw new Error(`${what}: ${JSON.stringify(x)} is not ${JSON.stringify(y)}`);
};
const parts = (token) => {
  const [version, grant, caveats, tail] = decodeCbor(fromBase64url(token, 5)).value;
  return { version, items: [grant, ...caveats], tail };
};
const text = (items, tail) => `amb1_${toBase64url(encodeCbor([1, items[0], items.slice(1), tail]))}`;
const tailsOf = (key, items) => {
  const tails = [hmac(key, LABELS.grant.bytes, Uint8Array.of(1), items[0])];
  for (const item of items.slice(1)) tails.push(hmac(tails.at(-1), item));
  return tails;
};
const prefixesOf = (items) =>
  items.map((_, i) =>
    sha(LABELS.prefix.bytes, Uint8Array.of(1), ...items.slice(0, i + 1).map((x) => encodeCbor(x))),
  );
/** A token of any items with a right MAC: for cases that the library would not make. */
const remac = (items, key = K) => text(items, tailsOf(key, items).at(-1));
const raw = (token, ...caveats) =>
  remac([...parts(token).items, ...caveats.map((x) => (x instanceof Uint8Array ? x : encodeCbor(x)))]);
const hex = (h) => Uint8Array.from(Buffer.from(h.replaceAll(' ', ''), 'hex'));

function intermediate(token, key = K) {
  const { items, tail } = parts(token);
  const tails = tailsOf(key, items);
  same('tail', toHex(tails.at(-1)), toHex(tail));
  const prefixes = prefixesOf(items);
  same('D(n)', toBase64url(prefixes.at(-1)), inspect(token).digest);
  return {
    bytes: items.reduce((n, i) => n + i.length, 0),
    key: toHex(key),
    items: items.map(toHex),
    tails: tails.map(toHex),
    prefixDigests: prefixes.map(toHex),
    nodes: inspect(token).nodes,
    evidence: evidence(token),
  };
}

// Verifiers, described in the file and built from that description, as any implementation would.
const vkeys = (ring, audience) =>
  ring.keys.map((k) => {
    const v = deriveKey(ring.issuer, k, audience);
    return { issuer: ring.issuer, keyId: k.keyId, audience, key: toHex(v.unsafeBytes()), retired: v.retired };
  });
const sealed = { issuer: ISSUER, key: toHex(issuer.publicKey.bytes) };
const standard = { audience: AUDIENCE, keys: vkeys(keyring, AUDIENCE), seals: [sealed] };
const withSessions = { ...standard, sessions: { key: toHex(x25519.unsafeBytes()), epoch: toHex(n16(0x0e)) } };
const federated = { audience: AUDIENCE, keys: [], seals: [sealed], federated: [ISSUER] };

/** A verifier of core from a description in a vector file. */
export function verifierOf(v) {
  const { keys, seals = [], sessions, ...rest } = v;
  const { key, epoch, ...bounds } = sessions ?? {};
  return createVerifier({
    ...rest,
    keys: keys.map((k) => new VerificationKey(k.issuer, k.keyId, k.audience, hex(k.key), k.retired)),
    seals: seals.map((s) => ({ ...s, key: new PublicKey('issuer', hex(s.key)) })),
    ...(sessions === undefined
      ? {}
      : {
          proofSessions: {
            ...bounds,
            key: new SecretKey('x25519', hex(key)),
            [bounds.shared === true ? 'epoch' : 'unsafeEpoch']: hex(epoch),
          },
        }),
  });
}

/** The call of a vector; `http.body` is UTF-8 text. */
export function callOf({ tool, args, http }) {
  if (http === undefined) return parseCall({ tool, args });
  const { body, ...head } = http;
  return parseCall({
    tool,
    args,
    http: { ...head, ...(body === undefined ? {} : { bodyDigest: bodyDigest(utf8(body)) }) },
  });
}

/** The ledger of the stores, whose own clock stands where the call's does. */
function ledgerOf(options = {}) {
  let now = 0;
  const ledger = memoryLedger({ ...options, nowSeconds: () => now });
  return {
    apply(charges, at) {
      now = Math.max(now, at);
      return ledger.apply(charges, at);
    },
  };
}

/** Runs the steps of one case in a fresh verifier and ledger; gives { code, caveat?, charges? } for each. */
export function run(vector) {
  const v = verifierOf(vector.verifier);
  // Windows that are shared are the ledger's, and so is the epoch of the tickets.
  const ledger = ledgerOf({ ...vector.ledger, unsafeEpoch: vector.verifier.sessions?.epoch });
  const shown = ({ ok, code, caveat }) =>
    ok === true ? { code: 'ok' } : { code, ...(caveat === undefined ? {} : { caveat }) };
  return vector.steps.map((s) => {
    if (s.call === undefined) return shown(v.identify(s.token));
    const made = callOf(s.call);
    if (!made.ok) return shown(made);
    const answer = v.verify({ token: s.token, proof: s.proof, call: made.call, now: s.now });
    if (!answer.ok || s.facts === undefined) return shown(answer);
    const decision = authorize(answer.token, s.facts, ...(s.ledger === false ? [] : [ledger]));
    return { ...shown(decision), ...(decision.ok ? { charges: decision.charges } : {}) };
  });
}

const files = new Map();
/** What becomes of charges that are applied in turn: the vectors of ledger.json. */
export function runLedger({ rowsPerToken, steps }) {
  const ledger = ledgerOf({ ...(rowsPerToken === undefined ? {} : { rowsPerToken }), unsafeEpoch: EPOCH });
  return steps.map(({ now, charges }) => {
    const { ok, code, caveat } = ledger.apply(charges, now);
    return ok ? { code: 'ok' } : { code, caveat };
  });
}

/** Whether a text is what `form` says it is: the vectors of texts.json. */
export function isText({ form, use, text }) {
  try {
    if (form === 'public key') PublicKey.parse(use, text);
    else if (form === 'secret key') SecretKey.parse(use, text);
    else if (form === 'verification key') VerificationKey.parse(text);
    else if (form === 'offer') readOffer(text);
    else return text.startsWith('ambe1_') && inspect(text) !== null;
    return true;
  } catch {
    return false;
  }
}

/** Adds a case. A step is { token, proof?, call?, now?, facts?, expect: 'code' | ['code', caveat] }. */
function add(file, name, description, verifier, steps, extra = {}) {
  const vector = { name, description, verifier, steps: [].concat(steps), ...extra };
  const got = run(vector);
  vector.steps = vector.steps.map(({ expect, ...step }, i) => {
    const [code, caveat] = [].concat(expect);
    same(`${file}: ${name}, step ${i}`, [code, caveat ?? null], [got[i].code, got[i].caveat ?? null]);
    return { ...step, expect: got[i] };
  });
  const list = files.get(file) ?? [];
  if (list.some((x) => x.name === name)) throw new Error(`${name}: twice`);
  files.set(file, [...list, vector]);
}

const search = { tool: 'web_search', args: '{"q":"macaroons"}' };
const made = (x) => {
  const m = callOf(x);
  if (!m.ok) throw new Error(m.message);
  return m.call;
};
const proofOf = (token, what, by, more = {}) =>
  prove(token, made(what), { audience: AUDIENCE, time: NOW, nonce: n16(0x0a), ...more }, by);
/** A whole presentation, proved by `by`. */
const shown = (token, by, expect, more = {}) => {
  const what = more.call ?? search;
  const proof = more.proof ?? proofOf(token, what, by, more.prove);
  return {
    token,
    proof,
    call: what,
    now: more.now ?? NOW,
    facts: { now: more.now ?? NOW, data: [], ...more.facts },
    expect,
  };
};
const { proof: _p, ...unproved } = shown(mint(keyring, spec), a, 'ok');

// Tokens.
const base = mint(keyring, spec);
const sealedToken = mint(keyring, spec, issuer);
const narrow = attenuate(base, restrict.tools('web_search'), restrict.calls(5), restrict.expires(NOW + 60));
const toB = {
  to: b.publicKey,
  label: 'searcher',
  time: T0 + 60,
  nonce: n16(0x0b),
  restrictions: [restrict.tools('web_search')],
};
const toC = {
  to: c.publicKey,
  label: 'fetcher',
  time: T0 + 90,
  nonce: n16(0x0c),
  restrictions: [restrict.calls(3)],
};
const ab = delegate(base, toB, a);
const abc = delegate(ab, toC, b);
const sealedAb = delegate(sealedToken, toB, a);
const { holder: _h, delegations: _d, ...bearerSpec } = spec;
const bearer = mintBearer(keyring, bearerSpec);
const { audience: _a, ...domainSpec } = spec;
const domain = mint(keyring, domainSpec);
const domainKey = deriveKey(ISSUER, keyring.current, null).unsafeBytes();

const tok = (name, description, token, expect, verifier = standard, extra = {}) =>
  add('tokens.json', name, description, verifier, { token, expect }, extra);
tok('grant alone', 'A grant without caveats.', base, 'ok', standard, { intermediate: intermediate(base) });
tok('attenuated', 'Three caveats appended.', narrow, 'ok', standard, { intermediate: intermediate(narrow) });
tok('delegated once', 'A to B, restricted to one tool.', ab, 'ok', standard, {
  intermediate: intermediate(ab),
});
tok('delegated twice', 'A to B to C.', abc, 'ok', standard, { intermediate: intermediate(abc) });
tok(
  'sealed',
  'With the seal of an issuer key that the verifier knows.',
  sealedToken,
  'ok',
  { ...standard, requireSeal: true },
  { intermediate: intermediate(sealedToken) },
);
tok(
  'minimal grant',
  'Only what a grant has to have; it is bound to a holder.',
  mint(keyring, { ...spec, operator: { id: 'o' }, data: undefined, delegations: 0, tools: [] }),
  'ok',
);
tok(
  'domain',
  'No audience: the domain key.',
  domain,
  'ok',
  { ...standard, keys: [...standard.keys, ...vkeys(keyring, null)] },
  { intermediate: intermediate(domain, domainKey) },
);
tok('bearer, taken', 'No holder key; the verifier opts in.', bearer, 'ok', { ...standard, bearer: true });
tok('bearer, refused', 'No holder key; the verifier does not opt in.', bearer, 'bearer_refused');
tok('by signatures', 'A sealed and delegated token at a verifier without keys.', sealedAb, 'ok', federated);
tok(
  'by signatures, any tail',
  'The tail plays no part there.',
  text(parts(sealedAb).items, fill(0)),
  'ok',
  federated,
);
const { items: sealedItems } = parts(sealedAb);
tok(
  'by signatures, caveat stripped',
  'The caveat in front of the delegation is left out.',
  text([sealedItems[0], sealedItems[1], sealedItems[3]], fill(0)),
  ['delegation_invalid', 1],
  federated,
);
tok('by signatures, unsealed', 'Without a seal nothing binds the grant.', ab, 'seal_required', federated);
tok(
  'by signatures, issuer unknown',
  'Not a federated issuer.',
  mint(new Keyring('other-iam', [keyring.current]), spec, issuer),
  'token_invalid',
  federated,
);
tok('no fall-back', 'A failed MAC is not tried by signatures.', text(sealedItems, fill(0)), 'token_invalid', {
  ...standard,
  federated: [ISSUER],
});
tok('seal by an unknown key', 'Counts as none.', mint(keyring, spec, rogue), 'ok');
tok('seal by an unknown key, demanded', 'Counts as none.', mint(keyring, spec, rogue), 'seal_required', {
  ...standard,
  requireSeal: true,
});
tok('seal missing where demanded', 'None at all.', base, 'seal_required', { ...standard, requireSeal: true });
tok('seal of another operator', 'The key is pinned to another operator.', sealedToken, ['seal_invalid', 0], {
  ...standard,
  seals: [{ ...sealed, operators: ['other'] }],
});
tok(
  'seal over another grant',
  'Copied from a token of another session.',
  remac([parts(mint(keyring, { ...spec, session: 'x' })).items[0], parts(sealedToken).items[1]]),
  ['seal_invalid', 0],
);
tok(
  'seal behind a delegation',
  'It stands at minting, before any delegation.',
  raw(ab, parts(sealedToken).items[1]),
  'seal_invalid',
);
tok(
  'two seals',
  'Only one.',
  remac([...parts(sealedToken).items, parts(sealedToken).items[1]]),
  'seal_invalid',
);
tok('retired key', 'A real token of a retired key.', base, 'key_retired', {
  ...standard,
  keys: vkeys(rotated, AUDIENCE),
});
tok('current key of two', 'Minted after the rotation.', mint(rotated, spec), 'ok', {
  ...standard,
  keys: vkeys(rotated, AUDIENCE),
});
tok('unknown key id', 'No key of this id.', mint(rotated, spec), 'token_invalid');
tok(
  'another audience',
  'For another service.',
  mint(keyring, { ...spec, audience: 'mail.acme.com' }),
  'wrong_audience',
);
tok('domain key not held', 'No audience, and the verifier has no domain key.', domain, 'token_invalid');
const narrowParts = parts(narrow);
const grant = narrowParts.items[0];
const mapBut = (change) => {
  const map = new Map(decodeCbor(grant).value);
  change(map);
  return encodeCbor(map);
};
const forged = [
  ['tail of zeros', text(narrowParts.items, fill(0))],
  ['tail of the parent', text(narrowParts.items, parts(base).tail)],
  ['tail of 31 bytes', text(narrowParts.items, narrowParts.tail.slice(1))],
  ['caveat removed', text(narrowParts.items.slice(0, -1), narrowParts.tail)],
  [
    'caveats swapped',
    text([grant, narrowParts.items[2], narrowParts.items[1], narrowParts.items[3]], narrowParts.tail),
  ],
  ['wider grant, old tail', text([mapBut((m) => m.set(-5, ['*']))], parts(base).tail)],
  ['MAC under the root key itself', remac(narrowParts.items, root.unsafeBytes())],
  [
    'MAC under the key of another audience',
    remac(narrowParts.items, deriveKey(ISSUER, keyring.current, 'mail.acme.com').unsafeBytes()),
  ],
  ['MAC under the domain key', remac(narrowParts.items, domainKey)],
  ['version 2', `amb1_${toBase64url(hex(`8402${toHex(fromBase64url(base, 5)).slice(4)}`))}`],
  ['trailing byte', `amb1_${toBase64url(Uint8Array.from([...fromBase64url(base, 5), 0]))}`],
  ['evidence in place of a token', evidence(base)],
  ["evidence under a token's prefix", `amb1_${evidence(base).slice(6)}`],
  ['padding', `${base}=`],
  ['line break', `${base}\n`],
  ['other alphabet', base.replaceAll('-', '+').replaceAll('_', '/')],
  ['empty', ''],
  ['prefix alone', 'amb1_'],
];
for (const [name, token] of forged)
  tok(`forged: ${name}`, 'Refused before anything else is read.', token, 'token_invalid');
// Behind a right MAC: what the strict parser refuses. Raw items in hexadecimal.
// The types that SPEC.md section 3 defines: the first number after them is no caveat.
const types = [...readFileSync(SPEC, 'utf8').matchAll(/^ *(?:caveat =|\/) \[(\d+), /gm)].map((m) =>
  Number(m[1]),
);
const unknownType = Math.max(...types) + 1;
const malformed = [
  [`unknown caveat type ${unknownType}`, [unknownType, null]],
  ['caveat type 0', [0, null]],
  ['caveat type as text', ['time', [null, 1]]],
  ['caveat with a third member', [13, null, 0]],
  ['time with neither bound', [1, [null, null]]],
  ['deny of nothing', [4, []]],
  ['args for no tool', [5, [[], new Map([['q', [11]]]), false]]],
  ['args that constrain nothing', [5, [['x'], new Map(), false]]],
  ['args with an unknown constraint', [5, [['x'], new Map([['q', [13, 'x']]]), false]]],
  ['absent inside each', [5, [['x'], new Map([['q', [10, [11]]]]), false]]],
  ['tool pattern with an inner star', [3, ['a*b']]],
  ['tool with a space', [3, ['a b']]],
  ['budget in an unknown unit', [7, [[6, 1, 0, null, null, null]]]],
  ['cost without a unit', [7, [[5, 1, 0, null, null, null]]]],
  ['sliding window above 2^31', [7, [[1, 1, -(2 ** 31) - 1, null, null, null]]]],
  ['budget with a pool in a caveat', [7, [[1, 1, 0, null, 'p', null]]]],
  ['sum without an argument', [7, [[4, 1, 0, null, null, null]]]],
  ['budget for no tool', [7, [[1, 1, 0, null, null, []]]]],
  ['http method in lower case', [11, [['get'], ['/*']]]],
  ['http path with a dot segment', [11, [['GET'], ['/a/../b']]]],
  ['network with bits below its prefix', [12, ['10.0.0.1/8']]],
  ['note with a control character', [14, 'a\u0007b']],
  ['note with a bidirectional override', [14, 'a\u202eb']],
  ['note of nothing', [14, '']],
  ['flow rule 4', [15, [['x'], 4]]],
  ['integer longer than needed', hex('82 08 1802')],
  ['integer of eight bytes for four', hex('82 01 82 f6 1b0000000069a45000')],
  ['reserved additional information 28', hex(`82 08 1c ${'00'.repeat(93)} 000200000000`)],
  ['indefinite array', hex('82 03 9f 6178 ff')],
  ['indefinite text', hex('82 0e 7f 6178 ff')],
  ['tag', hex('82 08 c1 02')],
  ['float', hex('82 08 f9 3c00')],
  ['undefined', hex('82 0d f7')],
  ['integer above 2^53-1', hex('82 08 1b 0020000000000000')],
  ['negative depth', hex('82 08 20')],
  ['bad UTF-8', hex('82 0e 62 c0af')],
  ['encoded surrogate', hex('82 0e 63 eda080')],
  ['duplicate argument name', hex('82 05 83 81 6178 a2 6171 810b 6171 810b f4')],
  ['argument names out of order', hex('82 05 83 81 6178 a2 6172 810b 6171 810b f4')],
  ['trailing byte in a caveat', hex('82 08 02 00')],
  ['length beyond the item', hex('82 0e 7a ffffffff 78')],
  ['a head that counts three over two members', hex('83 0d f6')],
  ['a head that counts one over two members', hex('81 0d f6')],
  ['no item at all', new Uint8Array(0)],
];
for (const [name, caveat] of malformed)
  tok(`malformed: ${name}`, 'A caveat behind a right MAC.', raw(base, caveat), 'token_invalid');
for (const [name, bytes] of [
  ['unknown grant field -10', mapBut((m) => m.set(-10, null))],
  ['grant without tools', mapBut((m) => m.delete(-5))],
  ['grant without user', mapBut((m) => m.delete(2))],
  ['deny list empty instead of absent', mapBut((m) => m.set(-7, []))],
  ['delegations 0 instead of absent', mapBut((m) => m.set(-9, 0))],
  ['delegations 17', mapBut((m) => m.set(-9, 17))],
  ['token id of 15 bytes', mapBut((m) => m.set(7, fill(7, 15)))],
  ['expiry at issue', mapBut((m) => m.set(4, T0))],
  ['holder key on another curve', mapBut((m) => m.set(8, new Map([[1, new Map([[1, 1], [-1, 4], [-2, fill(1)]])]])))],
  ['holder key with a fourth member', mapBut((m) => m.set(8, new Map([[1, new Map([[1, 1], [3, -8], [-1, 6], [-2, fill(1)]])]])))],
]) tok(`malformed: ${name}`, 'A grant behind a right MAC.', remac([bytes]), 'token_invalid'); // prettier-ignore
const [g, tools, link] = parts(ab).items;
const signedFields = decodeCbor(link).value[1];
const swapFields = (fields) => encodeCbor([9, [encodeCbor(fields), signedFields[1]]]);
tok(
  'delegation: label changed',
  'The signature covers it.',
  remac([g, tools, swapFields([b.publicKey.bytes, 'other', T0 + 60, n16(0x0b)])]),
  ['delegation_invalid', 1],
);
tok(
  'delegation: to another key',
  'The signature covers it.',
  remac([g, tools, swapFields([c.publicKey.bytes, 'searcher', T0 + 60, n16(0x0b)])]),
  ['delegation_invalid', 1],
);
tok('delegation: caveat before it removed', 'The signature covers it.', remac([g, link]), [
  'delegation_invalid',
  0,
]);
tok(
  'delegation: one in the middle removed',
  'The next is signed by the one that is missing.',
  remac([g, tools, ...parts(abc).items.slice(3)]),
  ['delegation_invalid', 2],
);
const S = (sig) => encodeCbor([9, [signedFields[0], sig]]);
const L = hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
const plusL = signedFields[1].slice();
for (let i = 0, carry = 0; i < 32; i++) {
  carry += plusL[32 + i] + L[i];
  plusL[32 + i] = carry & 255;
  carry >>= 8;
}
tok('delegation: malleable signature S + L', 'Only S < L is accepted.', remac([g, tools, S(plusL)]), [
  'delegation_invalid',
  1,
]);
tok('delegation: zero signature', 'R is of small order.', remac([g, tools, S(fill(0, 64))]), [
  'delegation_invalid',
  1,
]);
const oneDelegation = mint(keyring, { ...spec, delegations: 1 });
tok(
  'delegation: too many',
  'One allowed, two made.',
  remac([...parts(delegate(oneDelegation, toB, a)).items, parts(abc).items.at(-1)]),
  'delegation_exceeded',
);
tok(
  'delegation: none allowed',
  'Non-delegable is the default.',
  remac([mapBut((m) => m.delete(-9)), link]),
  'delegation_exceeded',
);
tok(
  'delegation: capped by depth',
  'depth 0 in front of it.',
  raw(attenuate(base, restrict.depth(0)), link),
  'delegation_exceeded',
);
tok(
  'delegation: a key twice',
  'Back to A.',
  raw(ab, [9, [encodeCbor([a.publicKey.bytes, 'x', T0, n16(1)]), fill(1, 64)]]),
  'delegation_invalid',
);
tok('delegation: bearer', 'Never.', raw(bearer, link), 'delegation_invalid', { ...standard, bearer: true });
tok(
  '129 caveats',
  'One more than the limit.',
  raw(base, ...Array.from({ length: 129 }, () => [14, 'x'])),
  'token_invalid',
);
tok(
  '17 counters',
  'One more than the limit.',
  raw(base, ...Array.from({ length: 17 }, () => [7, [[1, 9, 0, null, null, null]]])),
  'token_invalid',
);

// Proofs.
const pr = (name, description, steps, extra) => add('proofs.json', name, description, standard, steps, extra);
const proof = proofOf(base, search, a);
const proofFields = decodeCbor(fromBase64url(proof, 6)).value;
const argsDigest = sha(LABELS.arguments.bytes, utf8('{"q":"macaroons"}'));
const noContext = sha(LABELS.context.bytes, encodeCbor(null));
const statement = encodeCbor([
  AUDIENCE,
  prefixesOf(parts(base).items).at(-1),
  'web_search',
  argsDigest,
  NOW,
  n16(0x0a),
  noContext,
]);
same('signature', toHex(a.sign(LABELS.statementSigned, statement)), toHex(proofFields[3]));
const verifyOnly = ({ facts: _, ...step }) => step;
pr('signed', 'By the holder, over the statement.', verifyOnly(shown(base, a, 'ok')), {
  intermediate: {
    argumentsDigest: toHex(argsDigest),
    contextDigest: toHex(noContext),
    statement: toHex(statement),
    signature: toHex(proofFields[3]),
  },
});
pr('signed by B for its token', 'The current holder is the last delegatee.', verifyOnly(shown(ab, b, 'ok')));
pr('missing', 'None was shown.', { token: base, call: search, now: NOW, expect: 'proof_missing' });
pr(
  'of the parent, for the child',
  'Another token, another holder.',
  verifyOnly(shown(ab, b, 'proof_invalid', { proof })),
);
pr(
  'of the child, for the parent',
  'Another token, another holder.',
  verifyOnly(shown(base, a, 'proof_invalid', { proof: proofOf(ab, search, b) })),
);
pr(
  'for another audience',
  'Made for mail.acme.com.',
  verifyOnly(shown(base, a, 'proof_invalid', { prove: { audience: 'mail.acme.com' } })),
);
pr(
  'for another tool',
  'The call was changed.',
  verifyOnly(shown(base, a, 'proof_invalid', { proof: proofOf(base, { ...search, tool: 'web_fetch' }, a) })),
);
pr(
  'for other arguments',
  'The call was changed.',
  verifyOnly(shown(base, a, 'proof_invalid', { proof: proofOf(base, { ...search, args: '{}' }, a) })),
);
pr(
  'arguments in another order',
  'The same canonical text.',
  verifyOnly(
    shown(base, a, 'ok', {
      proof: proofOf(base, { ...search, args: '{"a":1,"b":[2.0]}' }, a),
      call: { ...search, args: ' {"b":[2],\n"a":1e0}' },
    }),
  ),
);
for (const [name, time, code] of [
  ['from the future, within skew', NOW + 30, 'ok'],
  ['from the future', NOW + 31, 'proof_expired'],
  ['old, within age', NOW - 60, 'ok'],
  ['too old', NOW - 61, 'proof_expired'],
]) pr(name, `Made at ${time}, shown at ${NOW}.`, verifyOnly(shown(base, a, code, { prove: { time } }))); // prettier-ignore
pr('clock set back', 'The highest time seen counts.', [
  verifyOnly(shown(base, a, 'ok')),
  verifyOnly(shown(base, a, 'ok', { now: NOW + 100, prove: { time: NOW + 100 } })),
  verifyOnly(shown(base, a, 'proof_expired')),
]);
pr('twice', 'The nonce is claimed when the call is cleared.', [
  shown(base, a, 'ok'),
  shown(base, a, ['replayed', -1]),
]);
const cborProof = (body) => `ambp1_${toBase64url(body instanceof Uint8Array ? body : encodeCbor(body))}`;
const flipped = proofFields[3].slice();
flipped[0] ^= 1;
for (const [name, body] of [
  ['unknown kind 4', [4, NOW, n16(1), fill(1, 64)]],
  ['a member more', [...proofFields, null]],
  ['nonce of 15 bytes', [1, NOW, fill(1, 15), proofFields[3]]],
  ['nonce changed', [1, NOW, n16(0x0b), proofFields[3]]],
  ['time changed', [1, NOW + 1, n16(0x0a), proofFields[3]]],
  ['signature changed', [1, NOW, n16(0x0a), flipped]],
  ['trailing byte', Uint8Array.from([...fromBase64url(proof, 6), 0])],
]) pr(`malformed or forged: ${name}`, 'Refused.', verifyOnly(shown(base, a, 'proof_invalid', { proof: cborProof(body) }))); // prettier-ignore
pr('with a bearer token', 'It takes none.', {
  token: bearer,
  proof,
  call: search,
  now: NOW,
  expect: 'bearer_refused',
});
const post = {
  ...search,
  http: { method: 'POST', origin: 'https://search.acme.com', target: '/v1/search?q=1', body: '{"q":1}' },
};
const postContext = sha(
  LABELS.context.bytes,
  encodeCbor(['POST', 'https://search.acme.com', '/v1/search?q=1', sha(LABELS.body.bytes, utf8('{"q":1}'))]),
);
pr(
  'with an HTTP request',
  'Method, origin, target and body digest are covered.',
  verifyOnly(shown(base, a, 'ok', { call: post })),
  { intermediate: { contextDigest: toHex(postContext) } },
);
same(
  'context',
  toHex(
    a.sign(
      LABELS.statementSigned,
      encodeCbor([
        AUDIENCE,
        prefixesOf(parts(base).items).at(-1),
        'web_search',
        argsDigest,
        NOW,
        n16(0x0a),
        postContext,
      ]),
    ),
  ),
  toHex(decodeCbor(fromBase64url(proofOf(base, post, a), 6)).value[3]),
);
for (const [name, change] of [
  ['method', { method: 'PUT' }],
  ['origin', { origin: 'https://evil.org' }],
  ['target', { target: '/v1/search?q=2' }],
  ['body', { body: '{"q":2}' }],
]) {
  pr(
    `HTTP ${name} changed`,
    'Under a valid proof.',
    verifyOnly(
      shown(base, a, 'proof_invalid', {
        proof: proofOf(base, post, a),
        call: { ...post, http: { ...post.http, ...change } },
      }),
    ),
  );
}
pr(
  'HTTP body left out',
  'No body is not an empty one.',
  verifyOnly(
    shown(base, a, 'proof_invalid', {
      proof: proofOf(base, post, a),
      call: {
        ...post,
        http: { method: 'POST', origin: 'https://search.acme.com', target: '/v1/search?q=1' },
      },
    }),
  ),
);

// Session proofs.
const offer = verifierOf(withSessions).sessionOffer;
const eph = new SecretKey('x25519', fill(0x77));
const openSession = (more = {}, o = offer, by = a) =>
  ProofSession.open(o, { time: NOW, unsafeEphemeral: eph, nonce: n16(0x0d), ...more }, by);
const session = openSession();
const s0 = session.prove(base, made(search), NOW);
session.established();
const s1 = session.prove(base, made(search), NOW);
const s2 = session.prove(base, made(search), NOW + 20);
const state = session.unsafeState();
const openFields = decodeCbor(fromBase64url(s0, 6)).value;
const sid = sha(openFields[1], openFields[2]);
same('session id', toBase64url(sid), state.id);
const sessionStatement = encodeCbor([
  AUDIENCE,
  prefixesOf(parts(base).items).at(-1),
  'web_search',
  argsDigest,
  NOW,
  [sid, 0],
  noContext,
]);
same(
  'session MAC',
  toHex(hmac(fromBase64url(state.key), LABELS.statementSession.bytes, sessionStatement)),
  toHex(openFields[5]),
);
const ses = (name, description, steps, extra, verifier = withSessions) =>
  add('sessions.json', name, description, verifier, steps, extra);
const use = (p, expect, more = {}) => ({ token: base, proof: p, call: search, now: NOW, ...more, expect });
ses('opened and used', 'The first proof brings the ticket; numbers may come late, once each.', [
  use(s1, 'session_unknown'), use(s0, 'ok'), use(s2, 'ok', { now: NOW + 20 }), use(s1, 'ok', { now: NOW + 20 }), use(s1, 'replayed', { now: NOW + 20 }), use(s0, 'replayed', { now: NOW + 20 }),
], { offer: offerText(offer), intermediate: { ephemeralSecret: toHex(eph.unsafeBytes()), ticket: toHex(openFields[1]), ticketSignature: toHex(openFields[2]), sessionId: toHex(sid), sessionKey: toHex(fromBase64url(state.key)), statement: toHex(sessionStatement), mac: toHex(openFields[5]) } }); // prettier-ignore
ses(
  'signed proofs only',
  'A verifier that takes no session proofs.',
  use(s0, 'proof_signature_required'),
  {},
  standard,
);
ses(
  'signed proof demanded',
  'For tools it names.',
  use(s0, 'proof_signature_required'),
  {},
  { ...withSessions, signedProofTools: ['web_*'] },
);
ses(
  'another epoch',
  'The verifier was restarted.',
  use(s0, 'ticket_invalid'),
  {},
  { ...withSessions, sessions: { ...withSessions.sessions, epoch: toHex(n16(1)) } },
);
ses(
  'another verifier key',
  'A replica.',
  use(s0, 'ticket_invalid'),
  {},
  { ...withSessions, sessions: { ...withSessions.sessions, key: toHex(fill(0x34)) } },
);
const later = attenuate(base, restrict.notBefore(NOW + 50));
const early = openSession();
const l0 = early.prove(later, made(search), NOW);
early.established();
const l1 = early.prove(later, made(search), NOW + 20);
ses(
  'a token not valid yet',
  'No session is opened for it and no number claimed: the same proof is good later.',
  [
    { ...use(l0, ['not_yet_valid', 0]), token: later },
    { ...use(l1, ['not_yet_valid', 0]), token: later },
    { ...use(l1, 'session_unknown', { now: NOW + 20 }), token: later },
    { ...use(l0, 'ok', { now: NOW + 20 }), token: later },
    { ...use(l1, 'ok', { now: NOW + 20 }), token: later },
  ],
);
ses('ticket over', 'Its five minutes are up.', [
  use(s0, 'ok'),
  use(openSession().prove(base, made(search), NOW + 300), 'ticket_expired', { now: NOW + 300 }),
]);
ses(
  'ticket over, not seen before',
  'Its five minutes are up.',
  use(openSession().prove(base, made(search), NOW + 300), 'ticket_expired', { now: NOW + 300 }),
);
ses(
  'ticket from the future',
  'Beyond the skew.',
  use(openSession({ time: NOW + 31 }).prove(base, made(search), NOW), 'ticket_invalid'),
);
const shortToken = mint(keyring, { ...spec, expires: NOW + 100 });
ses('ticket outlives the token', 'A ticket ends with its token at the latest.', {
  ...use(openSession().prove(shortToken, made(search), NOW), 'ticket_invalid'),
  token: shortToken,
});
ses('of another holder', 'B shows its own token with a session of A.', [
  use(s0, 'ok'),
  { ...use(s1, 'proof_invalid'), token: ab },
]);
const mac0 = cborProof([...openFields.slice(0, 5), fill(0)]);
ses('a wrong MAC opens nothing', 'Nothing was registered, no number was claimed.', [
  use(mac0, 'proof_invalid'),
  use(s1, 'session_unknown'),
  use(s0, 'ok'),
]);
ses(
  'for another call',
  'The statement covers the call.',
  use(s0, 'proof_invalid', { call: { ...search, args: '{}' } }),
);
ses(
  'too many for a holder',
  'One at a time.',
  [use(s0, 'ok'), use(openSession({ nonce: n16(0x0e) }).prove(base, made(search), NOW), 'session_limit')],
  {},
  { ...withSessions, sessions: { ...withSessions.sessions, perHolder: 1 } },
);
const numbered = (n) => {
  const one = ProofSession.unsafeResume(a.publicKey, { ...openSession().unsafeState(), sequence: n });
  return one.prove(base, made(search), NOW);
};
ses('window', 'Up to 1024 ahead of the highest, and 1023 behind it.', [
  use(numbered(1024), 'proof_invalid'), use(numbered(1023), 'ok'), use(numbered(0), 'ok'), use(numbered(2047), 'ok'), use(numbered(1023), 'proof_invalid'), use(numbered(1024), 'ok'), use(numbered(2 ** 53 - 1), 'proof_invalid'),
]); // prettier-ignore
const lowTicket = encodeCbor([
  a.publicKey.bytes,
  fill(0),
  AUDIENCE,
  offer.key.bytes,
  n16(0x0e),
  NOW,
  NOW + 300,
  n16(0x0d),
]);
ses(
  'ephemeral key of zeros',
  'The shared secret would be zero.',
  use(cborProof([3, lowTicket, a.sign(LABELS.ticket, lowTicket), 0, NOW, fill(0)]), 'ticket_invalid'),
);

// Decisions.
const dec = (name, description, token, by, expect, more = {}, verifier = standard) =>
  add('decisions.json', name, description, verifier, shown(token, by, expect, more));
dec('allowed', 'Everything holds; the nonce is charged.', base, a, 'ok');
dec('allowed by B', 'Counters of the chain: none; the delegation narrows the tool.', ab, b, 'ok');
dec('tool not granted', 'The grant does not name it.', base, a, ['tool_not_granted', -1], {
  call: { tool: 'db.drop', args: '{}' },
});
dec('tool by a tree pattern', 'files.* covers files.read.', base, a, 'ok', {
  call: { tool: 'files.read', args: '{}' },
});
dec('tool pattern is no prefix', 'files.* does not cover files.', base, a, ['tool_not_granted', -1], {
  call: { tool: 'files', args: '{}' },
});
dec('tool name invalid', 'Two dots.', base, a, 'tool_invalid', {
  call: { tool: 'files..read', args: '{}' },
  proof,
});
dec('arguments invalid', 'A name twice.', base, a, 'arguments_invalid', {
  call: { tool: 'web_search', args: '{"q":1,"q":2}' },
  proof,
});
dec('expired', 'now = expiry is too late.', base, a, ['expired', -1], {
  now: T0 + 1800,
  prove: { time: T0 + 1800 },
});
dec('last second', 'now < expiry.', base, a, 'ok', { now: T0 + 1799, prove: { time: T0 + 1799 } });
dec('not yet valid', 'Beyond the skew before its issue.', base, a, ['not_yet_valid', -1], {
  now: T0 - 31,
  prove: { time: T0 - 31 },
});
dec('within the skew', 'Thirty seconds early.', base, a, 'ok', { now: T0 - 30, prove: { time: T0 - 30 } });
dec('data within', 'internal covers internal:research.', base, a, 'ok', {
  facts: { data: ['internal:research', 'public'] },
});
dec('data outside', 'secret is not granted.', base, a, ['data_refused', -1], {
  facts: { data: ['public', 'secret'] },
});
dec('data prefix is no label', 'internals is not under internal.', base, a, ['data_refused', -1], {
  facts: { data: ['internals'] },
});
dec('data unknown', 'Not known denies.', base, a, ['data_unknown', -1], { facts: { data: undefined } });
dec('deny of the grant', 'Whatever else is granted.', mint(keyring, { ...spec, deny: ['web_*'] }), a, [
  'tool_denied',
  -1,
]);
const at = (...r) => attenuate(base, ...r);
const cav = (name, restriction, expect, more) => dec(name, 'One caveat.', at(restriction), a, expect, more);
cav('time: expires', restrict.expires(NOW), ['expired', 0]);
cav('time: not before', restrict.notBefore(NOW + 31), ['not_yet_valid', 0]);
cav('time: not before, within skew', restrict.notBefore(NOW + 30), 'ok');
// Verification asks the times, before the proof; clearing asks them again at the time of the facts.
const noFacts = ({ facts: _f, ...step }) => step;
add('decisions.json', 'time: verified', 'Verification itself refuses an expired token.', standard, [
  noFacts(shown(at(restrict.expires(NOW)), a, ['expired', 0])),
  noFacts(shown(at(restrict.expires(NOW + 1)), a, 'ok')),
]);
add(
  'decisions.json',
  'time: before the proof',
  'Expired, and without a proof or under another one.',
  standard,
  [
    noFacts({ ...shown(at(restrict.expires(NOW)), a, ['expired', 0]), proof: undefined }),
    noFacts(shown(at(restrict.notBefore(NOW + 31)), a, ['not_yet_valid', 0], { proof })),
  ],
);
add(
  'decisions.json',
  'time: bearer',
  'It takes no proof, and its times count.',
  { ...standard, bearer: true },
  [noFacts({ ...unproved, token: bearer, now: T0 + 1800, expect: ['expired', -1] })],
);
dec(
  'time: before the other caveats',
  'Verification asks it first, whatever precedes it in the chain.',
  at(restrict.tools('mail/*'), restrict.expires(NOW)),
  a,
  ['expired', 1],
);
dec(
  'time: again, at the time of the facts',
  'Verified in time, cleared too late.',
  at(restrict.expires(NOW + 10)),
  a,
  ['expired', 0],
  { facts: { now: NOW + 10 } },
);
dec(
  'time: again, in its place',
  'In clearing, caveats are asked in their order.',
  at(restrict.tools('mail/*'), restrict.expires(NOW + 10)),
  a,
  ['tool_not_granted', 0],
  { facts: { now: NOW + 10 } },
);
cav('audience: named', restrict.audience('x', AUDIENCE), 'ok');
cav('audience: not named', restrict.audience('x'), ['audience_refused', 0]);
cav('audience: empty', restrict.audience(), ['audience_refused', 0]);
cav('tools: narrower', restrict.tools('mail/*'), ['tool_not_granted', 0]);
cav('tools: wider', restrict.tools('*', 'web_*'), 'ok');
cav('tools: empty', restrict.tools(), ['tool_not_granted', 0]);
cav('deny', restrict.deny('web_search'), ['tool_denied', 0]);
cav('deny of another tool', restrict.deny('mail/send'), 'ok');
cav('data: empty, nothing touched', restrict.data(), 'ok');
cav('data: empty', restrict.data(), ['data_refused', 0], { facts: { data: ['public'] } });
cav('args: holds', restrict.args(['web_search'], { q: { kind: 'length', max: 9 } }), 'ok');
cav('args: refused', restrict.args(['web_search'], { q: { kind: 'length', max: 8 } }), [
  'argument_refused',
  0,
]);
cav('args: absent argument', restrict.args(['web_search'], { n: { kind: 'range', min: 0 } }), [
  'argument_refused',
  0,
]);
cav('args: another tool', restrict.args(['mail/send'], { n: { kind: 'range', min: 0 } }), 'ok');
cav('args: closed', restrict.args(['web_search'], { n: { kind: 'absent' } }, { closed: true }), [
  'argument_refused',
  0,
]);
const get = { ...search, http: { method: 'GET', origin: 'https://search.acme.com', target: '/v1/a?x=1' } };
cav('http: holds', restrict.http(['GET'], ['/v1/*']), 'ok', { call: get });
cav('http: method', restrict.http(['POST'], ['/v1/*']), ['http_refused', 0], { call: get });
cav('http: path', restrict.http(['GET'], ['/v1', '/v2/*']), ['http_refused', 0], { call: get });
cav('http: encoded dot', restrict.http(['GET'], ['/v1/*']), ['http_refused', 0], {
  call: { ...get, http: { ...get.http, target: '/v1/%2e%2e/x' } },
});
for (const target of [
  '/v1/..;/x',
  '/v1/..;x=1/x',
  '/v1/.;/..;/x',
  '/v1/..%3b/x',
  '/v1/%c0%ae%c0%ae/x',
  '/v1/x%c0%afx',
  '/v1/%ef%bc%8e%ef%bc%8e/x',
  '/v1/..%20/x',
  '/v1/.../x',
  '/v1/..%c2%a0/x',
  '/v1/..%e2%80%8b/x',
  '/v1/..%ff/x',
]) {
  cav(`http: ${target}`, restrict.http(['GET'], ['/v1/*']), ['http_refused', 0], {
    call: { ...get, http: { ...get.http, target } },
  });
}
cav('http: an escape and a parameter', restrict.http(['GET'], ['/v1/*']), 'ok', {
  call: { ...get, http: { ...get.http, target: '/v1/caf%C3%A9;v=1/x' } },
});
cav('http: no request', restrict.http(['GET'], ['/*']), ['fact_missing', 0]);
cav('net: holds', restrict.net('10.0.0.0/8'), 'ok', { facts: { address: '10.200.0.1' } });
cav('net: outside', restrict.net('10.0.0.0/8'), ['net_refused', 0], { facts: { address: '11.0.0.1' } });
cav('net: mapped address', restrict.net('10.0.0.0/8'), 'ok', { facts: { address: '::ffff:10.0.0.1' } });
cav('net: mapped address, outside', restrict.net('10.0.0.0/8', '::/0'), ['net_refused', 0], {
  facts: { address: '::ffff:11.0.0.1' },
});
cav('net: octal', restrict.net('10.0.0.0/8'), ['net_refused', 0], { facts: { address: '010.0.0.1' } });
cav('net: unknown', restrict.net('0.0.0.0/0'), ['fact_missing', 0]);
cav('flow: nobody keeps track', restrict.flow('refuse', 'web_search'), ['fact_missing', 0]);
cav('flow: nothing came in', restrict.flow('refuse', 'web_search'), 'ok', {
  facts: { flow: { untrusted: [], destinationsNamed: false, approved: false } },
});
cav('flow: refused', restrict.flow('refuse', 'web_search'), ['flow_refused', 0], {
  facts: { flow: { untrusted: ['web'], destinationsNamed: true, approved: false } },
});
cav('flow: named destination', restrict.flow('named', 'web_search'), 'ok', {
  facts: { flow: { untrusted: ['web'], destinationsNamed: true, approved: false } },
});
cav('flow: approval', restrict.flow('approval', 'web_search'), ['approval_required', 0], {
  facts: { flow: { untrusted: ['web'], destinationsNamed: true, approved: false } },
});
cav('flow: approved', restrict.flow('approval', 'web_search'), 'ok', {
  facts: { flow: { untrusted: ['web'], destinationsNamed: false, approved: true } },
});
cav('note', restrict.note('für den Bericht'), 'ok');
const nonce = (n) => ({ prove: { nonce: n16(n) } });
const several = (name, description, steps, verifier = standard, extra = {}) =>
  add('decisions.json', name, description, verifier, steps, extra);
const two = at(restrict.calls(2));
several('budget: two calls', 'The third is refused; a descendant spends its ancestor\'s.', [
  shown(two, a, 'ok', nonce(1)), shown(attenuate(two, restrict.calls(9)), a, 'ok', nonce(2)), shown(two, a, ['budget_exceeded', 0], nonce(3)), shown(base, a, 'ok', nonce(4)),
]); // prettier-ignore
several('budget: per window', 'A minute later there is room again.', [
  shown(at(restrict.budget({ unit: 'calls', limit: 1, window: 60 })), a, 'ok', nonce(1)),
  shown(at(restrict.budget({ unit: 'calls', limit: 1, window: 60 })), a, ['budget_exceeded', 0], nonce(2)),
  shown(at(restrict.budget({ unit: 'calls', limit: 1, window: 60 })), a, 'ok', {
    now: NOW + 60,
    prove: { nonce: n16(3), time: NOW + 60 },
  }),
]);
const rate = at(restrict.rate(2, 120));
const after = (seconds, n) => ({ now: NOW + seconds, prove: { nonce: n16(n), time: NOW + seconds } });
several(
  'budget: in any window',
  'Steps of 2 s; what was charged in one counts until all of it is 120 s ago.',
  [
    shown(rate, a, 'ok', after(0, 1)),
    shown(rate, a, 'ok', after(61, 2)),
    shown(rate, a, ['budget_exceeded', 0], after(119, 3)),
    shown(rate, a, ['budget_exceeded', 0], after(121, 4)),
    shown(rate, a, 'ok', after(122, 5)),
    shown(rate, a, ['budget_exceeded', 0], after(123, 6)),
  ],
);
several('budget: a fixed window lets twice its limit through at its border', 'Two before the minute, two after it.', [
  ...[58, 59, 60, 61].map((s, n) => shown(at(restrict.budget({ unit: 'calls', limit: 2, window: 60 })), a, 'ok', after(s, n + 1))),
  shown(at(restrict.budget({ unit: 'calls', limit: 2, window: 60 })), a, ['budget_exceeded', 0], after(62, 5)),
]); // prettier-ignore
const priced = at(restrict.cost('tokens', 10));
several('budget: cost', 'By the price that the operator states; one that is not known denies.', [
  shown(priced, a, 'ok', { ...nonce(1), facts: { cost: { tokens: 6 } } }),
  shown(priced, a, ['budget_exceeded', 0], { ...nonce(2), facts: { cost: { tokens: 5 } } }),
  shown(priced, a, ['fact_missing', 0], nonce(3)),
  shown(priced, a, ['fact_missing', 0], { ...nonce(4), facts: { cost: { microusd: 1 } } }),
  shown(priced, a, ['budget_amount', 0], { ...nonce(5), facts: { cost: { tokens: -1 } } }),
  shown(priced, a, 'ok', { ...nonce(6), facts: { cost: { tokens: 4 } } }),
]);
const pay = (amount) => ({ call: { tool: 'mail/send', args: `{"amount":${amount}}` } });
several('budget: a sum', 'Amounts are whole numbers from 0 on.', [
  shown(at(restrict.sum('amount', 100)), a, 'ok', { ...pay(60), ...nonce(1) }),
  shown(at(restrict.sum('amount', 100)), a, ['budget_exceeded', 0], { ...pay(41), ...nonce(2) }),
  shown(at(restrict.sum('amount', 100)), a, 'ok', { ...pay(40), ...nonce(3) }),
  shown(at(restrict.sum('amount', 100)), a, ['budget_amount', 0], { ...pay(-1), ...nonce(4) }),
  shown(at(restrict.sum('amount', 100)), a, ['budget_amount', 0], { ...pay(0.5), ...nonce(5) }),
  shown(at(restrict.sum('amount', 100)), a, ['budget_exceeded', 0], { ...pay(101), ...nonce(6) }),
  shown(at(restrict.sum('amount', 100)), a, 'ok', { ...pay(0), ...nonce(7) }),
]);
several(
  'budget: external calls and bytes',
  'Not known to be internal counts as external; bytes have to be known.',
  [
    shown(at(restrict.externalCalls(1)), a, 'ok', nonce(1)),
    shown(at(restrict.externalCalls(1)), a, 'ok', { ...nonce(2), facts: { external: false } }),
    shown(at(restrict.externalCalls(1)), a, ['budget_exceeded', 0], nonce(3)),
    shown(at(restrict.budget({ unit: 'bytes', limit: 10 })), a, ['fact_missing', 0], nonce(4)),
    shown(at(restrict.budget({ unit: 'bytes', limit: 10 })), a, 'ok', { ...nonce(5), facts: { bytes: 10 } }),
  ],
);
several('budget: for some tools', 'Others are not counted.', [
  shown(at(restrict.budget({ unit: 'calls', limit: 0, tools: ['mail/*'] })), a, 'ok', nonce(1)),
  shown(at(restrict.budget({ unit: 'calls', limit: 0, tools: ['mail/*'] })), a, ['budget_exceeded', 0], {
    ...nonce(2),
    ...pay(1),
  }),
]);
several(
  'budget: none at all',
  'An empty list leaves nothing to spend.',
  shown(at(restrict.budget()), a, ['budget_exceeded', 0]),
);
const pool = { budgets: [{ unit: 'calls', limit: 1, pool: 'team' }] };
const pooledA = mint(keyring, { ...spec, ...pool }, issuer);
const pooledB = mint(keyring, { ...spec, ...pool, tokenId: n16(8) }, issuer);
several('budget: a pool', 'Two tokens of the issuer share a counter; the grants are sealed.', [
  shown(pooledA, a, 'ok', nonce(1)),
  shown(pooledB, a, ['budget_exceeded', -1], nonce(2)),
]);
several('budget: a pool without a seal', 'Whoever has a derived key could have named it.', {
  ...shown(remac([parts(pooledA).items[0]]), a, ['seal_required', -1]),
});
const onceToken = at(restrict.once());
several('once', 'By anybody, with any descendant.', [
  shown(onceToken, a, 'ok', nonce(1)), shown(attenuate(onceToken, restrict.note('x')), a, ['once_used', 0], nonce(2)),
]); // prettier-ignore

tokenEdges({ tok, raw, remac, parts, mapBut, base, bearer, ab, standard, signed: sealedToken });
tokenMutants({ tok, raw, remac, base, NOW });
/** A grant and n delegations, each to a key of its own. */
const chain = (n, change = {}) => {
  const keys = Array.from({ length: 17 }, (_, i) => signer(new SecretKey('holder', fill(0x80 + i))));
  const items = [mapBut((m) => m.set(-9, 16))];
  for (let i = 0, by = a; i < n; by = keys[i++]) {
    const { label, time, nonce: fresh } = { label: `d${i}`, time: T0, nonce: n16(i), ...change };
    const fields = encodeCbor([keys[i].publicKey.bytes, label, time, fresh]);
    const signature = by.sign(LABELS.delegate, Uint8Array.from([...prefixesOf(items).at(-1), ...fields]));
    items.push(encodeCbor([9, [fields, signature]]));
  }
  return items;
};
chainMutants({
  tok,
  remac,
  parts,
  mapBut,
  standard,
  sealed,
  issuer,
  sealedToken,
  delegations: {
    chain,
    one: [parts(oneDelegation).items[0], ...parts(abc).items.filter((i) => i[1] === 9)],
  },
});
fieldMutants({ tok, raw, remac, parts, mapBut, base, chain });
proofMutants({ pr, shown, verifyOnly, base, a, at, proofOf, search, NOW });
/** The statement of `search` without HTTP request, by a token's D(n). */
const statementOf = (token, time, fresh) =>
  encodeCbor([
    AUDIENCE,
    prefixesOf(parts(token).items).at(-1),
    'web_search',
    argsDigest,
    time,
    fresh,
    noContext,
  ]);
sessionMutants({
  ses,
  base,
  ab,
  at,
  a,
  b,
  shortened: shortToken,
  statementOf,
  sha,
  cborProof,
  offer,
  eph,
  search,
  NOW,
  n16,
  AUDIENCE,
});
proofEdges({ pr, shown, verifyOnly, base, a, proofOf, search, at, NOW, n16, text, parts });
sessionEdges({ ses, use, base, ab, a, b, made, search, openSession, withSessions, NOW, n16, offer });
decisionEdges({
  several,
  shown,
  at,
  base,
  bearer,
  a,
  bearerSpec,
  keyring,
  standard,
  nonce,
  NOW,
  spec,
  issuer,
});

nameMutants({ tok, raw, base, several, shown, at, a, nonce });
decisionMutants({ several, shown, at, a, keyring, nonce, NOW, spec, issuer });

// Arguments: strict JSON in, canonical text and digest out.
const argumentInputs = [
  '{}', '{"b":1,"a":2}', '{"a":1.0,"b":1e2,"c":0.1,"d":1e-7,"e":100000000000000000000e-20}', '{"x":[true,false,null,[]],"y":{"z":""}}',
  '{"\\u0061":"\\u00e9\\n\\u0007\\ud83e\\udd80/"}', '{"\u00e9":1,"e\u0301":2}', '{"\uffff":1,"\ud83e\udd80":2}', ' \t\r\n{ "a" : 9007199254740991 } ', '{"constructor":1,"toString":2}', '{"a":-1.5,"b":0}',
  '{"a":9007199254740991.4}', '{"a":-9007199254740991}', '{"a":-0e5}', '{"a":9007199254740991.5}', '{"a":-0.00}', '{"a":1E+2,"b":123456789012345680000e-5}', '{}\n', '{}\u000b', '\u00a0{}', '{"\\ud83e\\udd80":"\\/"}', '{"a":[1,2,]}', '{"a" 1}', '{"a":1 "b":2}',
  '[]', 'null', '"x"', '', '{', '{"a":1,}', '{"a":1}{', '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"a":-0}', '{"a":-0.0}', '{"a":9007199254740992}', '{"a":1e400}', '{"a":1e-400}', '{"a":NaN}', '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}',
  '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"__proto__":1}', "{'a':1}", '{"a":"\t"}', '\ufeff{}', '{"a":tru}', '{"a":"\\x41"}',
]; // prettier-ignore
files.set(
  'arguments.json',
  [
    ...argumentInputs,
    ...[31, 32].map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
    ...argumentMutants,
  ].map((input) => {
    const taken = Arguments.parse(valueOf(input));
    if (!Arguments.is(taken)) return { input, expect: { code: taken.code } };
    const canonical = taken.canonical();
    const digest = toHex(sha(LABELS.arguments.bytes, utf8(canonical)));
    same('arguments digest', digest, toHex(taken.digest()));
    return { input, expect: { code: 'ok', ...(Array.isArray(input) ? {} : { canonical }), digest } };
  }),
);

// Constraints: wire form, values, verdicts (by hand).
const constraints = [
  [{ kind: 'equals', value: 'x' }, [['"x"', true], ['"X"', false], ['["x"]', false]]],
  [{ kind: 'equals', value: { a: [1, null], b: 'y' } }, [['{"b":"y","a":[1,null]}', true], ['{"a":[1]}', false], ['{"a":[null,1],"b":"y"}', false]]],
  [{ kind: 'oneOf', values: [1, 'two', false, { a: 1 }] }, [['1', true], ['1.0', true], ['"1"', false], ['false', true], ['0', false], ['{"a":1}', true]]],
  [{ kind: 'range', min: -2.5, max: 10 }, [['-2.5', true], ['10', true], ['10.000001', false], ['"5"', false], ['true', false], ['null', false], ['[5]', false]]],
  [{ kind: 'range', max: 0 }, [['-9007199254740991', true], ['1', false]]],
  [{ kind: 'length', min: 1, max: 3 }, [['"abc"', true], ['""', false], ['"\\ud83e\\udd80\\ud83e\\udd80\\ud83e\\udd80"', true], ['[1,2,3]', true], ['[]', false], ['12', false], ['{"a":1}', false]]],
  [{ kind: 'pattern', pattern: '[a-z]{2,3}(-\\d+)?' }, [['"abc"', true], ['"ab-12"', true], ['"abcd"', false], ['"ab\\n"', false], ['"AB"', false], ['""', false], ['1', false]]],
  [{ kind: 'pattern', pattern: '[^"\\s]*|.' }, [['"a\u00e9\\ud83e\\udd80"', true], ['"a b"', false], ['" "', true], ['"\\n"', false], ['"\u00a0"', true]]],
  [{ kind: 'subpath', roots: ['/srv/docs', '/tmp'] }, [['"/srv/docs"', true], ['"/srv/docs/a/b.txt"', true], ['"/srv/docs/"', true], ['"/srv/docs-evil"', false], ['"/srv/docs/../x"', false], ['"/srv/docs/./x"', false], ['"/srv//docs/x"', false], ['"/srv/docs/%2e%2e/x"', false], ['"/srv/docs/..\\\\x"', false], ['"/srv/docs/a."', false], ['"/srv/docs/a "', false], ['"/srv/docs/\\u0000"', false], ['"/srv/docs/\uff0e\uff0e/x"', false], ['"srv/docs"', false], ['"/SRV/docs"', false], ['"/tmp/\u00e9"', true], ['"/srv/docs/..\\u1680"', false], [`"/srv/docs/a${'\u0301'.repeat(30)}"`, true], [`"/srv/docs/a${'\u0301'.repeat(31)}"`, false]]],
  [{ kind: 'url', hosts: ['api.acme.com', '*.cdn.acme.com'] }, [['"https://api.acme.com/v1?x=1#y"', true], ['"https://API.acme.com"', true], ['"https://api.acme.com:443/"', true], ['"https://api.acme.com:8443/"', false], ['"http://api.acme.com/"', false], ['"https://a.cdn.acme.com/"', true], ['"https://cdn.acme.com/"', false], ['"https://api.acme.com.evil.org/"', false], ['"https://api.acme.com@evil.org/"', false], ['"https://evil.org/@api.acme.com"', false], ['"https://api.acme.com?x"', false], ['"https://api.acme.com\\\\@evil.org/"', false], ['"https://xn--a.cdn.acme.com/"', false], ['"https://api.acme.com./"', false], ['" https://api.acme.com/"', false]]],
  [{ kind: 'url', schemes: ['https', 'http'], hosts: ['*'], ports: [8080], paths: ['/v1'] }, [['"http://acme.com:8080/v1/x"', true], ['"http://acme.com:8080/v1"', true], ['"http://acme.com/v1"', false], ['"http://acme.com:8080/v12"', false], ['"http://acme.com:8080/v1/../x"', false], ['"http://acme.com:8080/v1/%2e%2e/x"', false], ['"http://localhost:8080/v1"', false], ['"http://10.0.0.1:8080/v1"', false], ['"http://2130706433:8080/v1"', false], ['"http://[::1]:8080/v1"', false], ['"http://metadata.google.internal:8080/v1"', false], ['"http://printer.local:8080/v1"', false], ['"http://kubernetes.default:8080/v1"', false], ['"http://redis.kube-system:8080/v1"', false], ['"http://api.intra:8080/v1"', false]]],
  [{ kind: 'url', hosts: ['10.0.0.1', '[::1]'] }, [['"https://10.0.0.1/"', true], ['"https://010.0.0.1/"', false], ['"https://[::1]/"', true], ['"https://[0:0:0:0:0:0:0:1]/"', false]]],
  [{ kind: 'cidr', networks: ['10.0.0.0/8', '2001:db8::/32'] }, [['"10.1.2.3"', true], ['"11.1.2.3"', false], ['"10.1.2"', false], ['"010.1.2.3"', false], ['"10.1.2.3:80"', false], ['"2001:db8::1"', true], ['"2001:DB8:0::1"', true], ['"2001:db9::1"', false], ['"[2001:db8::1]"', false], ['"::ffff:10.1.2.3"', false]]],
  [{ kind: 'email', domains: ['acme.com', '*.acme.org'] }, [['"jane@acme.com"', true], ['"Jane.Doe+x@ACME.com"', true], ['"jane@mail.acme.org"', true], ['"jane@acme.org"', false], ['"jane@evil-acme.com"', false], ['"jane@acme.com.evil.org"', false], ['"a@b@acme.com"', false], ['"Jane <jane@acme.com>"', false], ['"jane@acme.com,bob@acme.com"', false], ['"-x@acme.com"', false], ['"a..b@acme.com"', false], ['"a%b@acme.com"', false], ['"jane@acme.com\\n"', false]]],
  [{ kind: 'each', constraint: { kind: 'email', domains: ['acme.com'] } }, [['["a@acme.com"]', true], ['["a@acme.com","b@evil.org"]', false], ['[]', false], ['"a@acme.com"', false], ['[["a@acme.com"]]', false]]],
  [{ kind: 'all', constraints: [{ kind: 'length', max: 5 }, { kind: 'pattern', pattern: 'a*' }] }, [['"aaa"', true], ['"aaaaaa"', false], ['"ab"', false]]],
  [{ kind: 'absent' }, [[null, true], ['null', false]]],
  [{ kind: 'length', min: 0 }, [[null, false]]],
]; // prettier-ignore
files.set(
  'constraints.json',
  [...constraints, ...constraintEdges, ...nameConstraints].map(
    ([constraint, cases, description = JSON.stringify(constraint)]) => {
      const token = at(restrict.args(['web_search'], { v: constraint }));
      const item = parts(token).items[1];
      const wire = decodeCbor(item).value[1][1].get('v');
      const v = verifierOf({ ...standard, bearer: true });
      const opened = mintBearer(keyring, {
        ...bearerSpec,
        restrictions: [restrict.args(['web_search'], { v: constraint })],
      });
      return {
        constraint: toHex(encodeCbor(wire)),
        description,
        cases: cases.map(([value, holds]) => {
          const taken = made({ tool: 'web_search', args: value === null ? '{}' : `{"v":${valueOf(value)}}` });
          const answer = v.verify({ token: opened, call: taken, now: NOW });
          if (!answer.ok) throw new Error(answer.code);
          same(
            `${description} on ${valueOf(value)?.slice(0, 60)}`,
            authorize(answer.token, { now: NOW, data: [] }).ok,
            holds,
          );
          return { value, holds };
        }),
      };
    },
  ),
);

// Names and patterns.
files.set('patterns.json', {
  tools: [
    ['web_search', 'web_search', true], ['web_search', 'web_searcher', false], ['web_search', 'WEB_SEARCH', false], ['a.*', 'a.b', true], ['a.*', 'a.b.c', true], ['a.*', 'a.b/c', true], ['a.*', 'a', false], ['a.*', 'a/b', false], ['a/*', 'a/b.c', true], ['web_*', 'web_', true], ['web_*', 'web_search', true], ['web_*', 'web_.x', false], ['*', 'anything', true], ['*', 'a.b', false], ['a.b*', 'a.bc', true], ['a.b*', 'a.b.c', false], ['a.*', 'a.', false], ['a.*', 'a..b', false], ['a/*', 'a/', false],
  ].map(([pattern, tool, matches]) => (same(`${pattern} ${tool}`, matchTool(pattern, tool), matches), { pattern, tool, matches })),
  names: [['a', true], ['a.b/c-d_E9', true], ['', false], ['a..b', false], ['.a', false], ['a/', false], ['a b', false], ['\u00e4', false], ['a*', false], ['x'.repeat(256), true], ['x'.repeat(257), false]].map(([name, valid]) => (same(name, isToolName(name), valid), { name, valid })),
  labels: [['internal', 'internal', true], ['internal', 'internal:research', true], ['internal', 'internals', false], ['internal:research', 'internal', false], ['a.b', 'a.b:c', true], ['internal', 'internal:', false], ['internal', 'internal::a', false], ['internal', 'internal:a:', false], ['internal', 'internal:a/b', false], ['a', `a:${'x'.repeat(254)}`, true], ['a', `a:${'x'.repeat(255)}`, false], ['internal', 'Internal:a', false]].map(([scope, label, covers]) => (same(`${scope} ${label}`, isLabel(label) && matchLabel(scope, label), covers), { scope, label, covers })),
  regular: regularEdges.map(([pattern, valid]) => (same(`pattern ${pattern}`, constraintProblem({ kind: 'pattern', pattern }) === null, valid), { pattern, valid })),
}); // prettier-ignore

// Keys, labels, digests that stand for themselves.
const info = (audience) => Buffer.concat([LABELS.key.bytes, encodeCbor([1, ISSUER, 'k1', audience])]);
const derived = (audience) => {
  const key = deriveKey(ISSUER, keyring.current, audience);
  same(
    'HKDF',
    toHex(new Uint8Array(hkdfSync('sha256', root.unsafeBytes(), fill(0), info(audience), 32))),
    toHex(key.unsafeBytes()),
  );
  return {
    issuer: ISSUER,
    keyId: 'k1',
    audience,
    info: info(audience).toString('hex'),
    key: toHex(key.unsafeBytes()),
    ...(audience === null ? {} : { text: key.unsafeText() }),
  };
};
const pair = (name, secret) => ({
  name,
  use: secret.use,
  secret: toHex(secret.unsafeBytes()),
  secretText: secret.unsafeText(),
  ...(secret.use === 'root'
    ? {}
    : { public: toHex(publicKey(secret).bytes), publicText: publicKey(secret).toString() }),
});
files.set('keys.json', {
  notice: 'Test keys: everything here is public.',
  labels: Object.fromEntries(Object.values(LABELS).map((l) => [l.name, toHex(l.bytes)])),
  keys: [
    pair('root k1', root),
    pair('root k2', root2),
    pair('issuer seal', new SecretKey('issuer', fill(0x22))),
    pair('verifier', x25519),
    ...holderSecrets.map((s, i) => pair(`holder ${'ABCD'[i]}`, s)),
  ],
  derived: [derived(AUDIENCE), derived('mail.acme.com'), derived(null)],
});
const keyFile = files.get('keys.json');
files.set('texts.json', [...textEdges({ ...keyFile, offer, base, K }), ...nameTexts()].map((v) => (same(`${v.form}: ${v.description}`, isText(v), v.valid), v))); // prettier-ignore
const sha512 = (...parts) =>
  new Uint8Array(parts.reduce((h, p) => h.update(p), createHash('sha512')).digest());
files.set('signatures.json', signatureEdges(sha512, utf8));
files.set('ledger.json', [...ledgerEdges(NOW), ...ledgerMutants(NOW)].map((v) => {
  same(`ledger: ${v.name}`, runLedger(v), v.steps.map((s) => s.expect));
  return v;
})); // prettier-ignore
void d;

// Encodings: one form each.
files.set('encodings.json', [
  ['00', true], ['17', true], ['1818', true], ['1817', false], ['190100', true], ['1900ff', false], ['1a00010000', true], ['1a0000ffff', false], ['1b0000000100000000', true], ['1b00000000ffffffff', false], ['1b001fffffffffffff', true], ['1b0020000000000000', false],
  ['20', true], ['3b001ffffffffffffe', true], ['3b001fffffffffffff', false], ['40', true], ['4100', true], ['5800', false], ['581800', false], ['60', true], ['6161', true], ['62c3a9', true], ['62c0af', false], ['63eda080', false], ['78016', false], ['80', true], ['8100', true], ['9f00ff', false], ['9800', false], ['a0', true], ['a10000', true], ['a200000100', true], ['a201000000', false], ['a200000000', false], ['a200002000', true], ['a220000000', false], ['a26161006162f6', true], ['a2616200616100', false], ['a262616100616200', false], ['a2616200626161f6', true], ['a22000181800', false], ['a21818002000', true], ['a26161002000', false], ['a22000616100', true], ['a1f600', false], ['f4', true], ['f5', true], ['f6', true], ['f7', false], ['f800', false], ['f93c00', false], ['fa3f800000', false], ['fb3ff0000000000000', false], ['c000', false], ['d8184100', false], ['1c', false], ['1f', false], ['5f4100ff', false], ['ff', false], ['0000', false], ['', false], ['8181818181818181', false], ['818181818181818100', true], ['81818181818181818100', false], [`1c${'00'.repeat(93)}000200000000`, false],
].filter(([h]) => h.length % 2 === 0).map(([h, valid]) => (same(`CBOR ${h}`, decodeCbor(hex(h)) !== null, valid), { hex: h, valid }))); // prettier-ignore

// The worked example of SPEC.md.
function example() {
  const { items, tail } = parts(ab);
  const tails = tailsOf(K, items);
  const prefixes = prefixesOf(items);
  const wrap = (h) => (h.match(/.{1,96}/g) ?? ['']).map((line) => `    ${line}`).join('\n');
  const row = (name, bytes) => `${name} (${bytes.length} bytes)\n${wrap(toHex(bytes))}`;
  const abProof = proofOf(ab, search, b);
  const st = encodeCbor([AUDIENCE, prefixes.at(-1), 'web_search', argsDigest, NOW, n16(0x0a), noContext]);
  return [
    '```',
    row('root key k1 of acme-iam', root.unsafeBytes()),
    row(
      'info = label "key" || CBOR [1, "acme-iam", "k1", "search.acme.com"]',
      new Uint8Array(info(AUDIENCE)),
    ),
    row('K = HKDF-SHA-256(root, info)', K),
    row('holder A, public', a.publicKey.bytes),
    row('holder B, public', b.publicKey.bytes),
    row('item 0: the grant', items[0]),
    row('item 1: [3, ["web_search"]], a `tools` caveat', items[1]),
    row('item 2: [9, [fields, signature by A]], a `delegate` caveat', items[2]),
    row('s0 = HMAC(K, label "grant" || 01 || item 0)', tails[0]),
    row('s1 = HMAC(s0, item 1)', tails[1]),
    row('s2 = HMAC(s1, item 2) = tail', tail),
    ...prefixes.map((p, i) => row(`D(${i})`, p)),
    row('the token', fromBase64url(ab, 5)),
    `its text (${ab.length} characters)\n${ab
      .match(/.{1,96}/g)
      .map((l) => `    ${l}`)
      .join('\n')}`,
    row('statement of B for web_search {"q":"macaroons"} at 1772373900', st),
    `proof (${abProof.length} characters)\n${abProof
      .match(/.{1,96}/g)
      .map((l) => `    ${l}`)
      .join('\n')}`,
    '```',
  ].join('\n');
}

/** SPEC.md with what is written from the code as it is now: tables and example. */
export function specAsWritten() {
  let page = readFileSync(SPEC, 'utf8');
  page = block(page, 'example', example());
  page = block(page, 'steps', stepTable(STEPS));
  page = block(page, 'limits', limitTable(LIMITS, DEFAULTS));
  return block(page, 'codes', codeTable(CODES));
}

/** File name to text. */
export const vectors = new Map(
  [...files].map(([name, value]) => [name, `${JSON.stringify(value, null, 1)}\n`]),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, value] of vectors) writeFileSync(new URL(name, import.meta.url), value);
  writeFileSync(SPEC, specAsWritten());
  const count = [...files.values()].reduce((n, v) => n + (Array.isArray(v) ? v.length : 1), 0);
  console.log(`${vectors.size} files, ${count} cases`);
}
