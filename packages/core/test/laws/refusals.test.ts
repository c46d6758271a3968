// L8 A refusal costs no more than the acceptance of the same token: one token that every check of a call concerns, its
// accepted call, and one refused call for each code that authorization has. Medians of CPU time, in turn in one process;
// the margin is wide for a busy machine (AMBIT_LONG=1 takes 1.2, for a quiet one), and the best of five has to keep it.
// Public-key operations are counted in bounded.test.ts.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  attenuate,
  authorize,
  mintBearer,
  restrict,
  type DenialCode,
  type Facts,
  type Ledger,
} from '../../src/index.ts';
import { baseSpec, keyring, LONG, makeCall, NOW, verifierWith } from '../sample.ts';

const { holder: _, ...spec } = baseSpec;
const token = attenuate(
  mintBearer(keyring, { ...spec, tools: ['*', 'files.*', 'mail.*'], deny: ['shut.*'], delegations: 0 }),
  restrict.tools('web_search', 'files.*', 'shut.*'),
  restrict.deny('files.delete'),
  restrict.args(['web_search'], {
    q: { kind: 'length', max: 40 },
    path: { kind: 'subpath', roots: ['/srv', '/var/lib', '/home'] },
    to: { kind: 'email', domains: ['a.example', '*.b.example'] },
  }),
  restrict.data('public'),
  restrict.http(['GET', 'HEAD'], ['/public/*', '/v1/*']),
  restrict.net('10.0.0.0/8', '192.168.0.0/16'),
  restrict.flow('refuse', 'web_search'),
  restrict.sum('n', 1000),
  restrict.once(),
);
const args = { q: 'macaroons', path: '/home/a/b.txt', to: 'someone@x.b.example', n: 5 };
const http = { method: 'GET', origin: 'https://a.example', target: '/v1/search?q=1' };
const good: Facts = {
  now: NOW, data: ['public'], address: '192.168.1.1', external: true, bytes: 5,
  flow: { untrusted: [], destinationsNamed: true, approved: false },
}; // prettier-ignore
const callOf = (more: object = {}): ReturnType<typeof makeCall> =>
  makeCall({ tool: 'web_search', args, http, ...more });
const takes: Ledger = { apply: () => ({ ok: true }) };
const refuses = (code: 'budget_exceeded' | 'once_used' | 'replayed' | 'store_unavailable'): Ledger => ({
  apply: () => ({ ok: false, code, caveat: 0, left: 3 }),
});

type Ask = readonly [
  code: DenialCode | null,
  call: ReturnType<typeof makeCall>,
  facts: Facts,
  ledger?: Ledger | undefined,
];
const call = callOf();
const asks: readonly Ask[] = [
  [null, call, good, takes],
  ['expired', call, { ...good, now: NOW + 9000 }, takes],
  ['tool_not_granted', callOf({ tool: 'mail.send' }), good, takes],
  ['tool_denied', callOf({ tool: 'files.delete' }), good, takes],
  ['argument_refused', callOf({ args: { ...args, q: 'x'.repeat(41) } }), good, takes],
  ['argument_refused', callOf({ args: { ...args, path: '/home/../etc' } }), good, takes],
  ['argument_refused', callOf({ args: { ...args, to: 'someone@c.example' } }), good, takes],
  ['data_refused', call, { ...good, data: ['internal'] }, takes],
  ['data_unknown', call, { ...good, data: undefined }, takes],
  ['fact_missing', call, { ...good, address: undefined }, takes],
  ['fact_missing', call, { ...good, flow: undefined }, takes],
  ['http_refused', callOf({ http: { ...http, method: 'POST' } }), good, takes],
  ['http_refused', callOf({ http: { ...http, target: '/v1/..;/admin' } }), good, takes],
  ['net_refused', call, { ...good, address: '172.16.0.1' }, takes],
  ['flow_refused', call, { ...good, flow: { untrusted: ['web'], destinationsNamed: true, approved: false } }, takes], // prettier-ignore
  ['budget_amount', callOf({ args: { ...args, n: 0.5 } }), good, takes],
  ['budget_exceeded', callOf({ args: { ...args, n: 1001 } }), good, takes],
  ['ledger_required', call, good],
  ['budget_exceeded', call, good, refuses('budget_exceeded')],
  ['once_used', call, good, refuses('once_used')],
  ['store_unavailable', call, good, refuses('store_unavailable')],
];

/** Codes that verification gives, before there is anything to authorize; or that a token of other caveats has. */
const ELSEWHERE: readonly string[] = ['approval_required', 'audience_refused', 'not_yet_valid', 'replayed'];

it('L8 every code of authorization is asked for', () => {
  const src = fileURLToPath(new URL('../../src/', import.meta.url));
  const codes = ['caveats', 'authorize'].flatMap((folder) =>
    readdirSync(`${src}${folder}`).flatMap((name) =>
      [...readFileSync(`${src}${folder}/${name}`, 'utf8').matchAll(/deny\(\s*'([a-z_]+)'/g)].map(
        (m) => m[1]!,
      ),
    ),
  );
  const asked = new Set<string>([...asks.map(([code]) => code ?? ''), ...ELSEWHERE]);
  expect([...new Set(codes)].filter((code) => !asked.has(code))).toEqual([]);
});

it('L8 a refusal costs no more than the acceptance of the same token', { timeout: 300_000 }, () => {
  const verifier = verifierWith({ bearer: true });
  const once = ([code, what, facts, ledger]: Ask): void => {
    const shown = verifier.verify({ token, call: what, now: NOW });
    const answer = shown.ok ? authorize(shown.token, facts, ledger) : shown;
    if ((answer.ok ? null : answer.code) !== code) throw new Error(`${code}: ${JSON.stringify(answer)}`);
  };
  const slice = (ask: Ask): number => {
    const start = process.cpuUsage();
    for (let i = 0; i < 150; i++) once(ask);
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  for (const ask of asks) for (let i = 0; i < 10; i++) slice(ask);
  const dear: string[] = [];
  for (const ask of asks.slice(1)) {
    let least = Infinity;
    for (let k = 0; k < 5 && least > 1.2; k++) {
      const accepted: number[] = [];
      const refused: number[] = [];
      for (let i = 0; i < 9; i++) {
        accepted.push(slice(asks[0]!));
        refused.push(slice(ask));
      }
      least = Math.min(least, median(refused) / median(accepted));
    }
    if (process.env['AMBIT_SHOW'] === '1') console.log(`${ask[0]}: ${least.toFixed(2)}`);
    if (least > (LONG ? 1.2 : 1.5)) dear.push(`${ask[0]}: ${least.toFixed(2)}`);
  }
  expect(dear).toEqual([]);
});
