// K1, K3, K6 in a process with little memory: it lives through hostile requests of every kind and still answers. A
// long run (AMBIT_LONG=1) makes 200,000 of them under 256 MiB; before caches were weighed, some 500 ended it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { LONG } from '../sample.ts';

it(
  'R1, R4, R5, R9 a verifier with little memory outlives hostile requests of all kinds',
  { timeout: 3_600_000 },
  () => {
    const requests = LONG ? 200_000 : 2100;
    const child = fileURLToPath(new URL('../children/hostile.mjs', import.meta.url));
    const ran = spawnSync(
      process.execPath,
      [`--max-old-space-size=${LONG ? 256 : 64}`, child, String(requests)],
      { encoding: 'utf8' },
    );
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toBe(`answered ${requests}\n`);
  },
);
