// `ambit audit`: read, check and hand out the audit log; by default the home's own. `--log` and `--log-key` name
// another one, a directory or a URL.
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { Option, type Command } from 'commander';
import { KINDS, EXPORT_FORMS } from '@ambit/audit';
import type { Found, Kind, Policy, Query, Source, TreeReader, VerifierKey, VerifyReport } from '@ambit/audit';
import { toHex } from '@ambit/core';
import { homeSocket, openLog } from '../account.ts';
import type { Cli } from '../cli.ts';
import { badInput, Failure, ioFailure, usage } from '../failure.ts';
import { readFile, readInput, writeFile } from '../files.ts';
import { Home } from '../home.ts';
import { wholeNumber } from '../narrowing.ts';
import { example } from '../program.ts';
import { parseTime } from '../times.ts';

const audit = (): Promise<typeof import('@ambit/audit')> => import('@ambit/audit');

interface LogFlags {
  readonly log?: string;
  readonly logKey?: string;
  readonly policy?: string;
}

interface QueryFlags {
  readonly session?: string;
  readonly agent?: string;
  readonly user?: string;
  readonly operator?: string;
  readonly model?: string;
  readonly modelDigest?: string;
  readonly tool?: string;
  readonly code?: string;
  readonly kind?: Kind;
  readonly token?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit?: string;
}

/** Which log: its files, its key, and for the home's own the store of its last signed checkpoint. */
interface Given {
  readonly directory: string;
  readonly source: Source;
  readonly key: VerifierKey;
  readonly home: Home | null;
}

async function logOf(cli: Cli, f: LogFlags): Promise<Given> {
  const { directorySource, homePaths, homeVerifier, openSource, parseVerifierKey } = await audit();
  if (f.log === undefined) {
    const home = new Home(cli).require();
    const { directory } = homePaths(home.path);
    return { directory, source: directorySource(directory), key: await homeVerifier(home.path), home };
  }
  if (f.logKey === undefined)
    throw usage("--log needs --log-key: a log proves nothing without its owner's key");
  const key = parseVerifierKey(readFile(f.logKey).toString('utf8'));
  return { directory: f.log, source: openSource(f.log), key, home: null };
}

const addLogFlags = (command: Command): Command =>
  command
    .optionsGroup('Which log:')
    .option('--log <address>', "its directory or URL (default: this home's)")
    .option('--log-key <file>', 'its verifier key (log.vkey)');

const addQueryFlags = (command: Command): Command =>
  command
    .optionsGroup('Which records:')
    .option('--session <id>', 'of this session')
    .option('--agent <name>', 'by an agent: its label, or a key in the chain')
    .option('--user <name>', 'for this user')
    .option('--operator <name>', 'of this operator')
    .option('--model <name>', 'by this model')
    .option('--model-digest <hex>', 'by this model artifact')
    .option('--tool <name>', 'about this tool')
    .option('--code <code>', 'decided so: allowed, or a code of `ambit codes`')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(KINDS))
    .option('--token <id>', 'with this token or node')
    .option('--since <time>', 'from then on')
    .option('--until <time>', 'before then')
    .option('--limit <n>', 'at most so many');

function queryOf(cli: Cli, f: QueryFlags): Query {
  const { since, until, limit, session, agent, user, operator, model, modelDigest, tool, code, kind, token } =
    f;
  const given = { session, agent, user, operator, model, modelDigest, tool, code, kind, token };
  const texts = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return {
    ...(texts as Pick<Query, 'session'>),
    ...(since === undefined ? {} : { since: parseTime('--since', since, cli.now) * 1000 }),
    ...(until === undefined ? {} : { until: parseTime('--until', until, cli.now) * 1000 }),
    ...(limit === undefined ? {} : { limit: wholeNumber('--limit', limit) }),
  };
}

const policyOf = async (f: LogFlags): Promise<Policy | undefined> =>
  f.policy === undefined ? undefined : (await audit()).parsePolicy(readFile(f.policy).toString('utf8'));

const text = (record: Found['record']): string =>
  [
    record.kind.padEnd(13),
    record.code ?? record.event?.name ?? record.revocation?.target ?? '',
    record.tool?.name ?? record.revocation?.id ?? '',
    record.agent === undefined ? '' : `by ${record.agent}`,
    record.user === undefined ? '' : `for ${record.user}`,
    record.session === undefined ? '' : `in ${record.session}`,
    record.reason ?? '',
  ]
    .filter((part) => part !== '')
    .join('  ');

