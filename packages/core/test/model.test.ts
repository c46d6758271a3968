// The model of proofs (model/README.md): spin explores every run of holders, verifiers and an intruder within bounds.
// A smaller bound here; AMBIT_LONG=1 takes the full ones.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const hasSpin = ['spin', 'cc'].every((tool) => spawnSync(tool, ['-v']).error === undefined);
if (!hasSpin)
  console.warn('SKIPPED: spin or cc is not on the PATH, so the model of proofs is not checked here.');
const long = process.env['AMBIT_LONG'] === '1';

/** What check.sh plants, and what it must find. */
const MISTAKES = [
  'NO_MAC NO_CHILD NO_PREFIX NO_TOKEN NO_ARGUMENTS NO_BODY NO_AUDIENCE NO_NONCE NO_TIME NOT_ATOMIC SHORT_MEMORY LATE NO_RESET',
  'NO_NUMBER NO_EPOCH SAME_EPOCH EARLY_SWEEP NO_HIGHEST NO_HOLDER NO_TICKET_SIGNATURE NO_TICKET_END KEEPS_OLD SLIDES_BACK',
  'FORGETS OLD_ERA',
].flatMap((names) => names.split(' '));

test.skipIf(!hasSpin)(
  'P2 P3 P6 P9 D1 D2 no run clears a call that its holder did not prove, or one proof twice; spin finds each of 25 mistakes',
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
    for (const mistake of MISTAKES)
      expect(stdout, stderr).toMatch(new RegExp(`^${mistake} .*: 1 errors$`, 'm'));
    expect(MISTAKES).toHaveLength(25);
    expect(status, stderr).toBe(0);
  },
);
