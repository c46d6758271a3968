// The regression guard of the hot path: ratios within one run, from the fastest rounds, with margins wide enough for
// a busy machine. What is guarded is the shape (verification is mostly hashing, a session proof is far from a
// signature, a delegation seen before costs nothing); the figures are the benchmark's business.
import { describe, expect, it } from 'vitest';
import { nodeProvider } from '@ambit/core/node';
import { measure, quantile, type Candidate } from '../bench/src/measure.ts';
import { coldBearer, kernelCandidate, primitives, proved } from '../bench/src/verify.ts';

/** How many times as long `a` takes as `b`, by the fastest tenth of their rounds. */
async function times(a: Candidate, b: Candidate): Promise<number> {
  const m = await measure([a, b], { rounds: 31, warmup: 12, slice: 3 });
  return quantile(m.get(a.name)!.rounds, 0.05) / quantile(m.get(b.name)!.rounds, 0.05);
}

/** The best of three: a machine can be busy for one of them, a regression is there in all. */
async function best(a: () => Candidate, b: () => Candidate, enough: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3 && least > enough; i++) least = Math.min(least, await times(a(), b()));
  return least;
}

describe('ratios of the hot path', () => {
  it('cold verification with clearing stays within 4 x of the bare kernel on the same links', async () => {
    expect(
      await best(
        () => coldBearer(10, true),
        () => kernelCandidate(10),
        4,
      ),
    ).toBeLessThan(4);
  });

  it('a session proof for a repeated token costs less than half of a signed one', async () => {
    const session = (): Candidate => proved('session', false, 10, 0, nodeProvider);
    expect(await best(session, () => proved('signed', false, 10, 0, nodeProvider), 0.5)).toBeLessThan(0.5);
  });

  it('a cold token with a signed proof stays within 2.5 x of one bare signature', async () => {
    const signature = (): Candidate => primitives(nodeProvider)[2]!;
    expect(await best(() => proved('signed', true, 10, 0, nodeProvider), signature, 2.5)).toBeLessThan(2.5);
  });

  it('eight delegations seen before stay within 3 x of none', async () => {
    const none = (): Candidate => proved('session', false, 10, 0, nodeProvider);
    expect(await best(() => proved('session', false, 10, 8, nodeProvider), none, 3)).toBeLessThan(3);
  });
});