/** One line a record: a JSON object with `--json`. */
async function print(cli: Cli, found: Found): Promise<void> {
  if (cli.json) {
    const { jsonLine } = await audit();
    return cli.out(`${jsonLine(found)}\n`);
  }
  const { index, record } = found;
  const tone = record.kind !== 'decision' ? 'dim' : record.code === 'allowed' ? 'good' : 'bad';
  cli.out(
    `${String(index).padStart(6)}  ${new Date(record.at).toISOString()}  ${cli.paint(tone, text(record))}\n`,
  );
}

function indexOf(word: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(word)) throw usage(`expected the number of a record, got "${word}"`);
  return Number(word);
}

async function readerOf(cli: Cli, f: LogFlags): Promise<Given & { readonly reader: TreeReader }> {
  const given = await logOf(cli, f);
  const { openReader } = await audit();
  return { ...given, ...(await openReader(given.source, given.key)) };
}

/** A record of the log; Failure when there is none with this number. */
async function within<T>(index: number, size: number, job: () => Promise<T | null>): Promise<T> {
  const found = index < size ? await job() : null;
  if (found === null) throw new Failure('input_invalid', `there is no record ${index}; the log has ${size}`);
  return found;
}

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit audit verify',
      'ambit audit search --code replayed',
      'ambit audit trace 17',
      'ambit audit report -o incident.html --session agt-2026-03-01-a7f3e2',
    ),
  );
  defineReading(command, cli);
  defineChecking(command, cli);
  defineServing(command, cli);
}

function defineReading(command: Command, cli: Cli): void {
  addQueryFlags(addLogFlags(command.command('tail')))
    .description('Show the last records, and follow with -f.')
    .optionsGroup('How:')
    .option('-n, --lines <n>', 'how many of the last', '10')
    .option('-f, --follow', 'go on with what is appended')
    .action(async (f: LogFlags & QueryFlags & { readonly lines: string; readonly follow?: boolean }) => {
      const { source, key } = await logOf(cli, f);
      const { tail } = await audit();
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      const options = {
        source,
        log: key,
        last: wholeNumber('--lines', f.lines),
        follow: f.follow === true,
        query: queryOf(cli, f),
        signal: stop.signal,
      };
      for await (const found of tail(options)) {
        await print(cli, found);
        if (cli.broken) return;
      }
    });

  addQueryFlags(addLogFlags(command.command('search')))
    .description('Show the records that match.')
    .action(async (f: LogFlags & QueryFlags) => {
      const { reader } = await readerOf(cli, f);
      const { search } = await audit();
      for await (const found of search(reader, queryOf(cli, f))) {
        await print(cli, found);
        if (cli.broken) return;
      }
    });

  addLogFlags(command.command('show').argument('<record>', 'its number'))
    .description('Show one record whole.')
    .action(async (word: string, f: LogFlags) => {
      const { reader } = await readerOf(cli, f);
      const { jsonLine, show } = await audit();
      const found = await within(indexOf(word), reader.size, () => show(reader, indexOf(word)));
      cli.out(
        cli.json ? `${jsonLine(found)}\n` : `${JSON.stringify(JSON.parse(jsonLine(found)), null, 2)}\n`,
      );
    });

  addLogFlags(command.command('trace').argument('<record>', 'its number'))
    .description(
      'Show for whom and by whose authority an action was taken: user, operator, model, session, each delegation.',
    )
    .action(async (word: string, f: LogFlags) => {
      const { reader } = await readerOf(cli, f);
      const { trace, traceLines } = await audit();
      const found = await within(indexOf(word), reader.size, () => trace(reader, indexOf(word)));
      cli.result({ trace: found }, () =>
        traceLines(found)
          .map((line) => `${line}\n`)
          .join(''),
      );
    });

  addQueryFlags(
    addLogFlags(command.command('report').requiredOption('-o, --output <file>', 'the page to write (HTML)')),
  )
    .description(
      'Write one self-contained page: who acted for whom, what was refused and why, and whether the log is whole.',
    )
    .action(async (f: LogFlags & QueryFlags & { readonly output: string }) => {
      const given = await readerOf(cli, f);
      const { htmlReport } = await audit();
      const verified = await check(cli, given, undefined);
      const page = await htmlReport({
        reader: given.reader,
        verified,
        origin: given.key.name,
        query: queryOf(cli, f),
        now: cli.now * 1000,
      });
      writeFile(f.output, page, { mode: 0o600, replace: true });
      cli.say(
        `${f.output}: ${given.reader.size} records, the log is ${verified?.ok === true ? 'whole' : 'NOT known to be whole'}`,
      );
      if (cli.json)
        cli.result({ file: f.output, size: given.reader.size, verified: verified?.ok ?? null }, '');
    });

  addQueryFlags(addLogFlags(command.command('export')))
    .description('Write records as lines for other systems.')
    .addOption(
      new Option('--form <form>', 'jsonl: all of it; otel: OpenTelemetry GenAI attributes; ocsf: for a SIEM')
        .choices(EXPORT_FORMS)
        .default('jsonl'),
    )
    .option('-o, --output <file>', 'where to (default: stdout)')
    .action(
      async (
        f: LogFlags & QueryFlags & { readonly form: (typeof EXPORT_FORMS)[number]; readonly output?: string },
      ) => {
        const { reader, key } = await readerOf(cli, f);
        const { exportLines } = await audit();
        const lines = exportLines(reader, f.form, key.name, queryOf(cli, f));
        if (f.output === undefined) {
          for await (const line of lines) {
            cli.out(`${line}\n`);
            if (cli.broken) return;
          }
          return;
        }
        await writeLines(f.output, lines);
      },
    );
}

