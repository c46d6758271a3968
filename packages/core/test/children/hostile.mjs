// A verifier in a process of its own, under the heap limit that its parent gave it: hostile requests of every kind, and
// one honest call at the end. Prints `answered N` if it lived. argv: how many requests.
import {
  attenuate, authorize, createVerifier, delegate, Keyring, mint, parseCall, parseJson, ProofSession, prove, restrict, SecretKey, signer,
} from '@ambit/core'; // prettier-ignore
import { nodeProvider } from '@ambit/core/node';

const N = Number(process.argv[2]);
const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const holder = signer(SecretKey.generate('holder'), nodeProvider);
const verifier = createVerifier({
  audience: 'a',
  keys: keyring.domainKeys(),
  provider: nodeProvider,
  proofSessions: { key: SecretKey.generate('x25519') },
});
const root = mint(keyring, {
  operator: { id: 'acme' },
  model: { id: 'm', digest: new Uint8Array(32) },
  session: 's',
  user: 'u',
  tools: ['*'],
  delegations: 2,
  issuedAt: NOW,
  expires: NOW + 900,
  holder: holder.publicKey,
});
const callOf = (args) => {
  const made = parseCall({ tool: 't', args });
  if (!made.ok) throw new Error(made.message);
  return made.call;
};
// Signs for the holder with a bit that is wrong.
const forger = {
  publicKey: holder.publicKey,
  sign: (label, message) => {
    const signature = holder.sign(label, message);
    signature[40] ^= 1;
    return signature;
  },
};
const keyOf = (i) =>
  signer(new SecretKey('holder', new Uint8Array(32).fill(1 + (i % 200))), nodeProvider).publicKey;
const ledger = { apply: () => ({ ok: true }) };
const call = callOf({ x: 'ab'.repeat(100), list: Array.from({ length: 10 }, () => 'a') });
const padding = ' '.repeat(65_536);
const show = (token, by = holder, what = call) => {
  const proof = prove(token, what, { audience: 'a', time: NOW }, by);
  const shown = verifier.verify({ token, proof, call: what, now: NOW });
  return shown.ok ? authorize(shown.token, { now: NOW, data: [] }, ledger) : shown;
};
const grantFor = (publicKey, i) =>
  mint(keyring, {
    operator: { id: 'acme' }, model: { id: 'm', digest: new Uint8Array(32) }, session: `s${i}`, user: 'u', tools: ['*'],
    issuedAt: NOW, expires: NOW + 900, holder: publicKey,
  }); // prettier-ignore
