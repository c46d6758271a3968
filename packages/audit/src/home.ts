// The log of a home directory (`AMBIT_HOME`): what the command line writes to and reads by default.
//   audit/key       the log's signing key, mode 0600        audit/log/      the log
//   audit/log.vkey  the verifier key, for readers           audit/head      the last signed checkpoint
//   audit/vault/    content that can be erased              audit/sessions  places of open sessions
import { accessSync, constants, statSync } from 'node:fs';
import { chmod, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AmbitError } from './core.ts';
import { makeDirectory, makeDirectorySync, replaceFile } from '@ambit/files';
import { fileHead, type HeadStore } from './log/head.ts';
import { Log, type LogOptions } from './log/log.ts';
import {
  generateSigner,
  parseSignerKey,
  parseVerifierKey,
  type SignerKey,
  type VerifierKey,
} from './note/key.ts';
import { Recorder } from './record/recorder.ts';
import { isMissing } from './tile/source.ts';

/**
 * Makes the directory of a home when it is not there. AmbitError `io_failed` that names it when that can't be done, when
 * it is no directory, or when this user can't write to it.
 */
export function makeHome(home: string): void {
  let why: string;
  try {
    makeDirectorySync(home);
    // Before its modes are asked: a file may be refused by them as well, and they are not what is wrong.
    if (statSync(home).isDirectory()) {
      accessSync(home, constants.W_OK | constants.X_OK);
      return;
    }
    why = 'it is a file: ENOTDIR';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    why = code === 'ENOTDIR' ? 'a part of its path is a file: ENOTDIR' : code;
  }
  throw new AmbitError(
    'io_failed',
    `${home} can't be a home (${why}); name a directory that this user can make or write to.`,
  );
}

/** Where the parts of a home's log are. */
export interface HomePaths {
  readonly root: string;
  readonly directory: string;
  readonly key: string;
  readonly verifier: string;
  readonly head: string;
  readonly sessions: string;
  readonly vault: string;
}

export function homePaths(home: string): HomePaths {
  const root = join(home, 'audit');
  const at = (name: string): string => join(root, name);
  return {
    root,
    directory: at('log'),
    key: at('key'),
    verifier: at('log.vkey'),
    head: at('head'),
    sessions: at('sessions'),
    vault: at('vault'),
  };
}

/** The log's signing key; created, with its verifier key beside it, if it is missing and `origin` is given. */
async function homeSigner(
  paths: HomePaths,
  origin: string | null,
): Promise<{ signer: SignerKey; fresh: boolean }> {
  try {
    const { mode } = await stat(paths.key);
    if ((mode & 0o077) !== 0) throw new AmbitError('key_exposed');
    return { signer: parseSignerKey(await readFile(paths.key, 'utf8')), fresh: false };
  } catch (error) {
    if (!isMissing(error) || origin === null) throw error;
    const signer = generateSigner(origin);
    await makeDirectory(paths.root);
    await replaceFile(paths.verifier, `${signer.verifier.text}\n`, true);
    await chmod(paths.verifier, 0o644);
    await replaceFile(paths.key, `${signer.unsafeExport()}\n`, true);
    return { signer, fresh: true };
  }
}

/** The verifier key of a home's log. Throws AmbitError `file_missing`. */
export async function homeVerifier(home: string): Promise<VerifierKey> {
  try {
    return parseVerifierKey(await readFile(homePaths(home).verifier, 'utf8'));
  } catch (error) {
    if (isMissing(error)) throw new AmbitError('file_missing', 'There is no audit log in this home yet.');
    throw error;
  }
}

export const homeHead = (home: string): HeadStore => fileHead(homePaths(home).head);

/** Small segments: each command replays the last one, which should take milliseconds. */
const HOME_SEGMENT_BYTES = 1_048_576;

export interface HomeOptions extends Partial<Omit<LogOptions, 'directory' | 'signer' | 'head' | 'create'>> {
  /** Name of the log and of its key (default `<hostname>/ambit`); used when the log is created. */
  readonly origin?: string;
  /** Begin a log where the home has none (default true). */
  readonly create?: boolean;
  /** Who writes, as every record says (default `cli`). */
  readonly by?: string;
}

/**
 * Opens the log of a home for writing, waiting up to five seconds for another command to finish. A log is created only
 * together with its key: a key without its log means that the log has vanished, which is refused.
 */
export async function openHome(home: string, options: HomeOptions = {}): Promise<Recorder> {
  const paths = homePaths(home);
  const origin = options.create === false ? null : (options.origin ?? `${hostname()}/ambit`);
  const { signer, fresh } = await homeSigner(paths, origin);
  const log = await Log.open({
    lockWait: 5000,
    segmentBytes: HOME_SEGMENT_BYTES,
    ...options,
    directory: paths.directory,
    head: fileHead(paths.head),
    signer,
    create: fresh,
  });
  try {
    return await Recorder.open(log, { by: options.by ?? 'cli', sessionsFile: paths.sessions });
  } catch (error) {
    await log.close();
    throw error;
  }
}
