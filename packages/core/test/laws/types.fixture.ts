// Compiled by `types.test.ts` and by `npm run check`, never run: every line marked must be refused by the compiler.
import {
  evaluate,
  authorize,
  type AuthenticToken,
  type Decision,
  type Facts,
  type Verifier,
  type VerifiedToken,
} from '@ambit/core';

export function misuse(
  v: Verifier,
  facts: Facts,
  text: string,
  genuine: AuthenticToken,
  verified: VerifiedToken,
): Decision {
  // @ts-expect-error a token's text was not verified
  authorize(text, facts);
  // @ts-expect-error a genuine token whose holder is not proved is not cleared
  authorize(genuine, facts);
  const authentication = v.identify(text);
  // @ts-expect-error nor is what authenticate() answers
  authorize(authentication, facts);
  const { call, view } = verified;
  const alike = { call, now: 1, proof: 'signed' as const, view, audience: 'x', toJSON: () => view };
  // @ts-expect-error nor one that merely looks alike
  authorize(alike, facts);
  // @ts-expect-error a call without facts
  authorize(verified);
  // @ts-expect-error what was assessed is no decision: its charges are not applied
  const decision: Decision = evaluate(verified, facts);
  const assessed = evaluate(verified, facts);
  // @ts-expect-error `ok` of an assessment is never true
  if (assessed.ok === true) return decision;
  // @ts-expect-error nobody can construct one
  const made = new (verified.constructor as typeof VerifiedToken)(genuine);
  void made;
  return authorize(verified, facts);
}
