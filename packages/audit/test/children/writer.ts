// Appends for as long as it lives, and prints `index content` for each entry that was acknowledged.
// Arguments: root directory, name, milliseconds between checkpoints.
import { openAt } from './open.ts';

const [root, name, interval] = process.argv.slice(2);
const log = await openAt(root!, Number(interval ?? 20)).catch((error: Error & { code?: string }) => {
  process.stdout.write(`refused ${error.code}\n`);
  process.exit(3);
});
process.stdout.write(`open ${log.size} ${log.recovery.tornBytes}\n`);
let n = 0;
const worker = async (): Promise<void> => {
  for (;;) {
    const text = `${name}-${n++} ${'x'.repeat(Math.floor(Math.random() * 900))}`;
    const index = await log.append(Buffer.from(text));
    process.stdout.write(`${index} ${text.split(' ')[0]}\n`);
  }
};
await Promise.all(Array.from({ length: 24 }, worker));
