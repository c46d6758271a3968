// Content that is whole or absent: under concurrent readers, after a failure, and with the mode that was asked for.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFile, makeDirectorySync, replaceFile, replaceFileSync } from '../src/index.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ambit-files-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('a reader finds the old content or the new one, never a part', async () => {
  const path = join(root, 'f');
  const versions = ['a', 'b', 'c'].map((c) => c.repeat(300_000));
  await replaceFile(path, versions[0]!, false);
  let writing = true;
  const writer = (async () => {
    for (let i = 0; i < 60; i++) await replaceFile(path, versions[i % 3]!, false);
    writing = false;
  })();
  let seen = 0;
  while (writing) {
    const text = await readFile(path, 'utf8');
    expect(versions.includes(text)).toBe(true);
    seen++;
  }
  await writer;
  expect(seen).toBeGreaterThan(3);
});

test('what fails leaves neither a temporary file nor a changed target', async () => {
  const path = join(root, 'taken');
  mkdirSync(join(path, 'inside'), { recursive: true });
  await expect(replaceFile(path, 'x', true)).rejects.toThrow();
  expect(() => replaceFileSync(path, 'x', 0o600)).toThrow();
  expect(() => createFile(path, 'x', 0o600)).toThrow(/EEXIST/);
  expect(readdirSync(root)).toEqual(['taken']);
});

test('createFile never replaces; modes are as asked whatever the umask', () => {
  const path = join(root, 'key');
  const before = process.umask(0o077);
  try {
    createFile(path, 'one', 0o600);
    createFile(`${path}.pub`, 'pub', 0o644);
  } finally {
    process.umask(before);
  }
  expect(() => createFile(path, 'two', 0o600)).toThrow(/EEXIST/);
  expect(readFileSync(path, 'utf8')).toBe('one');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}.pub`).mode & 0o777).toBe(0o644);
  replaceFileSync(path, 'two', 0o600);
  expect(readFileSync(path, 'utf8')).toBe('two');
});

test('makeDirectorySync makes those above, and ends where the system has no such name', () => {
  makeDirectorySync(join(root, 'a/b/c'));
  expect(statSync(join(root, 'a/b/c')).mode & 0o777).toBe(0o700);
  expect(() => makeDirectorySync('/proc/ambit/no')).toThrow();
});
