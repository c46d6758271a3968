// Where state lives, as one setting: a URL, which `--store`, AMBIT_STORE and a home's configuration take alike.
//   memory:                                          this process alone, for tests
//   file:/var/lib/ambit/state.db                     SQLite
//   redis://USER:PASSWORD@HOST:6379/DB               Redis or Valkey; rediss:// with TLS
//   redis+cluster://HOST:PORT,HOST:PORT              a Cluster; rediss+cluster://
//   redis+sentinel://SENTINEL:26379,SENTINEL/NAME/DB a master watched by Sentinels; rediss+sentinel://
//   postgres://USER@HOST:5432,HOST/DATABASE          PostgreSQL; `postgres/options.ts` lists its parameters
import { AmbitError } from '@ambit/core';
import { loginOf, serverOf } from './url-parts.ts';

/** One server of a Redis URL. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A Redis deployment as a URL names it. */
export interface RedisPlace {
  readonly kind: 'redis';
  readonly mode: 'single' | 'cluster' | 'sentinel';
  readonly tls: boolean;
  /** A file with the certificate authority, for TLS. */
  readonly ca: string | null;
  readonly servers: readonly Address[];
  /** What the Sentinels call the master. */
  readonly master: string | null;
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  /** First part of every key. */
  readonly prefix: string;
}

/** What a URL says. */
export type StorePlace =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | RedisPlace;

const invalid = (message: string): AmbitError => new AmbitError('input_invalid', message);

const SCHEMES =
  'memory:, file:, redis://, rediss://, redis+cluster://, rediss+cluster://, redis+sentinel://, rediss+sentinel://, postgres://';

/** Reads a URL. AmbitError `input_invalid`; its message repeats no part that could be a password. */
export function parseStoreUrl(url: string): StorePlace {
  const scheme = /^([a-z+]+):/.exec(url)?.[1];
  switch (scheme) {
    case 'memory':
      return { kind: 'memory' };
    case 'file':
      return { kind: 'sqlite', path: filePath(url) };
    case 'postgres':
    case 'postgresql':
      return { kind: 'postgres', url };
    case 'redis':
    case 'rediss':
    case 'redis+cluster':
    case 'rediss+cluster':
    case 'redis+sentinel':
    case 'rediss+sentinel':
      return redisPlace(url, scheme);
    default:
      throw invalid(`Store: expected a URL that begins with one of ${SCHEMES}.`);
  }
}

/** `file:` and a path, with up to three slashes before it. */
function filePath(url: string): string {
  const path = decodeURIComponent(url.slice('file:'.length).replace(/^\/\/(?=\/)/, ''));
  if (path === '' || path.startsWith('//') || path.includes('\0'))
    throw invalid('Store: expected file:/PATH/state.db, or file:PATH for a path from here.');
  return path;
}

function redisPlace(url: string, scheme: string): RedisPlace {
  const parts = /^[a-z+]+:\/\/(?:([^@/?]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(url);
  if (parts === null) throw invalid(`Store: expected ${scheme}://USER:PASSWORD@HOST:PORT.`);
  const [, login, list = '', path = '', query = ''] = parts;
  const mode = scheme.endsWith('cluster') ? 'cluster' : scheme.endsWith('sentinel') ? 'sentinel' : 'single';
  const asked = new URLSearchParams(query);
  for (const name of asked.keys())
    if (name !== 'prefix' && name !== 'ca')
      throw invalid(`Store: a Redis URL has no parameter ${name.slice(0, 40)}.`);
  const port = mode === 'sentinel' ? 26_379 : 6379;
  const servers = list.split(',').map((each) => address(each, port));
  if (mode === 'single' && servers.length > 1)
    throw invalid('Store: a redis: URL has one host; several are redis+cluster: or redis+sentinel:.');
  const [first = '', second] = path.split('/').map(decodeURIComponent);
  const master = mode === 'sentinel' ? first : null;
  if (master === '') throw invalid('Store: expected redis+sentinel://SENTINEL:PORT/NAME-OF-THE-MASTER.');
  const number = (mode === 'sentinel' ? second : first) ?? '';
  if (!/^\d{0,4}$/.test(number) || (mode === 'cluster' && Number(number) !== 0))
    throw invalid('Store: the database of a Redis URL is a number, and a Cluster has none but 0.');
  const { user, password } = loginOf(login);
  return {
    kind: 'redis',
    mode,
    tls: scheme.startsWith('rediss'),
    ca: asked.get('ca'),
    servers,
    master,
    database: Number(number),
    username: user,
    password,
    prefix: asked.get('prefix') ?? 'ambit:',
  };
}

function address(text: string, port: number): Address {
  const server = serverOf(text);
  if (server === null) throw invalid('Store: a host of the URL is not HOST or HOST:PORT.');
  return { host: server.host, port: server.port ?? port };
}

/** The URL without its password, for people and logs; up to the last `@`, should one stand in a password. */
export const withoutPassword = (url: string): string => url.replace(/^([a-z+]+:\/\/[^:@/?]*):[^/?]*@/, '$1@');
