// The home's audit log as the commands write it: every mint, decision, revocation, session and configuration, before
// anything of it is shown (law L11). A record that can't be written refuses the command. When a writer of its own
// runs (`ambit audit serve`), records go through its socket; otherwise this process writes for a moment.
import { existsSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import type { Draft, HomeOptions, Recorder } from '@ambit/audit';
import type { Cli } from '../cli.ts';
import { Failure } from '../failure.ts';
import type { Home } from './home.ts';

/** Other commands may be writing; on a busy machine each takes a while. */
const LOCK_WAIT_MS = 60_000;

/** The socket of the home's own writer. */
export const homeSocket = (home: Home): string => home.at('audit', 'socket');

/** Whether the home has a log, or what is left of one. */
export const hasLog = (home: Home): boolean => existsSync(home.at('audit'));

/** Makes the log of a new home. */
export async function beginLog(home: Home): Promise<void> {
  const { openHome } = await import('@ambit/audit');
  await (await openHome(home.path, { checkpointInterval: 0, lockWait: LOCK_WAIT_MS })).close();
}

/** Opens the home's log for writing. A log that has vanished is an alarm, not an occasion for a new one. */
export async function openLog(home: Home, options: HomeOptions = {}): Promise<Recorder> {
  const { openHome } = await import('@ambit/audit');
  const path = home.require().at('audit');
  if (!existsSync(home.at('audit', 'key'))) {
    throw new Failure(
      'audit_corrupt',
      `${path}: the audit log of this home is missing`,
      'restore it from a backup, and find out who removed it',
    );
  }
  try {
    return await openHome(home.path, {
      create: false,
      checkpointInterval: 0,
      lockWait: LOCK_WAIT_MS,
      onLockWait: home.waiting,
      ...options,
    });
  } catch (error) {
    if (!(error instanceof AmbitError)) throw error;
    throw new Failure(error.code, `${path}: ${error.message}`, undefined, { cause: error });
  }
}

/** Writes records; resolves with the index of the last when they are durable. */
export async function account(cli: Cli, home: Home, ...drafts: readonly Draft[]): Promise<number> {
  const socket = homeSocket(home);
  if (existsSync(socket)) {
    const { connectLog } = await import('@ambit/audit');
    const connection = connectLog(socket);
    try {
      let index = -1;
      for (const draft of drafts) ({ index } = await connection.record(draft));
      return index;
    } catch (error) {
      // A writer that was killed leaves its socket: then the log is free, and opening it decides.
      if (!(error instanceof AmbitError) || error.code !== 'audit_unavailable') throw error;
      cli.say('ambit: the log writer does not answer; writing to the log directly');
    } finally {
      await connection.close();
    }
  }
  const recorder = await openLog(home);
  try {
    let index = -1;
    for (const draft of drafts) ({ index } = await recorder.record(draft));
    return index;
  } finally {
    await recorder.close();
  }
}
