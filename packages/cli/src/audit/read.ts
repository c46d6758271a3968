// Reading the log: tail, search, show, trace, report, export.
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { EXPORT_FORMS } from '@ambit/audit';
import type { Found } from '@ambit/audit';
import { AmbitError } from '@ambit/core';
import { Option, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { ioFailure, plain } from '../failure.ts';
import { writeFile } from '../home/files.ts';
import { wholeNumber } from '../flags/restrictions.ts';
import {
  addLogFlags,
  addQueryFlags,
  audit,
  check,
  indexOf,
  logOf,
  queryOf,
  readerOf,
  inPeriod,
  type LogFlags,
  type QueryFlags,
} from './target.ts';

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
    `${String(index).padStart(6)}  ${new Date(record.at).toISOString()}  ${cli.paint(tone, plain(text(record)))}\n`,
  );
}

/** Adds the commands. */
export function defineReading(command: Command, cli: Cli): void {
  defineTail(command, cli);
  defineSearch(command, cli);
  defineShow(command, cli);
  defineTrace(command, cli);
  defineReport(command, cli);
  defineExport(command, cli);
}

function defineTail(command: Command, cli: Cli): void {
  addQueryFlags(addLogFlags(command.command('tail')))
    .description('Show the last records, and follow with -f.')
    .optionsGroup('How:')
    .option('-n, --lines <n>', 'the number of records', '10')
    .option('-f, --follow', 'keep following new records')
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
}

function defineSearch(command: Command, cli: Cli): void {
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
}

function defineShow(command: Command, cli: Cli): void {
  addLogFlags(command.command('show').argument('<record>', 'its number'))
    .description('Show one record whole.')
    .action(async (word: string, f: LogFlags) => {
      const { reader } = await readerOf(cli, f);
      const { jsonLine, show } = await audit();
      const found = await inPeriod(indexOf(word), reader.size, () => show(reader, indexOf(word)));
      cli.out(
        cli.json ? `${jsonLine(found)}\n` : `${JSON.stringify(JSON.parse(jsonLine(found)), null, 2)}\n`,
      );
    });
}

function defineTrace(command: Command, cli: Cli): void {
  addLogFlags(command.command('trace').argument('<record>', 'its number'))
    .description(
      'Show for whom and by whose authority an action was taken: user, operator, model, session, each delegation.',
    )
    .action(async (word: string, f: LogFlags) => {
      const { reader } = await readerOf(cli, f);
      const { trace, traceLines } = await audit();
      const found = await inPeriod(indexOf(word), reader.size, () => trace(reader, indexOf(word)));
      cli.result({ trace: found }, () =>
        traceLines(found)
          .map((line) => `${line}\n`)
          .join(''),
      );
    });
}

function defineReport(command: Command, cli: Cli): void {
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
}

function defineExport(command: Command, cli: Cli): void {
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
  let file: FileHandle;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (error) {
    throw ioFailure('write', path, error);
  }
  try {
    for await (const line of lines) await file.appendFile(`${line}\n`);
    await file.sync();
  } catch (error) {
    // Half an export looks like a whole one.
    await unlink(path).catch(() => {});
    throw error instanceof AmbitError ? error : ioFailure('write', path, error);
  } finally {
    await file.close();
  }
}
