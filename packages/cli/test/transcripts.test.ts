// The command line, as people meet it: transcripts of commands, what they print and how they exit, run by the real
// `ambit` in a shell in an empty directory. After the style of age's testscript.
//
//   $ ambit verify b.tok           a command for the shell
//   > ...                          more of it
//   denied: expired: ...           its stdout: `...` is the rest of a line, a line `...` any lines
//   ! ambit: error: ...            its stderr, when any of it is given; `!` alone: none at all
//   ? 1                            its exit state; 0 when not given
//   # words                        for the reader
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { runTranscript } from './transcript.ts';

const FOLDER = new URL('./transcripts/', import.meta.url).pathname;

// Some hundred processes: seconds on an idle machine, minutes on a busy one.
describe('transcripts of the ambit command', { concurrent: true, timeout: 300_000 }, () => {
  for (const name of readdirSync(FOLDER)
    .filter((f) => f.endsWith('.txt'))
    .sort()) {
    // Each with its own `expect`: what tests that run side by side assert is counted apart.
    it(name.replace('.txt', '').replaceAll('-', ' '), ({ expect }) =>
      runTranscript(name, readFileSync(join(FOLDER, name), 'utf8'), expect),
    );
  }
});
