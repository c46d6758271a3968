// The README's code is compiled, with the project's own strict settings, and run against the built packages.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
// Inside the workspace, so that `@ambit/...` resolves as it does for a user of the packages.
mkdirSync(join(ROOT, 'node_modules/.cache'), { recursive: true });
const DIR = mkdtempSync(join(ROOT, 'node_modules/.cache/readme-'));
afterAll(() => rmSync(DIR, { recursive: true, force: true }));

const blocks = (language: string): string[] =>
  [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map((m) => m[1]!);

describe('README', () => {
  it('its TypeScript compiles and does what it says', () => {
    const code = blocks('ts');
    expect(code.length).toBeGreaterThan(0);
    const files = code.map((text, i) => {
      writeFileSync(join(DIR, `block-${i}.ts`), text);
      return `block-${i}`;
    });
    const options = { composite: false, incremental: false, declaration: false, declarationMap: false };
    const compilerOptions = {
      ...options,
      isolatedDeclarations: false,
      types: ['node'],
      outDir: 'out',
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    writeFileSync(
      join(DIR, 'tsconfig.json'),
      JSON.stringify({
        extends: join(ROOT, 'tsconfig.base.json'),
        compilerOptions,
        files: files.map((f) => `${f}.ts`),
      }),
    );
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const built = spawnSync(process.execPath, [tsc, '-p', DIR], { cwd: DIR, encoding: 'utf8' });
    expect(built.stdout).toBe('');
    // As the README says: in a folder with the model's artifact.
    const cwd = join(DIR, 'cwd');
    mkdirSync(join(cwd, 'weights'), { recursive: true });
    writeFileSync(join(cwd, 'weights', 'a.bin'), 'layer1');
    for (const file of files) {
      execFileSync(process.execPath, [join(DIR, 'out', `${file}.js`)], {
        cwd,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    }
  });

  it('its ten lines are ten, without imports, and guard a route with four answers', () => {
    const ten = blocks('ts')[0]!
      .split('\n')
      .filter((line) => line.trim() !== '' && !/^import |^\/\//.test(line));
    expect(ten.length).toBeLessThanOrEqual(10);
    const options = /openGuard\(\{ (.*) \}\)/.exec(ten.join('\n'))![1]!;
    // With `openGuard` and the door of the framework: four concepts.
    expect(options.split(', ').map((o) => o.split(':')[0])).toEqual(['trust', 'tools']);
  });

  it('its shell sequence works as written, line by line', { timeout: 600_000 }, () => {
    const lines = blocks('bash').join('').split('\n');
    const script = ['set -u'];
    for (let i = 0; i < lines.length; i++) {
      let line = lines[i]!;
      if (line.trim() === '') continue;
      const wanted = /# exit (\d)/.exec(line)?.[1] ?? '0';
      if (line.includes("<<'END'")) {
        const end = lines.indexOf('END', i);
        line = lines.slice(i, end + 1).join('\n');
        i = end;
      }
      // Every line ends as it says, or the script ends with its number.
      script.push(
        line,
        `code=$?; [ $code -eq ${wanted} ] || { echo "line ${i + 1} of the blocks: exit $code"; exit 9; }`,
      );
    }
    const cwd = mkdtempSync(join(tmpdir(), 'ambit-readme-'));
    const env = {
      ...process.env,
      EXAMPLES: join(ROOT, 'examples'),
      PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH']}`,
    };
    const run = spawnSync('bash', ['-c', script.join('\n')], { cwd, env, encoding: 'utf8' });
    rmSync(cwd, { recursive: true, force: true });
    expect(`${run.stdout.split('\n').at(-2) ?? ''} ${run.status}`).toMatch(/ 0$/);
    expect(run.stdout).toContain('model_tampered');
    expect(run.stdout).toContain('live sessions end');
  });
});
