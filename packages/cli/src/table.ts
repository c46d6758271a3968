// The table of commands: name, what it does in one line, and the file that defines it. A command's file is loaded
// when it is the one that was asked for, so start-up costs what the command needs and no more. A new group of
// commands is one file and one line here; the file exports `define(command, cli)`, which adds options, help,
// sub-commands and actions. Commands don't import this table: it would make a circle of all of them.
import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** What a command's file exports. */
export interface CommandFile {
  /** `loadAll` fills in every command of the tree, for what is made of all of them. */
  define(command: Command, cli: Cli, loadAll: () => Promise<void>): void;
}

/** A line of the table. */
export interface CommandEntry {
  readonly name: string;
  readonly group: string;
  readonly summary: string;
  readonly load: () => Promise<CommandFile>;
}

const START = 'Start:';
const KEYS = 'Keys:';
const TOKENS = 'Tokens:';
const LOOK = 'Look at tokens:';
const WHO = 'Who may do what:';
const ACCOUNT = 'Revoke and account:';
const GUARD = 'Guard:';
const MORE = 'More:';

/** All commands, in the order of the help. */
export const TABLE: readonly CommandEntry[] = [
  {
    name: 'init',
    group: START,
    summary: 'make a home: keyring, state, log',
    load: () => import('./commands/init.ts'),
  },
  {
    name: 'demo',
    group: START,
    summary: 'run a demonstration in a temporary home',
    load: () => import('./commands/demo.ts'),
  },
  {
    name: 'keygen',
    group: KEYS,
    summary: 'make a key pair for a holder, an issuer, or proof sessions',
    load: () => import('./commands/keygen.ts'),
  },
  {
    name: 'keyring',
    group: KEYS,
    summary: 'list, rotate, retire and export root keys',
    load: () => import('./commands/keyring.ts'),
  },
  { name: 'mint', group: TOKENS, summary: 'issue a token', load: () => import('./commands/mint.ts') },
  {
    name: 'attenuate',
    group: TOKENS,
    summary: 'narrow a token',
    load: () => import('./commands/attenuate.ts'),
  },
  {
    name: 'delegate',
    group: TOKENS,
    summary: 'derive a token for another holder',
    load: () => import('./commands/delegate.ts'),
  },
  {
    name: 'prove',
    group: TOKENS,
    summary: "prove one call with the holder's key",
    load: () => import('./commands/prove.ts'),
  },
  {
    name: 'verify',
    group: TOKENS,
    summary: 'verify a token and its proof, and authorize one call',
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'offer',
    group: TOKENS,
    summary: 'print what holders need to open a proof session here',
    load: () => import('./commands/offer.ts'),
  },
  {
    name: 'inspect',
    group: LOOK,
    summary: 'show what a token claims, unverified',
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'diff',
    group: LOOK,
    summary: 'compare the authority of two tokens',
    load: () => import('./commands/diff.ts'),
  },
  {
    name: 'evidence',
    group: LOOK,
    summary: 'print the form of a token that may be kept in a log',
    load: () => import('./commands/evidence.ts'),
  },
  {
    name: 'config',
    group: WHO,
    summary: 'check, compare and apply the operator configuration',
    load: () => import('./commands/config.ts'),
  },
  {
    name: 'model',
    group: WHO,
    summary: 'measure, attest and verify model artifacts',
    load: () => import('./commands/model.ts'),
  },
  {
    name: 'explain',
    group: WHO,
    summary: 'say which layer forbids a tool',
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'revoke',
    group: ACCOUNT,
    summary: 'revoke a token, session, user, model or key',
    load: () => import('./commands/revoke.ts'),
  },
  {
    name: 'revocations',
    group: ACCOUNT,
    summary: 'list, sign and import revocations',
    load: () => import('./commands/revocations.ts'),
  },
  {
    name: 'state',
    group: ACCOUNT,
    summary: 'check, back up, restore and prepare the store',
    load: () => import('./commands/state.ts'),
  },
  {
    name: 'session',
    group: ACCOUNT,
    summary: 'open, close and list sessions',
    load: () => import('./commands/session.ts'),
  },
  {
    name: 'budget',
    group: ACCOUNT,
    summary: 'show what is left of the budgets of a token and its ancestors',
    load: () => import('./commands/budget.ts'),
  },
  {
    name: 'audit',
    group: ACCOUNT,
    summary: 'read, check, prove and serve the audit log',
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'mcp',
    group: GUARD,
    summary: 'guard an MCP server: proxy, scan',
    load: () => import('./commands/mcp.ts'),
  },
  {
    name: 'behavior',
    group: GUARD,
    summary: 'learn usual behavior from the log, and report deviations',
    load: () => import('./commands/behavior.ts'),
  },
  {
    name: 'codes',
    group: MORE,
    summary: 'list denial and error codes with their exit states',
    load: () => import('./commands/codes.ts'),
  },
  {
    name: 'completion',
    group: MORE,
    summary: 'print completions for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
];
