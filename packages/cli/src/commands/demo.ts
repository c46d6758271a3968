// `ambit demo`: the whole story on the real engine, in a temporary home: a session's token, narrowed, delegated,
// proved and used; then stolen, widened, replayed, out of scope and over budget, each refused with its reason.
// Every command is run by a shell as it is printed, and its output is what it printed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeCbor, encodeCbor, fromBase64url, toBase64url, TOKEN_PREFIX } from '@ambit/core';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import { example } from '../help.ts';

const SESSION = {
  session_id: 'agt-2026-03-01-a7f3e2',
  model_id: 'razorsec-agent-v2.1@sha256:a3f8c2b1d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f',
  operator_id: 'acme-corp',
  user_id: 'analyst-jane@acme.com',
  issued_at: '2026-03-01T14:00:00Z',
  expires_at: '2026-03-01T14:30:00Z',
  authorized_tools: ['web_search', 'read_internal_docs'],
  data_scope: ['public', 'internal:research'],
  deny_list: ['external_email', 'file_write', 'code_exec'],
  max_external_calls: 20,
  signed_by: 'razorsec-iam-service',
};

/** What a command has to come to. */
interface Expected {
  readonly exit: number;
  /** Stands somewhere in what it prints. */
  readonly says?: string;
}

type Step =
  | { readonly words: string }
  | { readonly run: string; readonly expect: Expected }
  /** Something no command does: the attacker's own program. */
  | { readonly attack: string; readonly does: (directory: string) => void };

const words = (text: string): Step => ({ words: text });
const run = (command: string, exit = 0, says?: string): Step => ({
  run: command,
  expect: { exit, ...(says === undefined ? {} : { says }) },
});

const AT = (time: string): string => `--at 2026-03-01T14:${time}Z`;
const SEARCH = `--audience search.acme.com --tool web_search --args '{"q":"macaroons"}'`;

const STORY: readonly Step[] = [
  words(
    "1. An analyst's session. The issuer mints a token for agent A: two tools, two data scopes, 20 external calls, half an hour.",
  ),
  run('cat session.json'),
  run('ambit init'),
  run('ambit keygen --type holder -o agent-a.key'),
  run('ambit keygen --type holder -o agent-b.key'),
  run(`ambit mint --from session.json --holder agent-a.key.pub --delegable 1 ${AT('00:00')} > a.tok`),
  words('2. A narrows it for one step, offline and without a key.'),
  run(
    'ambit attenuate a.tok --tool web_search --max-calls 5 > narrow.tok',
    0,
    '- tool         read_internal_docs',
  ),
  words('3. A hands a part of it to sub-agent B: the search tool, three calls, ten minutes. It signs that.'),
  run(
    `ambit delegate a.tok --key agent-a.key --to agent-b.key.pub --label searcher --tool web_search --max-calls 3 --expires 2026-03-01T14:10:00Z ${AT('01:00')} > b.tok`,
  ),
  run(`ambit inspect b.tok ${AT('05:00')}`, 0, 'UNVERIFIED'),
  words('4. B proves one call, and the search service allows it.'),
  run(`ambit prove b.tok --key agent-b.key ${SEARCH} ${AT('05:00')} > b.proof`),
  run(
    `ambit verify b.tok --proof b.proof ${SEARCH} ${AT('05:00')} --explain`,
    0,
    'allowed: web_search for analyst-jane@acme.com, by searcher',
  ),
  words('5. Stolen: a thief has the token, but not the key.'),
  run(`ambit verify b.tok ${SEARCH} ${AT('05:10')}`, 1, 'denied: proof_missing'),
  run('ambit keygen --type holder -o thief.key'),
  run(`ambit prove b.tok --key thief.key ${SEARCH} ${AT('05:10')}`, 1, 'proof_invalid'),
  words(
    '6. Replayed: the thief has seen the proof too, and sends it again; or sends it with other arguments.',
  ),
  run(`ambit verify b.tok --proof b.proof ${SEARCH} ${AT('05:10')}`, 1, 'denied: replayed'),
  run(
    `ambit verify b.tok --proof b.proof --audience search.acme.com --tool web_search --args '{"q":"salaries"}' ${AT('05:10')}`,
    1,
    'denied: proof_invalid',
  ),
  words(
    '7. Widened: B cuts the first caveat (only web_search) out of its own token, and proves a call with it.',
  ),
  { attack: 'a program of the attacker: b.tok without its first caveat, to widened.tok', does: widen },
  run(
    `ambit prove widened.tok --key agent-b.key --audience search.acme.com --tool read_internal_docs ${AT('05:20')} > widened.proof`,
  ),
  run(
    `ambit verify widened.tok --proof widened.proof --audience search.acme.com --tool read_internal_docs ${AT('05:20')}`,
    3,
    'denied: token_invalid',
  ),
  words('   One bit flipped is enough.'),
  { attack: 'a program of the attacker: b.tok with one bit flipped, to flipped.tok', does: flip },
  run(`ambit verify flipped.tok --proof b.proof ${SEARCH} ${AT('05:20')}`, 3, 'denied: token_invalid'),
  words(
    "8. Out of scope: B, with its own key and a good proof, tries a tool it was not given, then another's data.",
  ),
  run(
    `ambit prove b.tok --key agent-b.key --audience search.acme.com --tool code_exec ${AT('05:30')} > exec.proof`,
  ),
  run(
    `ambit verify b.tok --proof exec.proof --audience search.acme.com --tool code_exec ${AT('05:30')} --explain`,
    1,
    'denied: tool_',
  ),
  run(`ambit prove b.tok --key agent-b.key ${SEARCH} ${AT('05:30')} > data.proof`),
  run(
    `ambit verify b.tok --proof data.proof ${SEARCH} ${AT('05:30')} --data internal:finance`,
    1,
    'denied: data_refused',
  ),
  words('9. Over budget: two more calls are left of three; a third is one too many.'),
  ...['40', '50'].flatMap((s) => [
    run(`ambit prove b.tok --key agent-b.key ${SEARCH} ${AT(`05:${s}`)} > b.proof`),
    run(`ambit verify b.tok --proof b.proof ${SEARCH} ${AT(`05:${s}`)}`, 0, 'allowed'),
  ]),
  run(`ambit prove b.tok --key agent-b.key ${SEARCH} ${AT('05:55')} > b.proof`),
  run(`ambit verify b.tok --proof b.proof ${SEARCH} ${AT('05:55')}`, 1, 'denied: budget_exceeded'),
  run(`ambit budget b.tok ${AT('05:55')}`, 0, '17 left of 20 external calls'),
  words('10. Too late, and revoked.'),
  run(`ambit prove b.tok --key agent-b.key ${SEARCH} ${AT('10:00')} > b.proof`),
  run(`ambit verify b.tok --proof b.proof ${SEARCH} ${AT('10:00')}`, 1, 'denied: expired'),
  run(`ambit session close agt-2026-03-01-a7f3e2 --reason 'task done' ${AT('11:00')}`),
  run(`ambit prove a.tok --key agent-a.key ${SEARCH} ${AT('11:00')} > a.proof`),
  run(`ambit verify a.tok --proof a.proof ${SEARCH} ${AT('11:00')}`, 1, 'denied: revoked'),
];

