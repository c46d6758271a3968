// Refusals over HTTP: challenges by RFC 9110 section 11.6.1 and RFC 6750 section 3, bodies by RFC 9457. What is said
// of a token that did not verify is one code (docs/design.md section 9); every value is quoted, so that nothing of a
// request can write a header. A budget that is used up says what is left (`RateLimit`) and when its window ends
// (`Retry-After`); one that is nearly used up says what is left with the answer that is allowed.
import { CODES, type Denial } from '@ambit/core';
import type { BudgetWarning } from '../contract.ts';

/** A refusal as an HTTP answer. */
export interface HttpRefusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** `application/problem+json`. */
  readonly body: string;
  readonly denial: Denial;
}

const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, ' ').replace(/["\\]/g, "'")}"`;

/**
 * The answer to a denial; `record` is the decision's place in the audit log. `bearer`: whether the service accepts tokens
 * that are bound to no key.
 */
export function refusal(
  denial: Denial,
  realm: string,
  record: number | null,
  bearer: boolean = false,
): HttpRefusal {
  const { status, sentence } = CODES[denial.code];
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    vary: 'Authorization',
  };
  // The rest of such a body is not read.
  if (status === 408 || status === 413) headers['connection'] = 'close';
  if (status === 401 || status === 403)
    headers['www-authenticate'] = challenge(denial, status, realm, bearer);
  if (denial.resets !== undefined) headers['retry-after'] = new Date(denial.resets * 1000).toUTCString();
  if (denial.left !== undefined) headers['ratelimit'] = limit(denial.left);
  const problem = {
    type: `https://ambit.dev/problems/${denial.code}`,
    title: sentence,
    status,
    detail: denial.message,
    code: denial.code,
    ...(denial.caveat === undefined ? {} : { caveat: denial.caveat }),
    ...(denial.left === undefined ? {} : { left: denial.left }),
    ...(denial.resets === undefined ? {} : { resets: denial.resets }),
    ...(record === null ? {} : { instance: `urn:ambit:decision:${record}` }),
  };
  return { status, headers, body: JSON.stringify(problem), denial };
}

// draft-ietf-httpapi-ratelimit-headers: a list of named limits and what remains of each.
const limit = (left: number): string => `"budget";r=${left}`;

/** What an allowed answer carries beside the service's own: what is left of each budget that warns (`RateLimit`). */
export const warningFields = (warnings: readonly BudgetWarning[]): Readonly<Record<string, string>> =>
  warnings.length === 0 ? {} : { ratelimit: warnings.map(({ left }) => limit(left)).join(', ') };

// RFC 9110 section 11.6.1: each challenge is one way to be let in. RFC 6750's Bearer means that whoever has the token
// may use it, so it is named only where such tokens are accepted; a token that is bound to a key may travel under
// either name. RFC 6750 section 3.1: no error code when nothing was presented.
function challenge(denial: Denial, status: number, realm: string, bearer: boolean): string {
  const parts = [`realm=${quoted(realm)}`];
  if (denial.code !== 'token_missing') {
    const error = status === 403 ? 'insufficient_scope' : 'invalid_token';
    parts.push(`error=${quoted(error)}`, `error_description=${quoted(denial.message)}`);
  }
  const schemes = bearer ? ['Capability', 'Bearer'] : ['Capability'];
  return schemes.map((scheme) => `${scheme} ${parts.join(', ')}`).join(', ');
}
