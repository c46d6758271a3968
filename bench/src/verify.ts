// The hot path of Ambit: cold, known parent, repeated; bearer, signed and session proofs; allowed and denied; each
// beside the primitive that bounds it, so that every row can be read as a ratio to its own limit.
import {
  authorize,
  createVerifier,
  HmacKey,
  prove,
  ProofSession,
  restrict,
  attenuate,
  SecretKey,
  chain,
} from '@ambit/core';
import type { Ledger, Provider, Verifier, VerifierOptions } from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import { measure, ratio, rounds, type Candidate, type Measured } from './measure.ts';
import {
  AUDIENCE,
  bearerToken,
  delegatedToken,
  facts,
  freshCall,
  freshText,
  heldToken,
  holder,
  keyring,
  NOW,
} from './sample.ts';
import type { BenchOptions, Table } from './table.ts';

const keys = keyring.exportFor(AUDIENCE);
const HUGE = 1 << 24;
/** A ledger that takes everything: what is measured is verification, not a store. */
const openLedger: Ledger = { apply: () => ({ ok: true }) };

/** A verifier; `cold` keeps nothing at all. */
export function verifierOf(
  cold: boolean,
  provider: Provider = nodeProvider,
  more: Partial<VerifierOptions> = {},
): Verifier {
  return createVerifier({
    audience: AUDIENCE,
    keys,
    provider,
    bearer: true,
    proofSessions: { key: SecretKey.generate('x25519'), perHolder: HUGE, total: HUGE },
    ...(cold ? { cache: { tokens: 0, delegations: 0 } } : {}),
    ...more,
  });
}

const must = (ok: boolean): void => {
  if (!ok) throw new Error('bench: unexpected answer');
};

// As a header brings it, in one piece: the parts of which a text was put together are the sender's cost.
const received = (text: string): string => Buffer.from(text).toString('latin1');

/** The bare kernel on as many links of the same sizes as a token with `caveats` caveats has. */
export function kernelCandidate(caveats: number): Candidate {
  const text = bearerToken(caveats);
  // Sizes as in the token: one grant of 230 bytes, caveats of 13 on average.
  const bytes = new Uint8Array(Buffer.from(text.slice(5), 'base64url'));
  const spans: number[] = [];
  let at = 2;
  const size = (): number => {
    const info = bytes[at]! & 31;
    const head = info < 24 ? 1 : info === 24 ? 2 : 3;
    const n = info < 24 ? info : info === 24 ? bytes[at + 1]! : bytes[at + 1]! * 256 + bytes[at + 2]!;
    spans.push(at + head, at + head + n);
    return (at += head + n);
  };
  size();
  at += caveats < 24 ? 1 : 2;
  for (let i = 0; i < caveats; i++) size();
  const key = keys[0]!.unsafeBytes();
  const prefix = new Uint8Array(17);
  const out = new Uint8Array(32);
  return {
    name: `kernel, ${caveats + 1} links`,
    run: (n) => {
      for (let i = 0; i < n; i++) chain(key, prefix, bytes, spans, caveats + 1, out);
    },
  };
}

/** Whole path for bearer tokens, nothing cached: wire text to decision. */
export function coldBearer(caveats: number, clearIt: boolean): Candidate {
  const tokens = Array.from({ length: 64 }, () => bearerToken(caveats));
  const verifier = verifierOf(true);
  const call = freshCall();
  return {
    name: clearIt
      ? `cold bearer, ${caveats} caveats, verify + clear`
      : `cold bearer, ${caveats} caveats, verify`,
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const token = tokens[i & 63]!;
        const shown = verifier.verify({ token, call, now: NOW });
        must(shown.ok);
        if (clearIt && shown.ok) must(authorize(shown.token, facts).ok === true);
      }
    },
  };
}

