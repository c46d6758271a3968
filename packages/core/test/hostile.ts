// Runs test/children/hostile.mjs, a verifier in a process of its own with so much heap and no more.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** What it prints after so many requests; fails for anything on its error output. */
export function outlives(mebibytes: number, requests: number): string {
  const child = fileURLToPath(new URL('children/hostile.mjs', import.meta.url));
  const args = [`--max-old-space-size=${mebibytes}`, child, String(requests), 'peak'];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  return ran.stdout;
}
