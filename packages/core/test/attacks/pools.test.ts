// Pools: counters that the issuer lets tokens share (attacks S5, S13).
import { describe, expect, it } from 'vitest';
import {
  evaluate,
  parseCall,
  createVerifier,
  Keyring,
  mint,
  prove,
  SecretKey,
  signer,
} from '../../src/index.ts';
import type { Budget, HolderGrantSpec } from '../../src/index.ts';
import { nodeProvider } from '../../src/node.ts';

const NOW = 1_772_373_600;
const keyring = Keyring.create('iam');
const agent = signer(SecretKey.generate('holder'), nodeProvider);
const seal = signer(SecretKey.generate('issuer'), nodeProvider);
const spec = (budgets: readonly Budget[], expires: number): HolderGrantSpec => ({
  operator: { id: 'acme' },
  model: { id: 'm', digest: new Uint8Array(32) },
  session: 's',
  user: 'u',
  tools: ['pay'],
  budgets,
  issuedAt: NOW,
  expires,
  holder: agent.publicKey,
});
const verifier = createVerifier({
  audience: 'bank',
  keys: keyring.domainKeys(),
  seals: [{ issuer: 'iam', key: seal.publicKey }],
  provider: nodeProvider,
});

function counters(token: string): readonly { id: string; expires: number }[] {
  const made = parseCall({ tool: 'pay', args: { amount: 5 } });
  if (!made.ok) throw new Error(made.message);
  const proof = prove(token, made.call, { audience: 'bank', time: NOW }, agent);
  const verified = verifier.verify({ token, proof, call: made.call, now: NOW });
  if (!verified.ok) throw new Error(verified.message);
  const answer = evaluate(verified.token, { now: NOW, data: [] });
  if (answer.ok === false) throw new Error(answer.message);
  return answer.charges.counters;
}

describe('pools', () => {
  it('S5 a pool is one counter for tokens of any life, and no token ends it', () => {
    const pool: Budget = { unit: 'calls', limit: 10, pool: 'team' };
    const short = counters(mint(keyring, spec([pool], NOW + 60), seal));
    const long = counters(mint(keyring, spec([pool], NOW + 6000), seal));
    expect(short[0]!.id).toBe(long[0]!.id);
    expect(short[0]!.expires).toBe(long[0]!.expires);
    expect(short[0]!.expires).toBeGreaterThan(NOW + 1e9);
    const own = counters(mint(keyring, spec([{ unit: 'calls', limit: 10 }], NOW + 60), seal));
    expect(own[0]!.expires).toBe(NOW + 60);
  });

  it('a grant that names one counter of a pool twice is not minted', () => {
    const twice: Budget[] = [1, 2].map((limit) => ({ unit: 'calls', limit, pool: 'team' }));
    expect(() => mint(keyring, spec(twice, NOW + 60), seal)).toThrow(/named twice/);
    const different: Budget[] = [
      { unit: 'calls', limit: 1, pool: 'team' },
      { unit: 'sum', argument: 'amount', limit: 9, pool: 'team' },
    ];
    expect(counters(mint(keyring, spec(different, NOW + 60), seal))).toHaveLength(2);
  });

  it('G3 what assess gives is no permission to a careless reader', () => {
    const made = parseCall({ tool: 'pay', args: {} });
    if (!made.ok) throw new Error(made.message);
    const token = mint(keyring, spec([], NOW + 60));
    const proof = prove(token, made.call, { audience: 'bank', time: NOW }, agent);
    const verified = verifier.verify({ token, proof, call: made.call, now: NOW });
    if (!verified.ok) throw new Error(verified.message);
    expect(evaluate(verified.token, { now: NOW, data: [] }).ok).toBeFalsy();
  });
});