/** Proof and clearing from raw arguments, for a token in the cache or not, delegated `d` times. */
export function proved(
  kind: 'signed' | 'session',
  cold: boolean,
  caveats: number,
  d: number,
  provider: Provider,
): Candidate {
  const { token, by } = delegatedToken(caveats, d);
  const verifier = verifierOf(cold, provider);
  const at = { audience: AUDIENCE, time: NOW };
  let proofs: string[] = [];
  let texts: string[] = [];
  const session = ProofSession.open(verifier.sessionOffer!, { time: NOW }, by, nodeProvider);
  const first = verifier.verify({
    token,
    proof: session.prove(token, freshCall(), NOW),
    call: freshCall(),
    now: NOW,
  });
  must(first.ok);
  session.established();
  const few = kind === 'signed' ? Array.from({ length: 64 }, () => prove(token, freshCall(), at, by)) : [];
  return {
    name: `${cold ? 'cold' : 'repeated'}, ${kind} proof, ${caveats} caveats, ${d} delegations (${provider.name})`,
    prepare: (n) => {
      proofs =
        kind === 'signed'
          ? few
          : Array.from({ length: n }, () => received(session.prove(token, freshCall(), NOW)));
      texts = Array.from({ length: Math.min(n, 256) }, () => received(freshText(token)));
    },
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const call = freshCall();
        const proof = kind === 'signed' ? proofs[i & 63]! : proofs[i]!;
        const shown = verifier.verify({ token: texts[i % texts.length]!, proof, call, now: NOW });
        if (!shown.ok) throw new Error(shown.message);
        must(authorize(shown.token, facts, openLedger).ok === true);
      }
    },
  };
}

function denied(): Candidate[] {
  const good = heldToken(10);
  const forged = good.slice(0, -2) + (good.at(-2) === 'A' ? 'BA' : 'AA');
  const expired = attenuate(heldToken(9), restrict.expires(NOW - 1));
  const verifier = verifierOf(true);
  const call = freshCall();
  const other = freshCall('code_exec', '{}');
  const at = { audience: AUDIENCE, time: NOW };
  const signed = prove(good, call, at, holder);
  const wrong = prove(good, freshCall('web_search', '{"q":"other"}'), at, holder);
  const late = prove(expired, call, at, holder);
  const outside = prove(good, other, at, holder);
  const one = (name: string, token: string, proof: string, c = call, clears = false): Candidate => ({
    name,
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const shown = verifier.verify({ token, proof, call: c, now: NOW });
        must(shown.ok === clears);
        if (shown.ok) must(authorize(shown.token, facts, openLedger).ok === false);
      }
    },
  });
  return [
    { name: 'allowed', run: (n) => {
      for (let i = 0; i < n; i++) {
        const shown = verifier.verify({ token: good, proof: signed, call, now: NOW });
        must(shown.ok && authorize(shown.token, facts, openLedger).ok === true);
      }
    } },
    one('denied: bad MAC', forged, signed),
    one('denied: bad proof', good, wrong),
    one('denied: expired', expired, late),
    one('denied: out of scope', good, outside, other, true),
  ]; // prettier-ignore
}

/** Primitives alone: what bounds everything else on this machine. */
export function primitives(provider: Provider): Candidate[] {
  const mac = new HmacKey(new Uint8Array(32).fill(1));
  const key = new Uint8Array(32).fill(2);
  const message = new Uint8Array(200).fill(3);
  const label = new Uint8Array(0);
  const spans = [0, 40];
  const out = new Uint8Array(32);
  const seed = new Uint8Array(32).fill(9);
  const pub = provider.publicKey(seed);
  const signature = provider.sign(seed, message);
  return [
    { name: 'HMAC link, 40 bytes, kernel', run: (n) => { for (let i = 0; i < n; i++) chain(key, label, message, spans, 1, out); } },
    { name: 'HMAC of 200 bytes, keyed', run: (n) => { for (let i = 0; i < n; i++) mac.mac(message); } },
    { name: `Ed25519 verification (${provider.name})`, run: (n) => { for (let i = 0; i < n; i++) must(provider.verify(pub, message, signature)); } },
  ]; // prettier-ignore
}

