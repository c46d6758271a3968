// node child.mjs LOCK COUNTER N: adds one to the counter N times, under the lock; with - for COUNTER holds the lock.
import { readFileSync, writeFileSync } from 'node:fs';
import { acquireLock } from '@ambit/files';

const [path, counter, n] = process.argv.slice(2);
if (counter === '-') {
  const lock = await acquireLock(path, 0);
  process.stdout.write(lock === null ? 'refused\n' : 'held\n');
  if (lock !== null) setInterval(() => {}, 1000);
} else {
  for (let i = 0; i < Number(n); i++) {
    const lock = await acquireLock(path, 60_000);
    const before = Number(readFileSync(counter, 'utf8'));
    writeFileSync(counter, String(before + 1));
    lock.release();
  }
}