async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    for await (const line of lines) if (!file.write(`${line}\n`)) await once(file, 'drain');
    file.end();
    await once(file, 'close');
  } catch (error) {
    file.destroy();
    throw ioFailure('write', path, error);
  }
}

async function check(cli: Cli, given: Given, policy: Policy | undefined): Promise<VerifyReport | null> {
  // A log behind a URL has no directory that could be searched for files that do not belong.
  if (/^https?:/.test(given.directory)) return null;
  const { homeHead, verifyLog } = await audit();
  const onProgress = (done: number, size: number): void => {
    if (process.stderr.isTTY && !cli.quiet && !cli.json)
      process.stderr.write(`\r${done} of ${size}${done === size ? '\n' : ''}`);
  };
  return verifyLog({
    directory: given.directory,
    log: given.key,
    ...(given.home === null ? {} : { head: homeHead(given.home.path) }),
    ...(policy === undefined ? {} : { policy }),
    onProgress,
  });
}

function defineChecking(command: Command, cli: Cli): void {
  addLogFlags(command.command('verify'))
    .description(
      'Recompute the whole log: every signature, every root, every record. Says what is wrong and where.',
    )
    .option('--policy <file>', 'demand cosignatures by the witnesses of this policy')
    .action(async (f: LogFlags) => {
      const given = await logOf(cli, f);
      const report = await check(cli, given, await policyOf(f));
      if (report === null)
        throw usage(
          'a log behind a URL is checked where its files are',
          'copy them, or check single records with `ambit audit prove`',
        );
      if (!report.ok) cli.exit = 4;
      const { ok, origin, size, root, checkpoints, witnesses, problems, truncated } = report;
      cli.result({ ok, origin, size, root: toHex(root), checkpoints, witnesses, problems, truncated }, () =>
        [
          ok
            ? `${cli.paint('good', 'whole')}: ${size} records, ${checkpoints} signed checkpoints, root ${toHex(root)}, log ${origin}`
            : `${cli.paint('bad', 'NOT WHOLE')}: ${problems.length}${truncated ? ' and more' : ''} ${problems.length === 1 ? 'problem' : 'problems'} in ${size} records of log ${origin}`,
          ...(witnesses.length === 0 ? [] : [`cosigned by ${witnesses.join(', ')}`]),
          ...problems.map(
            (p) => `  ${p.where}${p.index === undefined ? '' : ` (record ${p.index})`}: ${p.what}`,
          ),
        ]
          .map((l) => `${l}\n`)
          .join(''),
      );
    });

  addLogFlags(command.command('prove').argument('<record>', 'its number'))
    .description('Print a receipt for one record: a proof that it stands in the log, to be checked offline.')
    .option('--policy <file>', 'rest it on the checkpoint that these witnesses cosigned')
    .option('-o, --output <file>', 'where to (default: stdout)')
    .option('--entry <file>', 'write the record itself beside it, as bytes')
    .action(async (word: string, f: LogFlags & { readonly output?: string; readonly entry?: string }) => {
      const { source, key, reader } = await readerOf(cli, f);
      const { prove } = await audit();
      const policy = await policyOf(f);
      const receipt = await within(indexOf(word), reader.size, () =>
        prove(source, key, indexOf(word), policy),
      );
      if (f.entry !== undefined) writeFile(f.entry, await reader.entry(indexOf(word)), { mode: 0o600 });
      if (f.output !== undefined) writeFile(f.output, receipt, { mode: 0o644, replace: true });
      if (f.output === undefined || cli.json) cli.result({ index: indexOf(word), receipt }, receipt);
    });

  command
    .command('check')
    .argument('<receipt>', 'a receipt, or - for stdin')
    .description('Check a receipt offline, against the record and the key of the log.')
    .requiredOption('--entry <file>', 'the record, as `prove --entry` wrote it')
    .requiredOption('--log-key <file>', 'the verifier key of the log (log.vkey)')
    .option('--policy <file>', 'demand cosignatures by these witnesses')
    .action(
      async (
        source: string,
        f: { readonly entry: string; readonly logKey: string; readonly policy?: string },
      ) => {
        const { parseVerifierKey, verifyProof } = await audit();
        const key = parseVerifierKey(readFile(f.logKey).toString('utf8'));
        const verdict = verifyProof(
          await readInput(cli, 'the receipt', source),
          readFile(f.entry),
          key,
          await policyOf(f),
        );
        if (!verdict.ok) cli.exit = verdict.why === 'malformed' ? 3 : 1;
        cli.result(
          verdict.ok
            ? { ok: true, index: verdict.index, size: verdict.checkpoint.size, origin: key.name }
            : verdict,
          () =>
            verdict.ok
              ? `${cli.paint('good', 'proved')}: this is record ${verdict.index} of ${key.name}, a log of ${verdict.checkpoint.size} then\n`
              : `${cli.paint('bad', 'not proved')}: ${verdict.why.replaceAll('_', ' ')}\n`,
        );
      },
    );

  command
    .command('key')
    .description("Print the verifier key of this home's log, to be handed to whoever will check it.")
    .action(async () => {
      const { homeVerifier } = await audit();
      const key = await homeVerifier(new Home(cli).require().path);
      cli.result({ key: key.text, origin: key.name }, `${key.text}\n`);
    });
}

