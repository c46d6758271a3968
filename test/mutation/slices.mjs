// The slices of mutation testing: what is mutated, and the tests that ought to notice. A slice names its tests, since
// by imports every test of a package is related to every file of it (all go through the entry file). The first
// folder named is where the package lies; `core` needs no prefix.
import { existsSync, readdirSync } from 'node:fs';

const of = (name) => (mutate, tests) => ({ package: name, mutate, tests });
const core = of('core');
const state = of('state');
const audit = of('audit');

// In the copy in which a slice of another package is run, there is no core.
const caveatTests = new URL('../../packages/core/test/caveats/', import.meta.url);

/** Slices by name: files below `packages/PACKAGE/src`, and tests below `packages/PACKAGE/test` in the order in which they are
 * run. A mutant's run ends with the first test that fails: what is quick and looks closely stands in front. */
export const SLICES = {
  verify: core(
    ['verify/*.ts'],
    [
      'verifier',
      'verifier-options',
      'view',
      'cache',
      'cache-weight',
      'mismatch',
      'signatures',
      'attacks/delegation',
      'attacks/possession',
      'attacks/sessions',
      'laws/times',
      'laws/provenance',
      'mutants',
    ],
  ),
  authorize: core(
    ['authorize/*.ts', 'charges.ts', 'call.ts', 'make-call.ts'],
    [
      'authorize',
      'call',
      'verifier-options',
      'attacks/integration',
      'attacks/pools',
      'attacks/possession',
      'mutants',
    ],
  ),
  token: core(
    ['token/*.ts'],
    [
      'token',
      'token-limits',
      'view',
      'verifier',
      'attacks/delegation',
      'attacks/pools',
      'mutants',
      'attacks/encoding',
    ],
  ),
  proof: core(
    ['proof/*.ts'],
    ['proof', 'mismatch', 'statement', 'attacks/possession', 'attacks/sessions', 'mutants'],
  ),
  caveats: core(
    ['caveats/*.ts'],
    (existsSync(caveatTests) ? readdirSync(caveatTests) : [])
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `caveats/${name.slice(0, -'.test.ts'.length)}`)
      .concat(['authorize', 'verifier', 'attacks/pools', 'laws/fail-closed']),
  ),
  cbor: core(
    ['cbor/*.ts'],
    ['cbor', 'laws/values', 'attacks/encoding', 'laws/received-bytes', 'cbor-writer', 'vectors'],
  ),
  args: core(
    ['args/*.ts'],
    [
      'args-steps',
      'args-text',
      'args-host',
      'args-json-places',
      'args-automaton',
      'args-arguments',
      'args-canonical',
      'args-canonical-input',
      'args-cidr',
      'args-constraint',
      'args-email',
      'args-json',
      'args-path',
      'args-pattern',
      'args-snapshot',
      'args-url',
    ],
  ),
  'state:rules': state(
    ['apply.ts', 'clock.ts', 'budgets.ts', 'sliding.ts', 'memory.ts', 'memory/*.ts', 'sessions.ts'],
    ['clock', 'rules', 'memory-rows', 'local', 'memory'],
  ),
  'state:sqlite': state(
    ['sqlite.ts', 'sqlite/binding.ts', 'sqlite/file.ts', 'sqlite/turn.ts', 'sqlite/writer.ts'],
    ['sqlite-parts', 'sqlite-writer', 'sqlite-store', 'local', 'sqlite-rot'],
  ),
  'state:sqlite-rows': state(
    ['rows', 'nonces', 'meta', 'sums', 'sweeper', 'schema'].map((name) => `sqlite/${name}.ts`),
    ['sqlite-rows', 'sqlite-rot', 'local'],
  ),
  'state:sqlite-lists': state(
    ['sqlite/revocations.ts', 'sqlite/sessions.ts'],
    ['local', 'sqlite-lists', 'sqlite-rot'],
  ),
  'state:sqlite-operate': state(
    ['sqlite/operate.ts', 'sqlite/migrate.ts'],
    ['sqlite-operate', 'sqlite-migrate', 'sqlite-rot'],
  ),
  'state:lease': state(['lease.ts', 'lease/*.ts'], ['lease-slices', 'lease']),
  'state:admission': state(
    ['admission.ts', 'authorize.ts', 'delivery.ts', 'grouped.ts', 'faults.ts', 'stats.ts'],
    ['grouped', 'stats', 'turns', 'asked', 'admission', 'authorize'],
  ),
  'state:list': state(
    ['heard.ts', 'named.ts', 'remembered.ts', 'revocations.ts', 'snapshot.ts', 'list/*.ts', 'replay.ts'],
    ['named', 'revocations', 'list', 'heard', 'snapshot'],
  ),
  'state:open': state(
    ['url.ts', 'url-parts.ts', 'open.ts', 'operator.ts', 'served.ts'],
    ['url', 'served', 'open'],
  ),
  'audit:note': audit(['note/*.ts'], ['note']),
  'audit:merkle': audit(['merkle/*.ts', 'tile/*.ts'], ['merkle']),
};

/** The slice of that name, its paths relative to the root; throws RangeError for a name that is not there. */
export function slice(name) {
  const found = Object.hasOwn(SLICES, name) ? SLICES[name] : undefined;
  if (found === undefined)
    throw new RangeError(`No slice ${JSON.stringify(name)}; there are: ${Object.keys(SLICES).join(', ')}.`);
  const at = `packages/${found.package}`;
  return {
    package: found.package,
    mutate: found.mutate.map((p) => `${at}/src/${p}`),
    tests: found.tests.map((t) => `${at}/test/${t}.test.ts`),
  };
}

/** Folders of all packages but one, which its tests reach through node_modules and which are not copied. */
export const otherPackages = (own) =>
  readdirSync(new URL('../../packages', import.meta.url))
    .filter((name) => name !== own)
    .map((name) => `packages/${name}`);
