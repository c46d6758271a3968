// What the operator's log says of a proof that fits another call: which of the usual mistakes it was.
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  bodyDigest,
  mintBearer,
  ProofSession,
  prove,
  restrict,
  utf8,
  type Call,
  type HttpContext,
  type Presentation,
} from '../src/index.ts';
import { nodeProvider } from '../src/node.ts';
import {
  AUDIENCE,
  baseSpec,
  COLD,
  countingProvider,
  holder,
  keyring,
  makeCall,
  mintBase,
  NOW,
  verifierWith,
  x25519Secret,
} from './sample.ts';

const token = mintBase();
const http: HttpContext = {
  method: 'POST',
  origin: 'https://search.acme.com',
  target: '/find?q=x',
  bodyDigest: bodyDigest(utf8('{}'))!,
};
const { bodyDigest: _, ...noBody } = http;
const of = (context: HttpContext | undefined, tool = 'web_search', args: object = { q: 'x' }): Call =>
  makeCall({ tool, args: args as never, ...(context === undefined ? {} : { http: context }) });
const call = of(http);
const signed = (made: Call, t: string = token): string =>
  prove(t, made, { audience: AUDIENCE, time: NOW }, holder(0));
const shown = (proof: string | undefined, more: Partial<Presentation> = {}): Presentation => ({
  token,
  proof,
  call,
  now: NOW,
  ...more,
});
const verifier = verifierWith({ ...COLD, bearer: true, proofSessions: { key: x25519Secret } });

// A word that only this answer has, and the call that the proof was made for.
const MISTAKES: readonly (readonly [string, Call])[] = [
  ['without arguments', of(http, 'web_search', {})],
  ['made for http.post', of(http, 'http.post', {})],
  ['no HTTP request', of(undefined)],
  ['http://search.acme.com', of({ ...http, origin: 'http://search.acme.com' })],
  ['https://inner', of({ ...http, origin: 'https://inner' })],
  ['without a body', of(noBody)],
  ['without its query', of({ ...http, target: '/find' })],
];
const origins = ['https://inner', http.origin];

describe('a signed proof', () => {
  it.each(MISTAKES)('that is: %s', (word, made) => {
    const p = shown(signed(made));
    expect(verifier.verify(p)).toMatchObject({ ok: false, code: 'proof_invalid' });
    expect(verifier.mismatch(p, origins)).toContain(word);
    // Every other answer has another word.
    for (const [other] of MISTAKES)
      if (other !== word) expect(verifier.mismatch(p, origins)).not.toContain(other);
  });

  it('for a plain call, that is none over HTTP', () => {
    const plain = of(undefined);
    expect(verifier.mismatch(shown(signed(of(undefined, 'web_search', {})), { call: plain }))).toContain(
      'without arguments',
    );
    const other = verifier.mismatch(shown(signed(call), { call: plain }));
    for (const word of [AUDIENCE, 'web_search', 'no HTTP request']) expect(other).toContain(word);
  });

  it('under the other scheme, whichever the service has', () => {
    const plain = { ...http, origin: 'http://search.acme.com' };
    expect(verifier.mismatch(shown(signed(call), { call: of(plain) }))).toContain(http.origin);
    // An origin that nobody named is not tried; of those named, three are.
    const elsewhere = shown(signed(of({ ...http, origin: 'https://inner' })));
    const named = ['https://a', 'https://b', 'https://inner'];
    expect(verifier.mismatch(elsewhere)).toContain('another key');
    expect(verifier.mismatch(elsewhere, named)).toContain('https://inner');
    expect(verifier.mismatch(elsewhere, ['https://c', ...named])).toContain('another key');
  });

  it('for the token before its last caveats, up to three of them', () => {
    const chain = [token];
    for (let i = 0; i < 4; i++) chain.push(attenuate(chain.at(-1)!, restrict.note(`n${i}`)));
    const last = chain.at(-1)!;
    const said = chain.map((t) => verifier.mismatch(shown(signed(call, t), { token: last })));
    expect(said.map((s) => /last (\d) caveats/.exec(s)?.[1])).toEqual([undefined, '3', '2', '1', undefined]);
    expect(said[0]).toContain('another key');
    // Also for the grant alone, which no caveat precedes.
    const narrow = shown(signed(call), { token: chain[1]! });
    expect(verifier.mismatch(narrow)).toContain('its last 1 caveats');
  });

  it('that fits nothing costs at most 14 verifications, and says what it should have been made for', () => {
    const provider = countingProvider();
    const counting = verifierWith({ ...COLD, provider });
    let narrow = token;
    for (let i = 0; i < 5; i++) narrow = attenuate(narrow, restrict.note(`n${i}`));
    const other = of(http, 'files.read');
    const said = counting.mismatch(shown(signed(other), { token: narrow }), ['https://a', 'https://b', 'https://c']); // prettier-ignore
    expect(provider.verifies).toBeLessThanOrEqual(14);
    expect(provider.verifies).toBeGreaterThan(10);
    for (const word of [AUDIENCE, 'web_search', 'POST', http.origin]) expect(said).toContain(word);
  });
});

describe('a session’s proof', () => {
  const opened = (v: typeof verifier): ProofSession =>
    ProofSession.open(v.sessionOffer!, { time: NOW }, holder(0), nodeProvider);

  it.each([false, true])('made for another call; the session established: %s', (established) => {
    const session = opened(verifier);
    const first = session.prove(token, call, NOW);
    expect(verifier.verify(shown(first)).ok).toBe(true);
    if (established) session.established();
    for (const [word, made] of MISTAKES) {
      const p = shown(session.prove(token, made, NOW));
      expect(verifier.verify(p)).toMatchObject({ ok: false, code: 'proof_invalid' });
      expect(verifier.mismatch(p, origins)).toContain(word);
    }
    // To ask claims nothing: the number is good for the call it was made for.
    const p = session.prove(token, MISTAKES[0]![1], NOW);
    expect(verifier.mismatch(shown(p), origins)).toContain('without arguments');
    expect(verifier.verify(shown(p, { call: MISTAKES[0]![1] })).ok).toBe(true);
  });

  it('of a session that is not open, or that a verifier without sessions is shown, fits nothing', () => {
    const proof = opened(verifier).prove(token, MISTAKES[0]![1], NOW);
    expect(verifier.mismatch(shown(proof))).toContain('another key');
    expect(verifierWith(COLD).mismatch(shown(proof))).toContain('another key');
  });
});

it('what can’t be looked at: no proof, none that can be read, a bearer token, a token that is not genuine', () => {
  for (const proof of [undefined, 'x', `${signed(call)}=`])
    expect(verifier.mismatch(shown(proof))).toContain('no proof');
  const { holder: _, ...spec } = baseSpec;
  const bearer = mintBearer(keyring, { ...spec, delegations: 0 });
  expect(verifier.mismatch(shown(signed(call), { token: bearer }))).toContain('no proof');
  expect(verifier.mismatch(shown(signed(call), { token: 'amb1_x' }))).toContain('no genuine token');
  expect(() => verifier.mismatch({} as never)).toThrow('call: expected a Call');
});
