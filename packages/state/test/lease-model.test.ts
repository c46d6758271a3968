// The model of leases (`model/lease.pml`), which spin explores.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const hasSpin = spawnSync('spin', ['-V']).status === 0;
if (!hasSpin) console.warn('SKIPPED: spin is not on the PATH, so the lease model is not checked here.');
const long = process.env['AMBIT_LONG'] === '1';
test.skipIf(!hasSpin)(
  `the model in Promela holds${long ? ', and finds each deliberate mistake' : ' (its mistakes: AMBIT_LONG=1)'}`,
  { timeout: 600_000 },
  () => {
    const script = fileURLToPath(new URL('../model/check.sh', import.meta.url));
    const { status, stdout } = spawnSync('sh', long ? [script] : [script, 'quick'], { encoding: 'utf8' });
    expect(stdout).toContain('protocol: 0 errors');
    expect(status).toBe(0);
  },
);