/** Runs until the process is told to stop. */
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

function defineServing(command: Command, cli: Cli): void {
  const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
    ...(before ?? []),
    value,
  ];
  command
    .command('serve')
    .description(
      "Be the one writer of this home's log: others add records through sockets, and can do nothing else to it.",
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
        ...(witnessing === null ? {} : { onCheckpoint: witnessing.submit }),
      });
      witnessing?.attach(recorder.log);
      const sockets = [{ path: homeSocket(home), by: 'cli' }, ...(f.socket ?? []).map(socketOf)];
      const server = await serveLog({ recorder, sockets });
      cli.say(
        `writing ${directory}, ${recorder.log.size} records; listening on ${sockets.map((s) => s.path).join(', ')}`,
      );
      await untilStopped();
      await server.close();
      await witnessing?.idle();
      await recorder.close();
    });

  command
    .command('witness')
    .description(
      'Witness the logs of others: cosign each checkpoint that continues the last one seen, and no other.',
    )
    .requiredOption('--directory <path>', 'what it remembers')
    .requiredOption('--key <file>', 'its signing key (made if there is none)')
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
        const { generateSigner, parseSignerKey, parseVerifierKey, serveWitness, SIGNATURE, Witness } =
          await audit();
        const { existsSync } = await import('node:fs');
        if (!existsSync(f.key)) {
          const made = generateSigner(f.name, SIGNATURE.cosignature);
          writeFile(f.key, `${made.unsafeExport()}\n`, { mode: 0o600 });
          writeFile(`${f.key}.vkey`, `${made.verifier.text}\n`, { mode: 0o644, replace: true });
        }
        const signer = parseSignerKey(
          readFile(f.key, { secret: true, insecure: cli.insecurePermissions }).toString('utf8'),
        );
        const at = /^(.+):(\d{1,5})$/.exec(f.listen);
        if (at === null) throw usage(`--listen: expected HOST:PORT, got "${f.listen}"`);
        const logs = f.logKey.map((file) => parseVerifierKey(readFile(file).toString('utf8')));
        const witness = await Witness.open({ directory: f.directory, signer, logs });
        const server = await serveWitness(witness, {
          host: at[1]!.replaceAll(/^\[|\]$/g, ''),
          port: Number(at[2]),
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
