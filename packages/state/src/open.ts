// One setting for every back end: a URL in, a store out. A back end is loaded when it is asked for, so that
// an unused driver is not needed; ioredis and pg are peers, and a missing one is named.
import { AmbitError } from '@ambit/core';
import { memoryStore } from './memory.ts';
import type { Store } from './store.ts';
import { parseStoreUrl, withoutPassword, type StorePlace } from './url.ts';

/** What holds for every back end. */
export interface OpenStoreOptions {
  /** The most rows one token's holders may append (attack S12). */
  readonly rowsPerToken?: number;
  /** Milliseconds after which a call that was not answered denies; each back end has its default. */
  readonly timeout?: number;
}

/** Runs what needs a peer dependency; a missing one is an AmbitError that names it. */
export async function withPeer<T>(peer: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ERR_MODULE_NOT_FOUND' && error instanceof Error && error.message.includes(`'${peer}'`))
      throw new AmbitError(
        'store_unavailable',
        `This store needs the package ${peer}: npm install ${peer}.`,
        {
          cause: error,
        },
      );
    throw error;
  }
}

/**
 * Opens the store that a URL names (`url.ts`). A SQLite file is created if it is missing; a Redis or PostgreSQL
 * has to be prepared before (`ambit state init`, `operatorOf`). Rejects with AmbitError: `input_invalid` for an invalid
 * URL, else a store code.
 */
export async function openStore(url: string, options: OpenStoreOptions = {}): Promise<Store> {
  const place = parseStoreUrl(url);
  try {
    return await openPlace(place, options);
  } catch (error) {
    if (!(error instanceof AmbitError)) throw error;
    throw new AmbitError(error.code, `${withoutPassword(url)}: ${error.message}`, { cause: error });
  }
}

async function openPlace(place: StorePlace, options: OpenStoreOptions): Promise<Store> {
  switch (place.kind) {
    case 'memory':
      return memoryStore(options);
    case 'sqlite':
      return (await import('./sqlite.ts')).openSqlite(place.path, options);
    case 'redis':
      return withPeer('ioredis', async () => (await import('./redis/connect.ts')).openRedis(place, options));
    case 'postgres':
      return withPeer('pg', async () => {
        const { parsePostgresUrl, postgresStore } = await import('./postgres.ts');
        return postgresStore({ ...parsePostgresUrl(place.url), ...options });
      });
  }
}
