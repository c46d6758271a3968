// More cases of whole tokens: what mutants of an independent verifier lived through, and what they had to guess.
// Codes are written by hand, as in generate.mjs, whose helpers come in.
import { encodeCbor } from '@ambit/core';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Cases of whole tokens. */
export function tokenMutants({ tok, raw, remac, base, NOW }) {
  // Step 3: a grant for another audience, so that what is let pass says wrong_audience.
  const text = (t) => encodeCbor(t);
  const [issuer, user, other, keyId] = ['acme-iam', 'u', 'mail.acme.com', 'k1'].map(text);
  const map = (count, ...pairs) =>
    Uint8Array.from([0xb8, count, ...pairs.flatMap(([k, v]) => [...encodeCbor(k), ...v])]);
  const few = (...pairs) => Uint8Array.from([0xa0 | pairs.length, ...map(0, ...pairs).subarray(2)]);
  const skim = (name, description, item, expect) =>
    tok(`selectors: ${name}`, description, remac([item]), expect);
  const broken = bytes('62c0af');
  skim('an issuer that is not UTF-8', 'The three texts are well-formed.', few([1, broken], [3, other], [-1, keyId]), 'token_invalid'); // prettier-ignore
  skim('an audience that is not UTF-8', 'The three texts are well-formed.', few([1, issuer], [3, broken], [-1, keyId]), 'token_invalid'); // prettier-ignore
  skim('a key id that is not UTF-8', 'The three texts are well-formed.', few([1, issuer], [3, other], [-1, broken]), 'token_invalid'); // prettier-ignore
  skim('a map whose keys are lists', 'Keys in values may be of any type.', few([1, issuer], [2, bytes('a28000f600')], [3, other], [-1, keyId]), 'wrong_audience'); // prettier-ignore
  const pairs = [[1, issuer], [2, user], [3, other], [-1, keyId], [-2, new Uint8Array(50 - 4 - 9 - 2 - 14 - 3 - 1)]]; // prettier-ignore
  skim('a count of half the bytes that are left', 'A pair takes two: 25 in 50 bytes.', map(25, ...pairs), 'wrong_audience'); // prettier-ignore
  skim('a count beyond half the bytes that are left', 'A pair takes two: 26 in 50 bytes.', map(26, ...pairs), 'token_invalid'); // prettier-ignore
  skim('a key id behind the end of the map', 'It holds two pairs.', Uint8Array.from([0xa2, ...few([1, issuer], [3, other], [-1, keyId]).subarray(1)]), 'token_invalid'); // prettier-ignore

  const caveat = (name, description, c, expect) => tok(name, description, raw(base, c), expect);
  caveat('time that ends where it begins', 'Legal; what it allows is asked later.', [1, [NOW, NOW]], 'ok');
  caveat('time that ends before it begins', 'Legal; it never holds.', [1, [NOW, 0]], 'ok');
  caveat('http path with an escaped star', 'Compared as it is written.', [11, [['GET'], ['/a%2a', '/%2A/*']]], 'ok'); // prettier-ignore
  for (const path of ['/a*', '/a*b', '/*/b', '/a*/*', '*'])
    caveat(`malformed: http path ${path}`, 'A star ends a pattern, behind /.', [11, [['GET'], [path]]], 'token_invalid'); // prettier-ignore

  // The values of constraints go by the rules for arguments.
  const inArgs = (c) => raw(base, [5, [['x'], new Map([['q', c]]), false]]);
  const deep = (n) => `${'['.repeat(n)}${']'.repeat(n)}`;
  tok('constraint: equals a list 32 deep', 'As deep as arguments may be.', inArgs([1, deep(32)]), 'ok');
  for (const [name, value] of [
    ['a list 33 deep', deep(33)],
    ['__proto__', '{"__proto__":1}'],
    ['-0', '-0'],
    ['2^53', '9007199254740992'],
    ['a lone surrogate', '"\\ud800"'],
  ])
    tok(`constraint: equals ${name}`, 'What arguments may not be, no value is.', inArgs([1, value]), 'token_invalid'); // prettier-ignore
}

/** Who may delegate and seal: structure, pins. */
export function chainMutants({
  tok,
  remac,
  parts,
  mapBut,
  standard,
  sealed,
  sealedToken,
  issuer,
  delegations,
}) {
  const [grant] = parts(sealedToken).items;
  const pinned = (name, seals, expect, more = {}) =>
    tok(`seal: ${name}`, 'The key is known; whether its pins fit decides.', sealedToken, expect, {
      ...standard,
      requireSeal: true,
      seals,
      ...more,
    });
  const misfit = ['seal_invalid', 0];
  pinned('pinned to another issuer', [{ ...sealed, issuer: 'other-iam' }], misfit);
  pinned('pinned to no operator', [{ ...sealed, operators: [] }], misfit);
  pinned('pinned to operators, this one among them', [{ ...sealed, operators: ['x', 'acme-corp'] }], 'ok');
  pinned('pinned twice, the second fits', [{ ...sealed, issuer: 'other-iam' }, { ...sealed, operators: ['acme-corp'] }], 'ok'); // prettier-ignore
  pinned('pinned twice, each fits in part', [{ ...sealed, issuer: 'other-iam' }, { ...sealed, operators: ['x'] }], misfit); // prettier-ignore
  tok('seal: a misfit that nothing demands', 'Refused all the same.', sealedToken, misfit, {
    ...standard,
    seals: [{ ...sealed, issuer: 'other-iam' }],
  });
  tok('seal: of zeros', 'By a key that the verifier knows.', remac([grant, encodeCbor([10, [issuer.publicKey.bytes, new Uint8Array(64)]])]), misfit); // prettier-ignore

  const { chain, one } = delegations;
  tok('16 delegations, made', 'The most; each is signed by the one before.', remac(chain(16)), 'ok');
  tok('17 delegations, made', 'Malformed, whatever the grant allows.', remac(chain(17)), 'token_invalid');
  tok('delegation: depth does not widen', 'depth 5 where one is left.', remac([...one.slice(0, 1), encodeCbor([8, 5]), ...one.slice(1)]), 'delegation_exceeded'); // prettier-ignore
  tok('delegation: the lesser depth counts', 'depth 0, then 5.', remac([chain(1)[0], encodeCbor([8, 0]), encodeCbor([8, 5]), chain(1)[1]]), 'delegation_exceeded'); // prettier-ignore
  const allowing = mapBut((m) => (m.delete(8), m.set(-9, 1)));
  tok('bearer that may be delegated', 'Not even if it is not.', remac([allowing]), 'delegation_invalid', { ...standard, bearer: true }); // prettier-ignore
}

