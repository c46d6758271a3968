// Processes of their own: the one writer of a log, and a witness of others' logs.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { homeSocket, openLog } from '../home/audit.ts';
import type { Cli } from '../cli.ts';
import { badInput, ioFailure, listenFailure } from '../failure.ts';
import { parseListen } from '../flags/listen.ts';
import { readFile, writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { audit, policyOf } from './target.ts';

/** Runs until the process gets a signal to stop. */
const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    // A listener of a local socket alone keeps the process alive only while it listens.
    const keep = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(keep);
        resolve();
      });
    }
  });

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Adds the commands. */
export function defineServing(command: Command, cli: Cli): void {
  defineServe(command, cli);
  defineWitness(command, cli);
}

function defineServe(command: Command, cli: Cli): void {
  command
    .command('serve')
    .description(
      "Run the only writer of this home's log: other processes add records through sockets, and can do nothing else.",
    )
    .option(
      '--socket <name=path[:mode]>',
      "a socket for one enforcement point, such as guard=/run/ambit/guard:660; repeatable (default: this home's own)",
      collect,
    )
    .option('--policy <file>', 'submit checkpoints to the witnesses of this policy')
    .action(async (f: { readonly socket?: readonly string[]; readonly policy?: string }) => {
      const home = new Home(cli).require();
      const { homePaths, homeVerifier, serveLog, Witnessing } = await audit();
      const policy = await policyOf(f);
      const { directory } = homePaths(home.path);
      const witnessing =
        policy === undefined
          ? null
          : new Witnessing({ directory, log: await homeVerifier(home.path), policy });
      const recorder = await openLog(home, {
        checkpointInterval: 1000,
        lockWait: 2000,
        ...(witnessing === null ? {} : { onCheckpoint: witnessing.submit }),
      });
      witnessing?.attach(recorder.log);
      const sockets = [{ path: homeSocket(home), by: 'cli' }, ...(f.socket ?? []).map(socketOf)];
      const server = await serveLog({ recorder, sockets }).catch(async (error: unknown) => {
        await recorder.close();
        const at = error instanceof Error && 'address' in error ? String(error.address) : directory;
        throw ioFailure('listen', at, error);
      });
      cli.say(
        `writing ${directory}, ${recorder.log.size} records; listening on ${sockets.map((s) => s.path).join(', ')}`,
      );
      await untilStopped();
      await server.close();
      await witnessing?.idle();
      await recorder.close();
    });
}

function defineWitness(command: Command, cli: Cli): void {
  command
    .command('witness')
    .description(
      'Witness the logs of others: cosign each checkpoint that continues the last one seen, and no other.',
    )
    .requiredOption('--directory <path>', 'the directory of its state')
    .requiredOption('--key <file>', 'its signing key (created if missing)')
    .requiredOption('--log-key <file>', 'the verifier key of a log; repeatable', collect)
    .option('--name <name>', 'its name, when the key is made', 'ambit-witness')
    .option('--listen <host:port>', 'where', '127.0.0.1:7101')
    .action(
      async (f: {
        readonly directory: string;
        readonly key: string;
        readonly logKey: readonly string[];
        readonly name: string;
        readonly listen: string;
      }) => {
        const { host, port } = parseListen(f.listen);
        const { generateSigner, parseSignerKey, parseVerifierKey, serveWitness, SIGNATURE, Witness } =
          await audit();
        if (!existsSync(f.key)) {
          const made = generateSigner(f.name, SIGNATURE.cosignature);
          writeFile(f.key, `${made.unsafeExport()}\n`, { mode: 0o600 });
          writeFile(`${f.key}.vkey`, `${made.verifier.text}\n`, { mode: 0o644, replace: true });
        }
        const signer = parseSignerKey(
          readFile(f.key, {
            secret: true,
            insecure: cli.insecurePermissions,
            wanted: 'PRIVATE+KEY+',
          }).toString('utf8'),
        );
        const logs = f.logKey.map((file) => parseVerifierKey(readFile(file).toString('utf8')));
        const witness = await Witness.open({ directory: f.directory, signer, logs });
        const server = await serveWitness(witness, { host, port }).catch(async (error: unknown) => {
          await witness.close();
          throw listenFailure(f.listen, '--listen', error);
        });
        cli.say(`${signer.verifier.text}\nwitnessing ${logs.map((l) => l.name).join(', ')} at ${server.url}`);
        await untilStopped();
        await server.close();
        await witness.close();
      },
    );
}

function socketOf(given: string): { readonly path: string; readonly by: string; readonly mode?: number } {
  const m = /^([^=]+)=(.+?)(?::([0-7]{3}))?$/.exec(given);
  if (m === null) throw badInput(`--socket: expected NAME=PATH or NAME=PATH:MODE, got "${given}"`);
  return { by: m[1]!, path: m[2]!, ...(m[3] === undefined ? {} : { mode: Number.parseInt(m[3], 8) }) };
}