const row = (m: Measured, limit?: Measured): (string | number)[] => [
  m.name,
  m.median,
  m.p10,
  m.p90,
  limit === undefined ? '' : ratio(m, limit),
];
const COLUMNS = ['', 'median us', 'p10', 'p90', 'x its limit'] as const;

/** The tables of the hot path. */
export async function benchVerify(options: BenchOptions): Promise<Table[]> {
  const r = rounds(options.quick);
  const base = primitives(nodeProvider);
  const kernel = kernelCandidate(10);
  const parent = knownParent();
  const cases = [
    ...base,
    kernel,
    coldBearer(10, false),
    coldBearer(10, true),
    parent,
    proved('session', false, 10, 0, nodeProvider),
    proved('signed', true, 10, 0, nodeProvider),
    proved('signed', false, 10, 0, nodeProvider),
    proved('signed', true, 10, 8, nodeProvider),
    proved('session', false, 10, 8, nodeProvider),
  ];
  const m = await measure(cases, r);
  const get = (i: number): Measured => m.get(cases[i]!.name)!;
  const [link, , ed, bare] = [get(0), get(1), get(2), get(3)];
  const nine: Measured = { ...ed, rounds: ed.rounds.map((v) => 9 * v) };
  const main: Table = {
    title: 'Verification and clearing, 10 caveats',
    notes: [
      'From wire text (and raw JSON arguments) to a decision. The limit of bearer rows is the bare kernel on the same 11 links;',
      'of session rows one kernel link; of signed rows one Ed25519 verification, of delegated ones nine.',
    ],
    columns: COLUMNS,
    rows: [
      row(link), row(get(1)), row(ed), row(bare), row(get(4), bare), row(get(5), bare), row(get(6), bare),
      row(get(7), link), row(get(8), ed), row(get(9), ed), row(get(10), nine), row(get(11), get(7)),
    ],
  }; // prettier-ignore
  const d = await measure(denied(), r);
  const allowed = d.get('allowed')!;
  const stages: Table = {
    title: 'Allowed and denied, cold, signed proof',
    notes: ['The limit is the allowed path: a denial never costs more (law L8).'],
    columns: COLUMNS,
    rows: [...d.values()].map((x) => row(x, allowed)),
  };
  return [main, stages];
}

/** A token whose parent is in the cache: one new caveat on each. */
function knownParent(): Candidate {
  const parent = bearerToken(9);
  const verifier = verifierOf(false);
  must(verifier.identify(parent).ok);
  let children: string[] = [];
  return {
    name: 'new child of a known parent, bearer, 10 caveats, verify',
    prepare: (n) => {
      children = Array.from({ length: n }, (_, i) =>
        freshText(attenuate(parent, restrict.expires(NOW + 100 + Math.floor(Math.random() * 1e9) + i))),
      );
    },
    run: (n) => {
      for (let i = 0; i < n; i++) must(verifier.identify(children[i]!).ok);
    },
  };
}

/** Cost against caveats and delegations, for the plots. */
export async function growth(
  options: BenchOptions,
): Promise<{ caveats: [number, number, number][]; delegations: [number, number, number][] }> {
  const r = rounds(true);
  const steps = options.quick === true ? [0, 10, 50, 100] : [0, 5, 10, 20, 40, 60, 80, 100];
  const caveats: [number, number, number][] = [];
  for (const n of steps) {
    const [bare, cold] = [kernelCandidate(n), coldBearer(n, true)];
    const m = await measure([bare, cold], r);
    caveats.push([n, m.get(bare.name)!.median, m.get(cold.name)!.median]);
  }
  const delegations: [number, number, number][] = [];
  for (const d of [0, 1, 2, 4, 8]) {
    const [cold, again] = [
      proved('signed', true, 10, d, nodeProvider),
      proved('session', false, 10, d, nodeProvider),
    ];
    const m = await measure([cold, again], r);
    delegations.push([d, m.get(cold.name)!.median, m.get(again.name)!.median]);
  }
  return { caveats, delegations };
}
