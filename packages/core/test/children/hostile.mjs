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
const ledger = { apply: () => ({ ok: true }) };
const call = callOf({ x: 'ab'.repeat(400) });
const padding = ' '.repeat(65_536);
const show = (token, by = holder) => {
  const proof = prove(token, call, { audience: 'a', time: NOW }, by);
  const shown = verifier.verify({ token, proof, call, now: NOW });
  return shown.ok ? authorize(shown.token, { now: NOW, data: [] }, ledger) : shown;
};
const kept = [];
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
process.stdout.write(`answered ${N}\n`);
