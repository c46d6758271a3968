// What an agent installs: core, wire and their few dependencies. The closure is resolved from the package.json files
// that npm reads, workspace and registry packages alike, so a dependency that creeps in anywhere below is found.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openAgent } from '@ambit/agent';
import { sourcesOf } from '../../../test/house.mjs';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const manifestAt = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The folder that `name` resolves to from `from`, as Node looks for it; null when it is not installed. */
function folderOf(name: string, from: string): string | null {
  for (const base of createRequire(join(from, 'package.json')).resolve.paths(name) ?? []) {
    const folder = join(base, name);
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return null;
}

/** Everything that `npm install` of the package in `folder` brings, without peers that the user chooses. */
function closureOf(folder: string, seen = new Set<string>()): ReadonlySet<string> {
  const { dependencies = {}, optionalDependencies = {} } = manifestAt(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (seen.has(name)) continue;
    seen.add(name);
    const found = folderOf(name, folder);
    if (found !== null) closureOf(found, seen);
    // An optional one may be for another machine; a needed one that is missing would hide what it brings.
    else if (!Object.hasOwn(optionalDependencies, name)) throw new Error(`${name} is not installed`);
  }
  return seen;
}

const packages = fileURLToPath(new URL('../..', import.meta.url));

describe('what an agent-only project installs', () => {
  it('core, wire and two libraries of cryptography', () => {
    expect([...closureOf(join(packages, 'agent'))].sort()).toEqual([
      '@ambit/core',
      '@ambit/wire',
      '@noble/curves',
      '@noble/hashes',
    ]);
  });
  it('openAgent, which reads files, is part of it: it loads core, wire and nothing else', () => {
    expect(openAgent).toBeTypeOf('function');
    const loaded = sourcesOf('agent').flatMap(({ imports }) =>
      imports.filter((s: string) => !s.startsWith('.')),
    );
    expect([...new Set(loaded)].sort()).toEqual([
      '@ambit/core',
      '@ambit/core/node',
      '@ambit/wire/http',
      '@ambit/wire/interpose',
      '@ambit/wire/mcp',
    ]);
  });
  it('the same walk finds SQLite and YAML where they are: in a service', () => {
    const service = closureOf(join(packages, 'guard'));
    expect([...service]).toEqual(expect.arrayContaining(['@photostructure/sqlite', 'yaml']));
  });
});
