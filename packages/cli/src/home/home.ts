// The home directory (AMBIT_HOME, or `.ambit` here): the issuer's keyring, the key of proof sessions, the state
// file, the audit log, and what is assumed of tools that no configuration has classified. Secrets are files of
// mode 0600 in a directory of mode 0700; the keyring changes under a lock, and by one rename.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isLabel, isName, Keyring, SecretKey, type KeyStatus, type RootKey } from '@ambit/core';
import type { Cli } from '../cli.ts';
import { Failure, badInput } from '../failure.ts';
import { ownDirectory, readFile, writeFile } from './files.ts';
import { underLock } from './lock.ts';
import { timeText } from '../flags/times.ts';

/** What is assumed about a tool that no configuration classifies. Written by `init`, for everyone to read. */
export interface Defaults {
  readonly external: boolean;
  /** Labels of the data that such a call touches. */
  readonly data: readonly string[];
}

/** What `init` writes. */
export const DEFAULTS_OF_A_NEW_HOME: Defaults = { external: true, data: ['public'] };

interface KeyringFile {
  readonly v: 1;
  /** Null until the first token names it. */
  readonly issuer: string | null;
  readonly keys: readonly { readonly keyId: string; readonly status: KeyStatus; readonly root: string }[];
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** One home. Reading throws a Failure that says what to do. */
export class Home {
  readonly path: string;
  readonly #insecure: boolean;
  readonly #store: string | null;

  constructor(cli: Cli) {
    const { AMBIT_HOME } = cli.env;
    this.path = AMBIT_HOME === undefined || AMBIT_HOME === '' ? '.ambit' : AMBIT_HOME;
    this.#insecure = cli.insecurePermissions;
    this.#store = cli.store;
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
    const root = SecretKey.generate('root').unsafeText();
    const secret = { mode: 0o600 };
    // Left by an `init` that was cut short: no token can depend on them yet, for there was no home.
    const replace = { ...secret, replace: true };
    const keys: KeyringFile = { v: 1, issuer, keys: [{ keyId: 'k1', status: 'current', root }] };
    writeFile(this.at('keyring.json'), json(keys), replace);
    writeFile(this.at('session.key'), `${SecretKey.generate('x25519').unsafeText()}\n`, replace);
    await more();
    writeFile(
      this.at('home.json'),
      json({
        v: 1,
        created: timeText(now),
        ...(this.#store === null ? {} : { store: this.#store }),
        defaults: DEFAULTS_OF_A_NEW_HOME,
      }),
      secret,
    );
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
    const value = parse(
      path,
      readFile(path, { secret: true, insecure: this.#insecure }).toString('utf8'),
    ) as KeyringFile;
    const sound =
      value.v === 1 &&
      Array.isArray(value.keys) &&
      (value.issuer === null || typeof value.issuer === 'string');
    if (!sound) throw new Failure('key_invalid', `${path}: is not a keyring of this version`);
    return value;
  }

  /** The keyring; null while the issuer has no name. */
  get keyring(): Keyring | null {
    const { issuer, keys } = this.#file();
    return issuer === null ? null : new Keyring(issuer, keys.map(toRootKey));
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
    return this.#change((file) => {
      // An unnamed keyring rotates like any other: the name is not part of a root key.
      const after = change(new Keyring(file.issuer ?? 'unnamed', file.keys.map(toRootKey)));
      return { ...file, keys: after.keys.map(fromRootKey) };
    });
  }

  async #change(change: (file: KeyringFile) => KeyringFile): Promise<Keyring> {
    this.require();
    return underLock(this.at('keyring.lock'), () => {
      const after = change(this.#file());
      const keyring = new Keyring(after.issuer ?? 'unnamed', after.keys.map(toRootKey));
      writeFile(this.at('keyring.json'), json(after), { mode: 0o600, replace: true });
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

const toRootKey = ({ keyId, status, root }: KeyringFile['keys'][number]): RootKey => ({
  keyId,
  status,
  root: SecretKey.parse('root', root),
});
const fromRootKey = ({ keyId, status, root }: RootKey): KeyringFile['keys'][number] => ({
  keyId,
  status,
  root: root.unsafeText(),
});

function parse(path: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // JSON.parse quotes what it read; a keyring must not be quoted.
  }
  throw badInput(`${path}: is not a file that ambit wrote; restore it from a backup`);
}
