// `ambit behavior`: what is usual in a deployment, learnt from the audit log, and what breaks with it. Alerts only
// point; what narrows a live session is the guard's watcher.
import {
  BASELINE_BYTES,
  baselineDigest,
  compare,
  eventsOfRecord,
  learn,
  Monitor,
  readBaseline,
  saveBaseline,
} from '@ambit/behavior';
import type { AgentEvent, Alert, Baseline, SessionEvents } from '@ambit/behavior';
import { Option, type Command } from 'commander';
import type { AuditRecord } from '@ambit/audit';
import { account } from '../home/audit.ts';
import {
  addLogFlags,
  addQueryFlags,
  audit,
  logOf,
  queryOf,
  readerOf,
  type LogFlags,
  type QueryFlags,
} from '../audit/target.ts';
import type { Cli } from '../cli.ts';
import { Failure, usage } from '../failure.ts';
import { readFile, writeFile } from '../home/files.ts';
import { Home } from '../home/home.ts';
import { inContext } from '../home/keyfile.ts';
import { example } from '../help.ts';
import { timeText } from '../flags/times.ts';

const read = (file: string): Baseline =>
  inContext('the baseline', file, () => readBaseline(readFile(file, { limit: BASELINE_BYTES })));

const GROUPS = ['day', 'user', 'agent', 'session'] as const;
type Group = (typeof GROUPS)[number];

/** What makes sessions resemble each other; a baseline is calibrated on groups that it had not seen. */
function groupOf(by: Group, record: AuditRecord): string {
  if (by === 'day') return new Date(record.at).toISOString().slice(0, 10);
  return (by === 'session' ? record.session : by === 'user' ? record.user : record.agent) ?? '';
}

/** The events of a log by session. */
async function sessionsOf(
  cli: Cli,
  f: LogFlags & QueryFlags,
  by: Group = 'day',
): Promise<ReadonlyMap<string, SessionEvents & { readonly events: AgentEvent[] }>> {
  const { reader } = await readerOf(cli, f);
  const { search } = await audit();
  const sessions = new Map<string, { group: string; events: AgentEvent[]; tainted: boolean }>();
  for await (const { index, record } of search(reader, queryOf(cli, f))) {
    if (record.session === undefined) continue;
    const known = sessions.get(record.session) ?? {
      group: groupOf(by, record),
      events: [],
      tainted: false,
    };
    sessions.set(record.session, known);
    known.events.push(...eventsOfRecord(record, index));
    // What was flagged is never learnt from.
    if (record.kind === 'alert') known.tainted = true;
  }
  return sessions;
}

function monitorOf(base: Baseline, f: { readonly level?: string }): Monitor {
  const level = f.level === undefined ? 0.05 : Number(f.level);
  if (!(level > 0 && level < 1))
    throw usage(`--level: expected a share between 0 and 1, got "${f.level ?? ''}"`);
  if (base.calibration.length === 0)
    throw new Failure('input_invalid', 'this baseline is not calibrated; learn it again from the log');
  return new Monitor(base, { level });
}

function printAlert(cli: Cli, alert: Alert): void {
  if (cli.json) return cli.out(`${JSON.stringify({ v: 1, alert })}\n`);
  const { session, tool, p, index, evidence } = alert;
  const head = `${timeText(Math.floor(alert.time))}  ${cli.paint('bad', 'alert')}  ${session}  ${tool}  p ${p.toPrecision(2)}${index < 0 ? '' : `  record ${index}`}`;
  cli.out(`${[head, ...evidence.slice(0, 3).map((e) => `    ${e.detector}: ${e.sentence}`)].join('\n')}\n`);
}

export function define(command: Command, cli: Cli): void {
  command.addHelpText(
    'after',
    example(
      'ambit behavior learn -o analyst.baseline --model razorsec-agent-v2.1',
      'ambit behavior score analyst.baseline --since 2026-03-01T00:00:00Z',
      'ambit behavior watch analyst.baseline --record',
    ),
  );
  defineLearn(command, cli);
  defineInspect(command, cli);
  defineCompare(command, cli);
  defineScore(command, cli);
  defineWatch(command, cli);
}

function defineLearn(command: Command, cli: Cli): void {
  addQueryFlags(
    addLogFlags(command.command('learn').requiredOption('-o, --output <file>', 'the baseline to write')),
  )
    .description('Learn usual behavior from the sessions in a log; sessions with an alert are left out.')
    .option('--name <text>', 'the name of the deployment', 'default')
    .addOption(
      new Option('--group <by>', 'how sessions are grouped for calibration').choices(GROUPS).default('day'),
    )
    .action(
      async (
        f: LogFlags & QueryFlags & { readonly output: string; readonly name: string; readonly group: Group },
      ) => {
        const sessions = [...(await sessionsOf(cli, f, f.group)).values()].filter((s) => s.events.length > 0);
        if (new Set(sessions.filter((s) => s.tainted !== true).map((s) => s.group)).size < 2) {
          throw new Failure(
            'input_invalid',
            `${sessions.length} ${sessions.length === 1 ? 'session' : 'sessions'} in fewer than two groups by ${f.group}: not enough to calibrate`,
          );
        }
        const base = learn(f.name, sessions);
        writeFile(f.output, saveBaseline(base), { mode: 0o600, replace: true });
        cli.say(
          `${base.sessions} sessions, ${Math.max(0, base.tools.size - 1)} tools; digest ${baselineDigest(base)}`,
        );
        if (cli.json)
          cli.result({ file: f.output, sessions: base.sessions, digest: baselineDigest(base) }, '');
      },
    );
}