/** Fields of grant and caveats: at a limit, of another type, empty where that is legal. */
export function fieldMutants({ tok, raw, remac, parts, mapBut, base, chain }) {
  const grant = (name, change, expect, description = 'A field of the grant.') =>
    tok(`grant: ${name}`, description, remac([mapBut(change)]), expect);
  const caveat = (name, c, expect = 'ok') =>
    tok(`${expect === 'ok' ? 'legal' : 'malformed'}: ${name}`, 'A caveat behind a right MAC.', raw(base, c), expect); // prettier-ignore
  const no = 'token_invalid';
  caveat('sliding window of 2^31', [7, [[1, 1, -(2 ** 31), null, null, null]]]);
  caveat('budget in unit 0', [7, [[0, 1, 0, null, null, null]]], no);
  for (const [unit, name] of ['calls', 'external', 'bytes'].map((x, i) => [i + 1, x]))
    caveat(`${name} with an argument`, [7, [[unit, 1, 0, 'x', null, null]]], no);
  const pools = (name, one, two, expect = ['seal_required', -1]) =>
    grant(`pools that differ in ${name}`, (m) => m.set(-8, [one, two]), expect, 'Well-formed; the seal is missing.'); // prettier-ignore
  pools('unit', [1, 9, 0, null, 'p', null], [2, 9, 0, null, 'p', null]);
  pools('argument', [4, 9, 0, 'a', 'p', null], [4, 9, 0, 'b', 'p', null]);
  pools('window', [1, 9, 60, null, 'p', null], [1, 9, -60, null, 'p', null]);
  pools('limit alone', [1, 9, 60, null, 'p', null], [1, 8, 60, null, 'p', null], no);
  grant('budgets of nothing', (m) => m.set(-8, []), no);
  grant('data of nothing', (m) => m.set(-6, []), 'ok');
  grant('tools of nothing', (m) => m.set(-5, []), 'ok');
  grant('a model without a digest', (m) => m.set(-3, ['m']), no);
  grant('an operator with a digest of 31 bytes', (m) => m.set(-2, ['o', new Uint8Array(31)]), no);
  const cose = (kty, crv) => new Map([[1, new Map([[1, kty], [-1, crv], [-2, new Uint8Array(32).fill(7)]])]]); // prettier-ignore
  grant('a key of type 1', (m) => m.set(8, cose(1, 6)), 'ok', 'OKP.');
  grant('a key of type 2', (m) => m.set(8, cose(2, 6)), no, 'EC2.');
  const hexOf = Buffer.from(parts(base).items[0]).toString('hex');
  const swapped = hexOf.replace('a301012006215820', 'a320060101215820');
  if (swapped === hexOf) throw new Error('no key to swap');
  tok('grant: members of the key out of order', '-1 before 1.', remac([bytes(swapped)]), no);

  caveat('once with 0', [13, 0], no);
  caveat('once with false', [13, false], no);
  caveat('http without methods', [11, [[], ['/*']]]);
  caveat('http without paths', [11, [['GET'], []]]);
  caveat('net without networks', [12, []]);
  caveat('data without labels', [6, []]);
  caveat('closed args of nothing', [5, [['x'], new Map(), true]]);
  caveat('http method of 32 letters', [11, [['A'.repeat(32)], ['/*']]]);
  caveat('http method of 33 letters', [11, [['A'.repeat(33)], ['/*']]], no);
  for (const [what, name] of [
    ['of nothing', ''],
    ['with an invisible character', 'a\u200b'],
    ['of 257 bytes', 'x'.repeat(257)],
  ])
    caveat(`argument name ${what}`, [5, [['x'], new Map([[name, [11]]]), false]], no);
  const one = (fields) => remac(chain(1, fields));
  for (const [name, change] of [
    ['a label of nothing', { label: '' }],
    ['a label with an invisible character', { label: 'a\u200b' }],
    ['a time as text', { time: '1' }],
    ['no time', { time: null }],
    ['a negative time', { time: -1 }],
    ['a nonce of 15 bytes', { nonce: new Uint8Array(15) }],
  ])
    tok(`malformed: delegation with ${name}`, 'Under a right signature.', one(change), no);
  tok('legal: delegation at any time', 'The time is the claim of its delegator.', one({ time: 2 ** 53 - 1 }), 'ok'); // prettier-ignore
}
