// The long run of cost-process.test.ts (AMBIT_LONG=1): 200,000 hostile requests of all kinds under 256 MiB. It says what
// the process took at most.
import { expect, it } from 'vitest';
import { outlives } from '../hostile.ts';
import { LONG } from '../sample.ts';

it.skipIf(!LONG)(
  'R1, R4, R5, R9 a verifier under 256 MiB outlives 200,000 hostile requests of all kinds',
  { timeout: 7_200_000 },
  () => {
    const said = outlives(256, 200_000);
    expect(said).toMatch(/^answered 200000\npeak \d+ MiB\n$/);
    console.log(`hostile requests: ${said.replace('\n', ', ')}`);
  },
);
