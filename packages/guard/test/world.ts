// A guarded world for end-to-end tests: an issuer, an agent and its thief, an embedded store on a file, a real audit
// log in a directory, and a guard over them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  attenuate,
  createVerifier,
  Keyring,
  mint,
  SecretKey,
  signer,
  type HolderGrantSpec,
  type Restriction,
  type Signer,
  type Verifier,
} from '@ambit/core';
import { nodeProvider } from '@ambit/core/node';
import {
  directorySource,
  homePaths,
  homeVerifier,
  openHome,
  openReader,
  search,
  type AuditRecord,
  type Recorder,
} from '@ambit/audit';
import { createGuard, type Guard, type GuardOptions } from '@ambit/guard';
import { openSqlite } from '@ambit/state/sqlite';
import type { SyncStore } from '@ambit/state';

export const AUDIENCE = 'files.acme.com';
export const seconds = (): number => Math.floor(Date.now() / 1000);

/** Everything a test needs; `end` closes and removes it. */
export interface World {
  readonly directory: string;
  readonly keyring: Keyring;
  readonly agent: Signer<'holder'>;
  readonly thief: Signer<'holder'>;
  readonly verifier: Verifier;
  readonly store: SyncStore;
  readonly recorder: Recorder;
  readonly guard: Guard;
  /** A token of an open session for the agent. */
  token(spec?: Partial<HolderGrantSpec>, ...restrictions: readonly Restriction[]): string;
  /** All records of the log, oldest first. */
  records(): Promise<AuditRecord[]>;
  end(): Promise<void>;
}

/** Makes a world. */
export async function world(options: Partial<GuardOptions> = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'ambit-guard-'));
  const keyring = Keyring.create('iam.acme.com');
  const agent = signer(SecretKey.generate('holder'), nodeProvider);
  const thief = signer(SecretKey.generate('holder'), nodeProvider);
  const store = openSqlite(join(directory, 'state.db'));
  await store.sessions.open(
    { issuer: 'iam.acme.com', id: 's-1', operator: 'acme-corp', user: 'jane', expires: seconds() + 3600 },
    seconds(),
  );
  const recorder = await openHome(directory, { origin: 'audit.acme.com/test' });
  const verifier = createVerifier({
    audience: AUDIENCE,
    keys: keyring.exportFor(AUDIENCE),
    provider: nodeProvider,
    proofSessions: { key: SecretKey.generate('x25519') },
  });
  const tools = (): { external: boolean; data: string[] } => ({ external: false, data: ['internal'] });
  const guard = createGuard({ verifier, store, audit: recorder, tools, ...options });
  return {
    directory,
    keyring,
    agent,
    thief,
    verifier,
    store,
    recorder,
    guard,
    token: (spec = {}, ...restrictions) =>
      attenuate(
        mint(keyring, {
          operator: { id: 'acme-corp' },
          model: { id: 'agent-v2', digest: new Uint8Array(32).fill(1) },
          session: 's-1',
          user: 'jane',
          tools: ['read_*', 'list_*', 'get_*', 'echo', 'write_file'],
          data: ['internal'],
          audience: AUDIENCE,
          holder: agent.publicKey,
          issuedAt: seconds() - 5,
          expires: seconds() + 900,
          ...spec,
        }),
        ...restrictions,
      ),
    records: async () => {
      await recorder.log.checkpoint();
      const source = directorySource(homePaths(directory).directory);
      const { reader } = await openReader(source, await homeVerifier(directory));
      const found: AuditRecord[] = [];
      for await (const { record } of search(reader, {})) found.push(record);
      return found;
    },
    end: async () => {
      await recorder.close();
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
