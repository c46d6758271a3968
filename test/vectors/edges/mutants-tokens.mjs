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
