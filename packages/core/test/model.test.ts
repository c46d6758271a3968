// The model of proofs (model/README.md): spin explores every run of holders, verifiers and an intruder within bounds.
// A smaller bound here; AMBIT_LONG=1 takes the full ones.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const hasSpin = ['spin', 'cc'].every((tool) => spawnSync(tool, ['-v']).error === undefined);
if (!hasSpin)
  console.warn('SKIPPED: spin or cc is not on the PATH, so the model of proofs is not checked here.');
const long = process.env['AMBIT_LONG'] === '1';

/** What check.sh plants and must find: at every run, and at the long one. */
const QUICK =
  'NO_CHILD NO_PREFIX NO_TOKEN NO_BODY NO_AUDIENCE NOT_ATOMIC NO_NUMBER NO_EPOCH SAME_EPOCH NO_HOLDER SLIDES_BACK OLD_ERA';
const MORE =
  'NO_MAC NO_ARGUMENTS NO_NONCE NO_TIME SHORT_MEMORY LATE NO_RESET EARLY_SWEEP NO_HIGHEST NO_TICKET_SIGNATURE NO_TICKET_END KEEPS_OLD FORGETS';
const mistakes = (long ? `${QUICK} ${MORE}` : QUICK).split(' ');

test.skipIf(!hasSpin)(
  'P2 P3 P6 P9 D1 D2 no run clears a call that its holder did not prove, or one proof twice; and spin finds what is planted',
  { timeout: long ? 3_600_000 : 900_000 },
  () => {
    const script = fileURLToPath(new URL('../model/check.sh', import.meta.url));
    const { status, stdout, stderr } = spawnSync('sh', long ? [script] : [script, 'quick'], {
      encoding: 'utf8',
    });
    expect(stdout.split('\n').filter((l) => l.startsWith('protocol') && !l.includes(': 0 errors'))).toEqual(
      [],
    );
    for (const kind of ['SIGNED', 'OWN', 'SHARED']) expect(stdout).toContain(`protocol ${kind}`);
    for (const mistake of mistakes)
      expect(stdout, stderr).toMatch(new RegExp(`^${mistake} .*: 1 errors$`, 'm'));
    expect(mistakes).toHaveLength(long ? 25 : 12);
    expect(status, stderr).toBe(0);
  },
);
