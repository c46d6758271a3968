// What goes wrong, as the command line says it: one line with the code, a hint where one helps, and an exit state
// from core's table. A stack trace is for `DEBUG=ambit` alone; an unexpected error is a bug and exits with 70.
import { AmbitError, CODES, type DenialCode } from '@ambit/core';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** An error of the command line, with a hint about what to do next. */
export class Failure extends AmbitError {
  readonly hint: string | undefined;
  constructor(code: DenialCode, message: string, hint?: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = 'Failure';
    this.hint = hint;
  }
}

/** A command that was not understood: exit 2. */
export const usage = (message: string, hint?: string): Failure => new Failure('usage', message, hint);

/** Input that was read and makes no sense: exit 3. */
export const badInput = (message: string, hint?: string): Failure =>
  new Failure('input_invalid', message, hint);

/** What is shown of an error. */
export interface Reported {
  readonly code: DenialCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly exit: number;
}

const HINTS: Partial<Record<DenialCode, string>> = {
  key_exposed: 'run chmod 600 on the file, or use --insecure-permissions if you know who can read it',
  delegation_exceeded: 'the issuer allows delegation with `ambit mint --delegable N`',
  file_exists: 'choose another name, or remove the file yourself',
  audit_corrupt: '`ambit audit verify` says what is wrong and where',
  store_unavailable: 'another process may hold the state file; try again',
};

const errno = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** The message for an error of the file system. */
export function ioFailure(what: string, path: string, error: unknown): Failure {
  const code = errno(error);
  const options = { cause: error };
  // Of a new file it is the folder that is not there; of a socket the system says so with another code (EACCES).
  const folder = dirname(path);
  if (what !== 'read' && (code === 'ENOENT' || what === 'listen') && !existsSync(folder))
    return new Failure(
      'file_missing',
      `${path}: cannot ${what}: the folder ${folder} is missing`,
      'make it first, or name another',
      options,
    );
  if (code === 'ENOENT') return new Failure('file_missing', `${path}: no such file`, undefined, options);
  if (code === 'EEXIST')
    return new Failure(
      'file_exists',
      `${path}: already exists and will not be overwritten`,
      undefined,
      options,
    );
  const why: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EISDIR: 'is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    ENOSPC: 'no space left on the device',
    EROFS: 'the file system is read-only',
    ENAMETOOLONG: 'the name is too long',
    EFBIG: 'the file would be too large',
    ELOOP: 'too many symbolic links',
  };
  return new Failure(
    'io_failed',
    `${path}: cannot ${what}: ${why[code] ?? (code || 'failed')}`,
    undefined,
    options,
  );
}

/** The message for an address that can't be listened at; `flag` is what chooses another. */
export function listenFailure(address: string, flag: string, error: unknown): Failure {
  const code = errno(error);
  const [why, hint] = LISTEN[code] ?? [code || 'failed', 'choose another address'];
  const choose = hint.replace('FLAG', flag);
  return new Failure('io_failed', `${address}: cannot listen: ${why}`, choose, { cause: error });
}

const LISTEN: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ['another process has this address', 'choose another with FLAG, or stop that process'],
  EADDRNOTAVAIL: ['this machine has no such address', 'choose one of its own with FLAG, such as 127.0.0.1'],
  EACCES: ['this user may not take this address', 'choose another with FLAG, such as a port above 1023'],
  ENOTFOUND: ['this host is not known', 'choose an address of this machine with FLAG, such as 127.0.0.1'],
};

/**
 * Text that came from a file or a peer, for a terminal: control and direction characters, which could move the cursor
 * or turn words around, become `?`. Newlines and tabs stay.
 */
export const plain = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, (c) => (c === '\n' || c === '\t' ? c : '?'));

/** Any thrown thing as code, sentence, hint and exit state. */
export function reportOf(error: unknown): Reported {
  if (error instanceof AmbitError) {
    const hint = (error instanceof Failure ? error.hint : undefined) ?? HINTS[error.code];
    return { code: error.code, message: error.message, hint, exit: CODES[error.code].exit };
  }
  const said = error instanceof Error ? `${error.name}: ${error.message}` : typeof error;
  return {
    code: 'internal',
    message: `${CODES.internal.sentence} (${oneLine(said)})`,
    hint: 'run it again with DEBUG=ambit and report the output',
    exit: CODES.internal.exit,
  };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 300);

/** Every cause of an error with its stack: for `DEBUG=ambit`. */
export function causeChain(error: unknown): string {
  const lines: string[] = [];
  for (let e: unknown = error, depth = 0; e !== undefined && depth < 8; depth++) {
    lines.push(e instanceof Error ? (e.stack ?? `${e.name}: ${e.message}`) : `thrown: ${typeof e}`);
    e = e instanceof Error ? e.cause : undefined;
  }
  return lines.join('\ncaused by: ');
}