// What must come of each kind at least once, so that none is refused for a mistake of this file's.
const answers = new Set();
const noting = (name, answer) => answers.add(`${name} ${answer.ok ? 'ok' : answer.code}`);
const kept = [];
const granted = [];
const kinds = [
  // No proof, the token cut from a larger message.
  (i) =>
    verifier.verify({
      token: `${attenuate(root, restrict.note(`n${i}`))}${padding}`.slice(0, -padding.length),
      call,
      now: NOW,
    }),
  // Good proofs of tokens that all differ.
  (i) => show(attenuate(root, restrict.note(`shown ${i}`))),
  // Patterns that all differ, large ones.
  (i) =>
    show(
      attenuate(
        root,
        restrict.args(['t'], { x: { kind: 'pattern', pattern: `[ab]*a[ab]{${100 + (i % 900)}}|${i}` } }),
      ),
    ),
  // Fat constraints.
  (i) =>
    show(
      attenuate(
        root,
        restrict.args(['t'], {
          [`y${i}`]: { kind: 'oneOf', values: Array.from({ length: 250 }, () => ({})) },
        }),
      ),
    ),
  // Forged, cut, changed.
  (i) => verifier.verify({ token: `${root.slice(0, -8)}${String(i).padStart(8, '0')}`, call, now: NOW }),
  // Sessions of holders without end.
  (i) => {
    const other = signer(SecretKey.generate('holder'), nodeProvider);
    const token = delegate(root, { to: other.publicKey, label: `d${i}`, time: NOW }, holder);
    const session = ProofSession.open(verifier.sessionOffer, { time: NOW }, other);
    return verifier.verify({ token, proof: session.prove(token, call, NOW), call, now: NOW });
  },
  // Sessions of thousands of grants, each with a holder of its own: half as many as a verifier has places for, since
  // those who are granted something may have a session each; from then on more sessions of the same.
  (i) => {
    if (granted.length < 2000) {
      const by = signer(SecretKey.generate('holder'), nodeProvider);
      granted.push({ by, token: grantFor(by.publicKey, i) });
    }
    const { by, token } = granted[granted.length < 2000 ? granted.length - 1 : i % 7];
    const session = ProofSession.open(verifier.sessionOffer, { time: NOW }, by);
    noting('session', verifier.verify({ token, proof: session.prove(token, call, NOW), call, now: NOW }));
  },
  // More small patterns than the cache has places, for every item of a list.
  (i) => {
    const constraints = Array.from({ length: 100 }, (_, k) => ({ kind: 'pattern', pattern: `a*|${i}x${k}` }));
    noting('small patterns', show(attenuate(root, restrict.args(['t'], { list: { kind: 'each', constraint: { kind: 'all', constraints } } })))); // prettier-ignore
  },
  // Arguments that all differ, and fold to eighteen times as much.
  (i) => {
    const path = `/srv/${i}/${'\ufdfa'.repeat(300)}`;
    noting('folded', show(attenuate(root, restrict.args(['t'], { path: { kind: 'subpath', roots: ['/srv'] } })), holder, callOf({ path }))); // prettier-ignore
  },
  // Networks, hosts and domains that all differ.
  (i) => {
    const names = Array.from({ length: 200 }, (_, k) => `*.a${i}-${k}.example`);
    const what = callOf({ u: `https://x.a${i}-199.example/`, m: `x@y.a${i}-199.example`, a: '10.0.0.1' });
    const networks = Array.from({ length: 200 }, (_, k) => `10.${i % 256}.${k}.0/24`).concat('10.0.0.0/8');
    noting('names', show(attenuate(root, restrict.args(['t'], { u: { kind: 'url', hosts: names }, m: { kind: 'email', domains: names.slice(100) }, a: { kind: 'cidr', networks } })), holder, what)); // prettier-ignore
  },
  // Counters and claims of tokens that all differ, in the ledger that takes everything.
  (i) =>
    noting('counters', show(attenuate(root, restrict.calls(i + 1), restrict.once(), restrict.note(`c${i}`)))),
  // Delegations that all differ, the last with a signature that is wrong.
  (i) => {
    const token = delegate(root, { to: keyOf(i), label: `bad ${i}`, time: NOW }, forger);
    noting('bad delegation', verifier.verify({ token, call, now: NOW }));
  },
  // HTTP requests that all differ.
  (i) => {
    const http = { method: 'GET', origin: 'https://a.example', target: `/a/${i}/${'%c3%a9'.repeat(100)}` };
    const made = parseCall({ tool: 't', http });
    noting('http', show(attenuate(root, restrict.http(['GET'], ['/a/*'])), holder, made.call));
  },
  // Ids of messages, kept by whoever keeps ids.
  (i) => {
    const read = parseJson(`{"id":"an id of some length ${i}","pad":"${padding}"}`, 2 ** 20);
    kept.push(read.value.id);
    if (kept.length > 8192) kept.length = 0;
  },
];
for (let i = 0; i < N; i++) kinds[i % kinds.length](i);
const honest = signer(SecretKey.generate('holder'), nodeProvider);
const last = mint(keyring, {
  operator: { id: 'acme' }, model: { id: 'm', digest: new Uint8Array(32) }, session: 's2', user: 'v', tools: ['t'],
  issuedAt: NOW, expires: NOW + 900, holder: honest.publicKey,
}); // prettier-ignore
const session = ProofSession.open(verifier.sessionOffer, { time: NOW }, honest);
const opened = verifier.verify({ token: last, proof: session.prove(last, call, NOW), call, now: NOW });
if (!opened.ok) throw new Error(opened.message);
const answer = show(last, honest);
if (answer.ok !== true) throw new Error(answer.message);
if (N >= kinds.length * 10) {
  const wanted = ['session ok', 'small patterns ok', 'folded ok', 'names ok', 'counters ok', 'bad delegation delegation_invalid', 'http ok']; // prettier-ignore
  for (const name of wanted)
    if (!answers.has(name)) throw new Error(`${name} never came: ${[...answers].join(', ')}`);
}
process.stdout.write(`answered ${N}\n`);
if (process.argv[3] === 'peak')
  process.stdout.write(`peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB\n`);
