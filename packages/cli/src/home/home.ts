// The home directory (AMBIT_HOME, or `.ambit` here): the issuer's keyring, the key of proof sessions, the state
// file, the audit log, and what is assumed of tools that no configuration has classified. Secrets are files of
// mode 0600 in a directory of mode 0700; the keyring changes under a lock, and by one rename.
//
// What a keyring and a new home look like is written once, in authority and audit. Opening one is not shared with
// `openAuthority`: here the state may be on a server (`--store`), modes may be overruled (`--insecure-permissions`), parts
// are read as a command asks for them, and an error carries a hint.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { homeMarker } from '@ambit/audit/marker';
import {
  keyringFileText,
  keyringIn,
  newKeyringFile,
  parseKeyringFile,
  withKeysOf,
  type KeyringFile,
} from '@ambit/authority/keyring';
import { isLabel, isName, SecretKey, type Keyring, type KeyStatus } from '@ambit/core';
import type { Cli } from '../cli.ts';
import { Failure, badInput } from '../failure.ts';
import { ownDirectory, readFile, writeFile } from './files.ts';
import { underLock, waitingNote } from './lock.ts';

/** What is assumed about a tool that no configuration classifies. Written by `init`, for everyone to read. */
export interface Defaults {
  readonly external: boolean;
  /** Labels of the data that such a call touches. */
  readonly data: readonly string[];
}

/** One home. Reading throws a Failure that says what to do. */
export class Home {
  readonly path: string;
  readonly #insecure: boolean;
  readonly #store: string | null;
  /** Tells a person for whom a lock of the home is waited. */
  readonly waiting: (holder: string) => void;

  constructor(cli: Cli) {
    const { AMBIT_HOME } = cli.env;
    this.path = AMBIT_HOME === undefined || AMBIT_HOME === '' ? '.ambit' : AMBIT_HOME;
    this.#insecure = cli.insecurePermissions;
    this.#store = cli.store;
    this.waiting = waitingNote(cli);
  }

  /** A path inside. */
  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  get exists(): boolean {
    return existsSync(this.at('home.json'));
  }

  /** Whether an operator's configuration is in force. */
  get configured(): boolean {
    return existsSync(this.at('configuration.json'));
  }

  /** Failure `file_missing` when `ambit init` was not run here. */
  require(): this {
    if (!this.exists) {
      throw new Failure(
        'file_missing',
        `${this.path}: no Ambit home here`,
        'run `ambit init`, or set AMBIT_HOME',
      );
    }
    return this;
  }

  /** Makes a new home; `more` makes what others keep in it. The marker comes last: a home that was cut short is not one. */
  async create(issuer: string | null, now: number, more: () => Promise<void>): Promise<void> {
    if (this.exists)
      throw new Failure(
        'file_exists',
        `${this.path}: is already an Ambit home`,
        'set AMBIT_HOME to make another one',
      );
    ownDirectory(this.path);
    const secret = { mode: 0o600 };
    // Left by an `init` that was cut short: no token can depend on them yet, for there was no home.
    const replace = { ...secret, replace: true };
    writeFile(this.at('keyring.json'), keyringFileText(newKeyringFile(issuer)), replace);
    writeFile(this.at('session.key'), `${SecretKey.generate('x25519').unsafeText()}\n`, replace);
    await more();
    writeFile(this.at('home.json'), homeMarker(new Date(now * 1000), this.#store ?? undefined), secret);
  }

  /** The URL of the store: as the command line says, as home.json says, or the home's own file. */
  get storeUrl(): string {
    if (this.#store !== null) return this.#store;
    if (this.exists) {
      const path = this.at('home.json');
      const { store } = parse(path, readFile(path).toString('utf8')) as { store?: unknown };
      if (typeof store === 'string') return store;
      if (store !== undefined) throw badInput(`${path}: expected "store" to be a URL`);
    }
    return `file:${encodeURI(this.at('state.db'))}`;
  }

  /** What is assumed about unclassified tools. */
  get defaults(): Defaults {
    const path = this.require().at('home.json');
    const value = parse(path, readFile(path).toString('utf8')) as { defaults?: Partial<Defaults> };
    const { external, data } = value.defaults ?? {};
    if (
      typeof external !== 'boolean' ||
      !Array.isArray(data) ||
      !data.every((l) => typeof l === 'string' && isLabel(l))
    ) {
      throw badInput(`${path}: expected "defaults" with "external" (true or false) and "data" (labels)`);
    }
    return { external, data };
  }

  #file(): KeyringFile {
    const path = this.require().at('keyring.json');
    const text = readFile(path, { secret: true, insecure: this.#insecure }).toString('utf8');
    const file = parseKeyringFile(text);
    if (file === null) throw new Failure('key_invalid', `${path}: is not a keyring of this version`);
    return file;
  }

  /** The keyring; null while the issuer has no name. */
  get keyring(): Keyring | null {
    const file = this.#file();
    return file.issuer === null ? null : keyringIn(file);
  }

  /** Key ids and their state, named or not. */
  get keyStates(): {
    readonly issuer: string | null;
    readonly keys: readonly { readonly keyId: string; readonly status: KeyStatus }[];
  } {
    const { issuer, keys } = this.#file();
    return { issuer, keys: keys.map(({ keyId, status }) => ({ keyId, status })) };
  }

  /** The keyring, named `issuer` now if it had no name; a Failure when it has another one. */
  async named(issuer: string | undefined): Promise<Keyring> {
    const have = this.keyring;
    if (have !== null) return requireIssuer(have, issuer);
    if (issuer === undefined) {
      throw new Failure(
        'usage',
        'the keyring has no issuer name yet',
        'give it once with --issuer NAME; each token carries it',
      );
    }
    if (!isName(issuer)) throw badInput('issuer: expected 1 to 256 printable characters');
    return this.#change((file) => (file.issuer === null ? { ...file, issuer } : file)).then((k) =>
      requireIssuer(k, issuer),
    );
  }

  /** Changes the keyring under its lock. */
  async changeKeyring(change: (keyring: Keyring) => Keyring): Promise<Keyring> {
    return this.#change((file) => withKeysOf(file, change(keyringIn(file))));
  }

  async #change(change: (file: KeyringFile) => KeyringFile): Promise<Keyring> {
    this.require();
    return underLock(this.waiting, this.at('keyring.lock'), () => {
      const after = change(this.#file());
      const keyring = keyringIn(after);
      writeFile(this.at('keyring.json'), keyringFileText(after), { mode: 0o600, replace: true });
      return keyring;
    });
  }

  /** The X25519 key with which this home's verifier takes proof sessions. */
  get sessionKey(): SecretKey<'x25519'> {
    const path = this.require().at('session.key');
    return SecretKey.parse(
      'x25519',
      readFile(path, { secret: true, insecure: this.#insecure }).toString('utf8').trim(),
    );
  }
}

function requireIssuer(keyring: Keyring, issuer: string | undefined): Keyring {
  if (issuer === undefined || keyring.issuer === issuer) return keyring;
  throw badInput(
    `this keyring signs as "${keyring.issuer}", and the grant says signed_by "${issuer}": one home holds the keys of one issuer`,
    `set AMBIT_HOME to another directory and run \`ambit init --issuer ${/^[\w.-]+$/.test(issuer) ? issuer : 'NAME'}\` there`,
  );
}

function parse(path: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // JSON.parse quotes what it read; a keyring must not be quoted.
  }
  throw badInput(`${path}: is not a file that ambit wrote; restore it from a backup`);
}
