// More cases of proofs and sessions: what mutants of an independent verifier lived through.
// Codes are written by hand, as in generate.mjs, whose helpers come in.
import { createHmac, hkdfSync } from 'node:crypto';
import { encodeCbor, LABELS, nobleProvider, restrict } from '@ambit/core';

const hex = (h) => Uint8Array.from(Buffer.from(h, 'hex'));

/** Cases of proofs: sizes, requests, the highest time. */
export function proofMutants({ pr, shown, verifyOnly, base, a, at, proofOf, search, NOW }) {
  const expired = at(restrict.expires(NOW + 50));
  pr('times by the highest clock', 'A clock that was set back revives no token.', [
    verifyOnly(shown(base, a, 'ok', { now: NOW + 60, prove: { time: NOW + 60 } })),
    verifyOnly(shown(expired, a, ['expired', 0], { now: NOW + 40, prove: { time: NOW + 40 } })),
  ]);
  const http = { method: 'GET', origin: 'https://search.acme.com', target: '/v1' };
  const asked = (change, expect) => {
    const call = { ...search, http: { ...http, ...change } };
    const proof = expect === 'ok' ? proofOf(base, call, a) : proofOf(base, search, a);
    return { token: base, proof, call, now: NOW, expect };
  };
  pr('request: a method of 32 letters', 'The longest.', asked({ method: 'A'.repeat(32) }, 'ok'));
  pr(
    'request: an origin of any other visible ASCII',
    'Not looked at further.',
    asked({ origin: 'http://!"$%&\'()*+,-.019:;<=>AZ[]^_`az{|}~' }, 'ok'),
  );
  for (const [name, origin] of [
    ['no host', 'https://'],
    ['a number sign', 'https://a#b'],
    ['a question mark', 'https://a?b'],
    ['a space', 'https://a b'],
    ['U+007F', 'https://a\u007fb'],
  ])
    pr(`request: an origin with ${name}`, 'Malformed.', asked({ origin }, 'request_invalid'));
}

