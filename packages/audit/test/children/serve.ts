// The writer under its own user. Arguments: root directory, socket path.
import { serveLog } from '../../src/serve/server.ts';
import { Recorder } from '../../src/record/recorder.ts';
import { openAt } from './open.ts';

const [root, socket] = process.argv.slice(2);
const recorder = await Recorder.open(await openAt(root!, 0));
await serveLog({
  recorder,
  sockets: [
    { path: socket!, by: 'guard-1', mode: 0o666 },
    { path: `${socket}.2`, by: 'guard-2', mode: 0o666 },
  ],
});
process.stdout.write(`serving as ${process.getuid!()}\n`);
