// The same log as `openAt` in scratch.ts, without a test runner.
import { join } from 'node:path';
import { Log } from '../../src/log/log.ts';
import { fileHead } from '../../src/log/head.ts';
import { signerKey } from '../../src/note/key.ts';

export const openAt = (root: string, checkpointInterval: number): Promise<Log> =>
  Log.open({
    directory: join(root, 'log'),
    signer: signerKey('audit.example/guard-1', new Uint8Array(32).fill(7)),
    head: fileHead(join(root, 'head')),
    create: true,
    checkpointInterval,
    segmentBytes: 200_000,
  });
