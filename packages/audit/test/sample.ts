// Records as a guard would write them: a session with a delegation, reads, a refusal, outcomes.
import { nativeSha256, toBase64url, toHex } from '../src/core.ts';
import type { Draft } from '../src/record/record.ts';
import { unverifiedToken } from '../src/record/from-token.ts';

export const digestOf = (text: string): string => toBase64url(nativeSha256(Buffer.from(text)));
export const hexOf = (text: string): string => toHex(nativeSha256(Buffer.from(text)));

/** What every record of one session says of its layers and its token. */
export const base = (session: string): Draft => ({
  kind: 'decision',
  operator: { name: 'acme', config: hexOf('config') },
  model: { name: 'acme/planner-7b', digest: hexOf('model') },
  session,
  user: 'ada@acme.example',
  agent: 'research-helper',
  token: {
    issuer: 'acme',
    key: 'k1',
    id: hexOf(session).slice(0, 32),
    audience: 'search.acme.example',
    chain: [
      { node: digestOf(`${session} root`), holder: digestOf('planner key') },
      { node: digestOf(`${session} child`), holder: digestOf('helper key'), label: 'research-helper' },
    ],
    sealed: true,
    expires: 1_764_003_600,
  },
  proof: 'signed',
});

/** A typical decision: allowed, with tool, arguments, features. */
export const decision = (session: string, n: number): Draft => ({
  ...base(session),
  tool: { name: 'mail.send', classes: ['egress'], external: true, data: ['internal:research'] },
  args: { digest: digestOf(`args ${n}`), bytes: 212, destinations: ['bob@example.com'], idsFrom: 'prompt' },
  code: 'allowed',
});

/** Seven records of one session, in order; `of` is filled in by the caller's indices. */
export const drafts = (session: string): readonly Draft[] => [
  { ...base(session), kind: 'session', event: { name: 'open' } },
  { ...base(session), kind: 'delegate' },
  { ...decision(session, 1), tool: { name: 'web.fetch', classes: ['read'], external: true } },
  {
    kind: 'ingest',
    session,
    ingest: { source: 'https://example.com/page', trust: 'untrusted', digest: digestOf('page'), bytes: 4096 },
  },
  {
    ...decision(session, 2),
    code: 'flow_refused',
    caveat: 3,
    caveatType: 'flow',
    reason: 'Untrusted content has entered this session.',
    allowed: ['operator', 'model', 'user'],
    refused: ['session'],
  },
  {
    kind: 'decision',
    code: 'token_invalid',
    token: unverifiedToken('amb1_forged', 'k1'),
    tool: { name: 'mail.send' },
  },
  { ...base(session), kind: 'session', event: { name: 'close' } },
];
