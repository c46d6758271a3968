// Where a PostgreSQL deployment is, from options or from a URL with several hosts, as libpq writes it:
//   postgres://user@a:5432,b:5432/db?schema=ambit&sslmode=verify-full&sslrootcert=/path/ca.pem
// A password may be in the URL, in PGPASSWORD or in the password file; pg reads the last two itself.
import { readFileSync } from 'node:fs';
import { AmbitError } from '@ambit/core';
import { loginOf, serverOf } from '../url-parts.ts';

/** One server; a path that begins with `/` is the folder of a unix socket. */
export interface PostgresHost {
  readonly host: string;
  /** Default 5432. */
  readonly port?: number;
}

/** Where the deployment is and who asks. */
export interface PostgresPlace {
  /** Every server that may be the primary. All are asked; the one of the latest timeline that takes writes is used. */
  readonly hosts: readonly PostgresHost[];
  readonly user?: string;
  /** Or PGPASSWORD, or the password file. */
  readonly password?: string;
  readonly database?: string;
  /** TLS as `node:tls` takes it; `false` (default) turns it off, for a unix socket or loopback. */
  readonly ssl?: false | { readonly ca?: string | Buffer; readonly rejectUnauthorized?: true };
  /** The schema that holds the state. Default `ambit`. */
  readonly schema?: string;
}

/** Times in milliseconds. */
export interface PostgresOptions extends PostgresPlace {
  /** After which a statement counts as failed and its connection is replaced. Default 2000. */
  readonly timeout?: number;
  /** Connections that charge; what one process asks for meanwhile is grouped. Default 2. */
  readonly lanes?: number;
  /** Between two looks at the last number of the revocations. Default 1000. */
  readonly poll?: number;
  /** The age at which an unconfirmed list of revocations denies. Default 5000. */
  readonly staleAfter?: number;
  /** The most rows one token's holders may append (attack S12). */
  readonly rowsPerToken?: number;
}

const invalid = (message: string): AmbitError => new AmbitError('input_invalid', message);

/** Reads a URL of `postgres:` or `postgresql:`; AmbitError `input_invalid`, which never repeats a password. */
export function parsePostgresUrl(url: string): PostgresPlace {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url);
  if (parts === null) throw invalid('Store: expected postgres://USER@HOST:PORT,HOST:PORT/DATABASE.');
  const [, login, list = '', database = '', query = ''] = parts;
  const { user, password } = loginOf(login);
  const asked = new URLSearchParams(query);
  const known = new Set(['schema', 'sslmode', 'sslrootcert', 'host', 'target_session_attrs']);
  for (const name of asked.keys())
    if (!known.has(name)) throw invalid(`Store: a postgres URL has no parameter ${name.slice(0, 40)}.`);
  if ((asked.get('target_session_attrs') ?? 'read-write') !== 'read-write')
    throw invalid('Store: target_session_attrs is always read-write.');
  const hosts = (list === '' ? (asked.get('host') ?? 'localhost') : list).split(',').map(toHost);
  const schema = asked.get('schema');
  return {
    hosts,
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ...(database === '' ? {} : { database: decodeURIComponent(database) }),
    ...(schema === null ? {} : { schema }),
    ssl: tlsOf(asked.get('sslmode') ?? 'disable', asked.get('sslrootcert')),
  };
}

function toHost(text: string): PostgresHost {
  if (text.startsWith('/')) return { host: text };
  const server = serverOf(decodeURIComponent(text));
  if (server === null) throw invalid('Store: a host of the postgres URL is not HOST or HOST:PORT.');
  return server.port === null ? { host: server.host } : { host: server.host, port: server.port };
}

function tlsOf(mode: string, root: string | null): NonNullable<PostgresPlace['ssl']> | false {
  if (mode === 'disable') return false;
  // The modes between encrypt without knowing to whom.
  if (mode !== 'verify-full') throw invalid('Store: sslmode is disable or verify-full.');
  return root === null ? { rejectUnauthorized: true } : { ca: readFileSync(root), rejectUnauthorized: true };
}