/** The items of b.tok without the first caveat, under the tail it had. */
function widen(directory: string): void {
  const [version, grant, caveats, tail] = readParts(directory);
  writeToken(directory, 'widened.tok', [version!, grant!, (caveats as readonly never[]).slice(1), tail!]);
}

function flip(directory: string): void {
  const [version, grant, caveats, tail] = readParts(directory);
  const changed = new Uint8Array(grant as Uint8Array);
  // In the last byte: the number of delegations.
  changed[changed.length - 1]! ^= 1;
  writeToken(directory, 'flipped.tok', [version!, changed, caveats!, tail!]);
}

type Parts = Parameters<typeof encodeCbor>[0][];

function readParts(directory: string): Parts {
  const text = readFileSync(join(directory, 'b.tok'), 'utf8').trim();
  return [...(decodeCbor(fromBase64url(text, TOKEN_PREFIX.length)!)!.value as Parts)];
}

const writeToken = (directory: string, file: string, parts: Parts): void =>
  writeFileSync(join(directory, file), `${TOKEN_PREFIX}${toBase64url(encodeCbor(parts))}\n`);

export function define(command: Command, cli: Cli): void {
  command.addHelpText('after', example('ambit demo', 'ambit demo -q && echo all as expected')).action(() => {
    const directory = mkdtempSync(join(tmpdir(), 'ambit-demo-'));
    try {
      tell(cli, directory);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

function tell(cli: Cli, directory: string): void {
  const bin = join(directory, '.bin');
  mkdirSync(bin);
  // The very program that runs now, under the name a person types.
  const program = fileURLToPath(new URL('../../bin/ambit.js', import.meta.url));
  writeFileSync(join(bin, 'ambit'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(directory, 'session.json'), `${JSON.stringify(SESSION, null, 2)}\n`);
  const env = {
    ...cli.env,
    PATH: `${bin}:${cli.env['PATH'] ?? ''}`,
    AMBIT_HOME: '.ambit',
    NO_COLOR: '1',
  };
  const print = (text: string): void => {
    if (!cli.quiet && !cli.json) cli.out(text);
  };
  const steps: { command: string; exit: number; expected: boolean }[] = [];
  for (const step of STORY) {
    if ('words' in step) print(`\n${cli.paint('strong', step.words)}\n`);
    else if ('attack' in step) {
      step.does(directory);
      print(`\n${cli.paint('dim', `# ${step.attack}`)}\n`);
    } else {
      print(`\n${cli.paint('dim', '$')} ${step.run}\n`);
      const ran = spawnSync('/bin/sh', ['-c', step.run], {
        cwd: directory,
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      if (ran.error !== undefined)
        throw new Failure('io_failed', 'the demo needs /bin/sh', undefined, { cause: ran.error });
      const exit = ran.status ?? 70;
      print(`${ran.stdout}${ran.stderr}`);
      if (exit !== 0) print(`${cli.paint('dim', `(exit ${exit})`)}\n`);
      const expected =
        exit === step.expect.exit && `${ran.stdout}${ran.stderr}`.includes(step.expect.says ?? '');
      steps.push({ command: step.run, exit, expected });
      if (!expected)
        print(
          `${cli.paint('bad', `not as expected: exit ${step.expect.exit}, and "${step.expect.says ?? ''}"`)}\n`,
        );
    }
  }
  const wrong = steps.filter((s) => !s.expected);
  const refused = steps.filter((s) => s.expected && s.exit !== 0).length;
  if (cli.json) cli.result({ steps, as_expected: wrong.length === 0 }, '');
  if (wrong.length > 0)
    throw new Failure(
      'internal',
      `the demo did not go as expected: ${wrong.map((s) => s.command).join('; ')}`,
    );
  print(
    `\n${cli.paint('good', `${steps.length} commands, ${refused} refusals, all as expected.`)} The temporary home is gone; make your own with \`ambit init\`.\n`,
  );
}