/** Cases of sessions: tickets that are not by this holder, for this verifier, or not of the right life. */
export function sessionMutants({
  ses,
  base,
  ab,
  at,
  a,
  b,
  shortened,
  statementOf,
  sha,
  cborProof,
  offer,
  eph,
  search,
  NOW,
  n16,
  AUDIENCE,
}) {
  const ephemeral = nobleProvider.x25519PublicKey(eph.unsafeBytes());
  const mine = {
    holder: a.publicKey.bytes,
    ephemeral,
    audience: AUDIENCE,
    verifier: offer.key.bytes,
    epoch: offer.epoch,
    issued: NOW,
    expires: NOW + 300,
    nonce: n16(0x0d),
  };
  /** A proof by a ticket of these fields, with a right MAC over the statement of `token`. */
  const raw = ({ by = a, signature, token = base, sequence = 0, form = 3, secret, time = NOW, ...more }) => {
    const t = { ...mine, ...more };
    const ticket = encodeCbor([t.holder, t.ephemeral, t.audience, t.verifier, t.epoch, t.issued, t.expires, t.nonce]); // prettier-ignore
    const signed = signature ?? by.sign(LABELS.ticket, ticket);
    const id = sha(ticket, signed);
    const shared = secret ?? nobleProvider.x25519(eph.unsafeBytes(), offer.key.bytes);
    const info = Buffer.concat([LABELS.sessionKey.bytes, t.verifier, t.ephemeral, t.holder]);
    const key = new Uint8Array(hkdfSync('sha256', shared, id, info, 32));
    const mac = createHmac('sha256', key)
      .update(LABELS.statementSession.bytes)
      .update(statementOf(token, time, [id, sequence]));
    const tag = new Uint8Array(mac.digest());
    return cborProof(form === 3 ? [3, ticket, signed, sequence, time, tag] : [2, id, sequence, time, tag]);
  };
  const use = (more, expect, step = {}) => ({
    token: more.token ?? base,
    proof: raw(more),
    call: search,
    now: NOW,
    ...step,
    expect,
  });
  ses('ticket by these fields', 'For comparison with those below.', use({}, 'ok'));
  ses('ticket signed by another key', 'The MAC alone says nothing of the holder.', [
    use({ by: b }, 'ticket_invalid'),
    use({ signature: new Uint8Array(64) }, 'ticket_invalid'),
    use({ form: 2, by: b }, 'session_unknown'),
  ]);
  ses(
    "ticket of another holder, signed by that one, under A's token",
    'Whoever holds no key of this token opens no session for it.',
    use({ holder: b.publicKey.bytes, by: b }, 'ticket_invalid'),
  );
  ses(
    'ticket for another audience',
    'At this verifier key and epoch.',
    use({ audience: 'mail.acme.com' }, 'ticket_invalid'),
  );
  ses("a session of A, for B's token", 'The MAC is right, and A is not its holder.', [
    use({}, 'ok'),
    use({ form: 2, sequence: 1, token: ab }, 'proof_invalid'),
    use({ sequence: 1, token: ab }, 'proof_invalid'),
    use({ form: 2, sequence: 1 }, 'ok'),
  ]);
  const life = (issued, expires, expect, token = base) =>
    use({ issued: NOW + issued, expires: NOW + expires, token }, expect);
  ses('ticket of no life', 'It ends when it is issued.', life(10, 10, 'ticket_invalid'));
  ses('ticket that ends before it is issued', 'No life.', life(20, 10, 'ticket_invalid'));
  ses('ticket of 1 s', 'The shortest.', life(0, 1, 'ok'));
  ses('ticket of 300 s', 'The longest.', life(-1, 299, 'ok'));
  ses('ticket of 301 s', 'One more.', life(-1, 300, 'ticket_invalid'));
  ses('ticket issued at the end of the skew', 'As early as it may be.', life(30, 300, 'ok'));
  ses('ticket issued behind the skew', 'One second more.', life(31, 300, 'ticket_invalid'));
  ses('ticket that ends now', 'No leeway.', [
    use({ expires: NOW + 1, time: NOW + 1 }, 'ticket_expired', { now: NOW + 1 }),
  ]);
  const early = at(restrict.note('x'), restrict.expires(NOW + 100), restrict.expires(NOW + 200));
  ses('ticket up to the earliest time caveat', 'As long as the token.', life(0, 100, 'ok', early));
  ses('ticket beyond a time caveat', 'One second longer.', life(0, 101, 'ticket_invalid', early));
  ses('ticket up to the end of the grant', 'As long as the token.', life(0, 100, 'ok', shortened));
  ses('ticket beyond the grant', 'One second longer.', life(0, 101, 'ticket_invalid', shortened));
  // The peer's u: 9 is the base point, so the secret with 2^255-10, which is the same, is the verifier's public key.
  const high = ephemeral.slice();
  high[31] |= 0x80;
  ses(
    'ephemeral key with its high bit set',
    'A reader that masks it derives the same secret.',
    use({ ephemeral: high }, 'ticket_invalid'),
  );
  ses(
    'ephemeral key of 2^255-10',
    'Not below 2^255-19; a reader that reduces it takes it for 9.',
    use({ ephemeral: hex(`f6${'ff'.repeat(30)}7f`), secret: offer.key.bytes }, 'ticket_invalid'),
  );
  // Sizes: a proof of 640 bytes holds no ticket, but is a proof; one of 641 is none.
  const sized = (n) => cborProof([3, new Uint8Array(n - 111), new Uint8Array(64), 0, NOW, new Uint8Array(32)]); // prettier-ignore
  for (const [n, expect] of [
    [640, 'ticket_invalid'],
    [641, 'proof_invalid'],
  ]) {
    const proof = sized(n);
    if (proof.length !== 6 + Math.ceil((n * 4) / 3)) throw new Error(`a proof of ${proof.length} characters`);
    ses(`a proof of ${n} bytes`, 'The ticket in it is none.', { token: base, proof, call: search, now: NOW, expect }); // prettier-ignore
  }
}
