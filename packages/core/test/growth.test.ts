// Linear cost: what verification and clearing do grows no faster than the token. Counted in operations, not in
// seconds: heads read, texts read, bytes hashed for prefix digests, signatures checked.
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  attenuate,
  parseCall,
  authorize,
  createVerifier,
  delegate,
  Keyring,
  mint,
  prove,
  restrict,
  SecretKey,
  signer,
} from '../src/index.ts';
import type { Ledger, Provider, Restriction, Signer } from '../src/index.ts';
import { Reader } from '../src/cbor/read.ts';
import { Sha256 } from '../src/crypto/index.ts';
import { nodeProvider } from '../src/node.ts';

const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const holder = signer(SecretKey.generate('holder'), nodeProvider);
const ledger: Ledger = { apply: () => ({ ok: true }) };
const made = parseCall({ tool: 'read', args: { path: '/srv/a' } });
if (!made.ok) throw new Error(made.message);

/** Caveats of every cheap kind, and one budget in eight (there may be 16). */
const caveat = (i: number): Restriction => {
  if (i % 8 === 7 && i < 100) return restrict.calls(1000 + i);
  const kinds = [
    restrict.tools('read'),
    restrict.expires(NOW + 800),
    restrict.deny('x.*'),
    restrict.data('d'),
    restrict.note('n'),
  ];
  return i % 8 === 6
    ? restrict.args(['read'], { path: { kind: 'subpath', roots: ['/srv'] } })
    : kinds[i % 5]!;
};

function token(caveats: number, delegations: number): { text: string; by: Signer<'holder'> } {
  let text = mint(keyring, {
    operator: { id: 'acme' },
    model: { id: 'm', digest: new Uint8Array(32) },
    session: 's',
    user: 'u',
    tools: ['read'],
    data: ['d'],
    delegations,
    issuedAt: NOW,
    expires: NOW + 900,
    holder: holder.publicKey,
  });
  let by = holder;
  for (let i = 0; i < delegations; i++) {
    const next = signer(SecretKey.generate('holder'), nodeProvider);
    text = delegate(text, { to: next.publicKey, label: `a${i}`, time: NOW }, by);
    by = next;
  }
  return { text: attenuate(text, ...Array.from({ length: caveats }, (_, i) => caveat(i))), by };
}

afterEach(() => vi.restoreAllMocks());

/** The operations of one cold verification and clearing. */
function operations(
  caveats: number,
  delegations: number,
): { reads: number; hashed: number; signatures: number; bytes: number } {
  const { text, by } = token(caveats, delegations);
  const proof = prove(text, made.ok ? made.call : (undefined as never), { audience: 'a', time: NOW }, by);
  let signatures = 0;
  const provider: Provider = {
    ...nodeProvider,
    verify: (k, m, s) => (signatures++, nodeProvider.verify(k, m, s)),
  };
  const verifier = createVerifier({
    audience: 'a',
    keys: keyring.domainKeys(),
    provider,
    cache: { tokens: 0, delegations: 0 },
  });
  const heads = vi.spyOn(Reader.prototype, 'head');
  const texts = vi.spyOn(Reader.prototype, 'text');
  let hashed = 0;
  // oxlint-disable-next-line typescript/unbound-method -- called with its `this` below
  const update = Sha256.prototype.update;
  vi.spyOn(Sha256.prototype, 'update').mockImplementation(function (
    this: Sha256,
    bytes,
    start = 0,
    end = bytes.length,
  ) {
    hashed += end - start;
    return update.call(this, bytes, start, end);
  });
  const verified = verifier.verify({
    token: text,
    proof,
    call: made.ok ? made.call : (undefined as never),
    now: NOW,
  });
  if (!verified.ok) throw new Error(verified.message);
  expect(authorize(verified.token, { now: NOW, data: ['d'] }, ledger).ok).toBe(true);
  const reads = heads.mock.calls.length + texts.mock.calls.length;
  vi.restoreAllMocks();
  return { reads, hashed, signatures, bytes: (text.length * 3) / 4 };
}

describe('cost grows with the token and no faster', () => {
  it('in caveats: reads and hashed bytes for a byte of token stay as they are', () => {
    const few = operations(20, 0);
    const many = operations(110, 0);
    expect(many.reads / many.bytes).toBeLessThan(1.2 * (few.reads / few.bytes));
    // Two runs over the token at most: one for the prefix digests, one again when they are asked out of order.
    expect(many.hashed).toBeLessThan(2.5 * many.bytes);
    expect(many.signatures).toBe(1);
  });

  it('in delegations: one signature each, and one for the proof', () => {
    for (const d of [0, 1, 4, 16]) expect(operations(4, d).signatures).toBe(d + 1);
    const few = operations(4, 4);
    const many = operations(4, 16);
    expect(many.reads / many.bytes).toBeLessThan(1.2 * (few.reads / few.bytes));
    expect(many.hashed).toBeLessThan(2.5 * many.bytes);
  });
});
