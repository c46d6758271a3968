// K1, K3, K6 in a process with little memory: it lives through hostile requests of every kind and still answers. Before
// caches were weighed, some 500 of them ended it. The long one is in a file of its own beside this.
import { expect, it } from 'vitest';
import { outlives } from '../hostile.ts';

it(
  'R1, R4, R5, R9 a verifier under 64 MiB outlives thousands of hostile requests of all kinds',
  { timeout: 600_000 },
  () => expect(outlives(64, 2100)).toMatch(/^answered 2100\npeak \d+ MiB\n$/),
);
