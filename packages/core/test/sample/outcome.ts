// How a call ends, by verifier and authorization together: what most tests of one caveat ask.
import {
  authorize,
  prove,
  type Call,
  type Facts,
  type Signer,
  type VerifiedToken,
  type Verifier,
} from '@ambit/core';
import { AUDIENCE, COLD, facts, holder, makeCall, search, verifierWith } from './keys.ts';
import { TestLedger } from './ledger.ts';

/** `ok`, or the code of what refused the call. The verifier is cold; the proof is made at the time of the facts. */
export function outcome(
  token: string,
  call: Call = search,
  f: Facts = facts(),
  ledger: TestLedger | undefined = new TestLedger(),
): string {
  const verifier = verifierWith(COLD);
  const genuine = verifier.identify(token);
  if (!genuine.ok) return genuine.code;
  const verified = verifier.verify({ token, proof: provedAt(token, f.now, call), call, now: f.now });
  if (!verified.ok) return verified.code;
  const decision = authorize(verified.token, f, ledger);
  return decision.ok ? 'ok' : decision.code;
}

/** A signed proof of `call` at `time`. */
export const provedAt = (
  token: string,
  time: number,
  call: Call = search,
  by: Signer<'holder'> = holder(0),
): string => prove(token, call, { audience: AUDIENCE, time }, by);

/** The token, verified for `call` at `time`; throws when it is refused. */
export function verifiedAt(
  token: string,
  time: number,
  call: Call = search,
  verifier: Verifier = verifierWith(),
): VerifiedToken {
  const answer = verifier.verify({ token, proof: provedAt(token, time, call), call, now: time });
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.message}`);
  return answer.token;
}

/** A call over HTTP of which every fact is known: nothing but a caveat refuses it. */
export const knownCall: Call = makeCall({
  tool: 'web_search',
  args: { q: 'x' },
  http: { method: 'GET', origin: 'https://search.acme.com', target: '/x' },
});
export const knownFacts: Facts = facts({ data: ['public'], address: '10.0.0.1' });