function defineInspect(command: Command, cli: Cli): void {
  command
    .command('inspect')
    .argument('<baseline>', 'a file that `learn` wrote')
    .description('Show what a baseline holds.')
    .action((file: string) => {
      const base = read(file);
      const top = (table: ReadonlyMap<string, number>): readonly (readonly [string, number])[] =>
        [...table]
          .filter(([key]) => key !== '' && !key.endsWith('>'))
          .sort((a, b) => b[1] - a[1])
          .slice(0, 15);
      const shown = {
        deployment: base.deployment,
        generation: base.generation,
        sessions: base.sessions,
        digest: baselineDigest(base),
        calibrated: base.calibration.at(-1)?.length ?? 0,
        tools: top(base.tools),
        sequences: top(base.transitions),
      };
      cli.result(shown, () =>
        [
          `deployment ${shown.deployment}, generation ${shown.generation}, ${shown.sessions} sessions, calibrated on ${shown.calibrated}`,
          `digest ${shown.digest}`,
          ...shown.tools.map(([tool, n]) => `  ${String(n).padStart(8)}  ${tool}`),
          ...shown.sequences.map(([pair, n]) => `  ${String(n).padStart(8)}  ${pair.replaceAll('>', ' > ')}`),
        ]
          .map((l) => `${l}\n`)
          .join(''),
      );
    });
}

function defineCompare(command: Command, cli: Cli): void {
  command
    .command('compare')
    .argument('<a>', 'a baseline')
    .argument('<b>', 'another, such as that of the next model version on the same work')
    .description('Compare two baselines: how far apart they are, and which tools changed.')
    .action((a: string, b: string) => {
      const c = compare(read(a), read(b));
      const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
      cli.result({ comparison: c }, () =>
        [
          `sessions ${c.sessions.join(' and ')}; divergence in bits: tools ${c.tools.toFixed(3)}, sequences ${c.transitions.toFixed(3)}, argument shapes ${c.shapes.toFixed(3)}`,
          ...c.means.map(
            (m) => `  ${m.what}: ${m.before.toFixed(1)} -> ${m.after.toFixed(1)} (effect ${m.d.toFixed(2)})`,
          ),
          ...c.moved.map((m) => `  ${m.what}: ${percent(m.before)} -> ${percent(m.after)}`),
        ]
          .map((l) => `${l}\n`)
          .join(''),
      );
    });
}

function defineScore(command: Command, cli: Cli): void {
  addQueryFlags(addLogFlags(command.command('score').argument('<baseline>', 'a file that `learn` wrote')))
    .description('Score the sessions of a log against a baseline; exit 1 if any deviates from it.')
    .option('--level <share>', 'the share of usual sessions that may be flagged', '0.05')
    .action(async (file: string, f: LogFlags & QueryFlags & { readonly level?: string }) => {
      const monitor = monitorOf(read(file), f);
      const sessions = await sessionsOf(cli, f);
      const flagged = new Set<string>();
      for (const { events } of sessions.values()) {
        for (const event of events) {
          const alert = monitor.event(event);
          if (alert === null) continue;
          flagged.add(alert.session);
          printAlert(cli, alert);
        }
      }
      cli.say(`${flagged.size} of ${sessions.size} sessions flagged`);
      if (flagged.size > 0) cli.exit = 1;
    });
}

function defineWatch(command: Command, cli: Cli): void {
  addLogFlags(command.command('watch').argument('<baseline>', 'a file that `learn` wrote'))
    .description('Follow a live log and show alerts as they come.')
    .option('--level <share>', 'the share of usual sessions that may be flagged', '0.05')
    .option('--record', "write each alert into this home's log")
    .action(async (file: string, f: LogFlags & { readonly level?: string; readonly record?: boolean }) => {
      const monitor = monitorOf(read(file), f);
      const { source, key } = await logOf(cli, f);
      const { tail } = await audit();
      const stop = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
      for await (const { index, record } of tail({
        source,
        log: key,
        last: Number.MAX_SAFE_INTEGER,
        signal: stop.signal,
      })) {
        for (const event of eventsOfRecord(record, index)) {
          const alert = monitor.event(event);
          if (alert === null) continue;
          printAlert(cli, alert);
          if (f.record === true) await account(cli, new Home(cli).require(), recordOf(alert));
        }
        if (cli.broken) return;
      }
    });
}

function recordOf(alert: Alert): Parameters<typeof account>[2] {
  const [strongest] = alert.evidence;
  return {
    kind: 'alert',
    session: alert.session,
    reason: strongest?.sentence ?? 'the session deviates from the usual pattern',
    alert: {
      detector: `behavior.${strongest?.detector ?? 'fusion'}`,
      score: Math.round((1 - alert.p) * 1000),
      action: 'alert',
      ...(alert.index < 0 ? {} : { evidence: [alert.index] }),
    },
  };
}
