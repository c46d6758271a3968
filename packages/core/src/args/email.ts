// `email`: one bare mailbox (the addr-spec of RFC 5322 section 3.4.1) in one of the domains, in a form that no
// mail program can take for another recipient (attack C5). No display name, comment, quotes, list, route or
// newline; ASCII only. The local part leaves out characters that RFC 5322 allows and mailers act on: `%` and `!`
// route, `=?...?=` decodes to other text, `/ | $ { }` reach shells and templates; it does not begin with `-`,
// which a sendmail command line takes for an option.
import type { Check, Kind } from './check.ts';
import { alternatives, isTextList, readTexts, spend, TOO_LONG } from './check.ts';
import type { EmailConstraint } from './kinds.ts';
import { compileHosts, countLabels, isHostRule } from './host.ts';
import { STEPS } from './steps.ts';

const LOCAL_CHAR = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-'=~&") {
  LOCAL_CHAR[char.charCodeAt(0)] = 1;
}

/** The domain of a bare address, in lower case; null when the text is anything else. */
function mailDomain(text: string): string | null {
  const at = text.indexOf('@');
  // RFC 5321 section 4.5.3.1: at most 64 before the sign.
  if (at < 1 || at > 64 || text.length > 254 || text.charCodeAt(0) === 0x2d) return null;
  let before = 0x2e;
  for (let i = 0; i < at; i++) {
    const c = text.charCodeAt(i);
    if (c > 127 || LOCAL_CHAR[c] === 0 || (c === 0x2e && before === 0x2e)) return null;
    before = c;
  }
  if (before === 0x2e || countLabels(text, at + 1, text.length) < 2) return null;
  return text.slice(at + 1).toLowerCase();
}

const isDomainRule = (rule: string): boolean =>
  isHostRule(rule, false) && (rule.startsWith('*.') || countLabels(rule, 0, rule.length) >= 2);

/** `email`: a bare address in one of the domains; `*.example.com` is below example.com, not itself. */
export const email: Kind<EmailConstraint> = {
  code: 9,
  fields: ['domains'],
  problem: ({ domains }) =>
    isTextList(domains, isDomainRule) ? null : 'domains: expected names in lower case, or *.name',
  phrase: ({ domains }) => `must be one bare e-mail address at ${alternatives(domains)}`,
  write: ({ domains }) => domains,
  read(operands) {
    const domains = readTexts(operands);
    return domains === null ? null : { kind: 'email', domains };
  },
  compile(constraint): Check {
    const phrase = (): string => email.phrase(constraint);
    const isDomain = compileHosts(constraint.domains);
    return (value, work) => {
      if (typeof value !== 'string') return phrase();
      if (!spend(work, STEPS.mail * (Math.min(value.length, STEPS.mailLength) + constraint.domains.length)))
        return TOO_LONG;
      const domain = mailDomain(value);
      return domain !== null && isDomain(domain) ? null : phrase();
    };
  },
};
