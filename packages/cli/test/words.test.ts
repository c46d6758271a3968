// The words of the command line: times, argument rules, grants in files, errors. What is not understood is refused.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { AmbitError, restrict, spanSeconds } from '@ambit/core';
import { acquireLock } from '@ambit/files';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argsCaveats } from '../src/flags/constraint.ts';
import { Failure, plain, reportOf } from '../src/failure.ts';
import { readGrantFile } from '../src/flags/grant-file.ts';
import { underLock, waitingNote } from '../src/home/lock.ts';
import { fromNow, parseTime, rfc3339, timeText } from '../src/flags/times.ts';

const codeOf = (job: () => unknown): string => {
  try {
    job();
    return 'none';
  } catch (error) {
    return error instanceof AmbitError ? error.code : inspect(error);
  }
};

describe('times', () => {
  it('reads back every time it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (t) => {
        expect(rfc3339(timeText(t))).toBe(t);
      }),
    );
  });
  it.each([
    ['2026-03-01T14:05:00Z', 1772373900],
    ['2026-03-01t14:05:00.999z', 1772373900],
    ['2026-03-01T15:05:00+01:00', 1772373900],
    ['2026-03-01T09:05:00-05:00', 1772373900],
    ['2024-02-29T00:00:00Z', 1709164800],
  ])('%s', (text, seconds) => expect(rfc3339(text)).toBe(seconds));
  it.each([
    '2026-03-01',
    '2026-03-01T14:05:00',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T14:60:00Z',
    '1969-12-31T23:59:59Z',
    '2026-03-01T14:05:00+24:00',
    ' 2026-03-01T14:05:00Z',
    'now',
    '',
  ])('refuses %j', (text) => expect(rfc3339(text)).toBeNull());
  it('reads spans, and nothing like them', () => {
    expect(['90s', '15m', '2h', '7d'].map(spanSeconds)).toEqual([90, 900, 7200, 604_800]);
    expect(['0m', '-5m', '1.5h', '5', 'm', '5M', '5 m', '1h30m', '99999999999d'].map(spanSeconds)).toEqual(
      Array.from({ length: 9 }, () => null),
    );
    expect(parseTime('--at', '15m', 100)).toBe(1000);
    expect(codeOf(() => parseTime('--at', 'soon', 0))).toBe('usage');
    expect([fromNow(100, 100), fromNow(160, 100), fromNow(100, 7300)]).toEqual(['now', 'in 60 s', '2 h ago']);
  });
});

describe('argument rules', () => {
  const one = (rule: string): unknown => argsCaveats([rule], ['pay'], false)[0]!.args.values().next().value;
  it.each<[string, unknown]>([
    ['path under /srv /data', { kind: 'subpath', roots: ['/srv', '/data'] }],
    ['currency is "EUR"', { kind: 'equals', value: 'EUR' }],
    ['currency is EUR', { kind: 'equals', value: 'EUR' }],
    ['n is 5', { kind: 'equals', value: 5 }],
    ['n is "5"', { kind: 'equals', value: '5' }],
    ['o is {"a": [1, 2]}', { kind: 'equals', value: { a: [1, 2] } }],
    ['currency in EUR "US D" 5', { kind: 'oneOf', values: ['EUR', 'US D', 5] }],
    ['amount between 1 and 10.5', { kind: 'range', min: 1, max: 10.5 }],
    ['amount at most 10', { kind: 'range', max: 10 }],
    ['amount at least 1', { kind: 'range', min: 1 }],
    ['q length ..200', { kind: 'length', max: 200 }],
    ['q matches [a-z ]+', { kind: 'pattern', pattern: '[a-z ]+' }],
    ['link url a.com *.b.org', { kind: 'url', hosts: ['a.com', '*.b.org'] }],
    ['ip network 10.0.0.0/8', { kind: 'cidr', networks: ['10.0.0.0/8'] }],
    ['to email acme.com', { kind: 'email', domains: ['acme.com'] }],
    ['paths each under /srv', { kind: 'each', constraint: { kind: 'subpath', roots: ['/srv'] } }],
    ['debug absent', { kind: 'absent' }],
    ['x {"kind":"range","max":5}', { kind: 'range', max: 5 }],
  ])('%s', (rule, constraint) => expect({ ...(one(rule) as object) }).toEqual(constraint));
  it.each([
    'path',
    'path under',
    'n between 1 and',
    'n between a and b',
    'q length ..',
    'q length a..b',
    'x {"kind":',
    'n at most many',
    'n is "5',
    'debug absent now',
    'a b: c under /x y z: w',
    'p nonsense',
  ])('does not understand %j', (rule) =>
    expect(codeOf(() => argsCaveats([rule], ['pay'], false))).toBe('usage'),
  );
  it('groups by tool, and lets two rules for one argument both hold', () => {
    const caveats = argsCaveats(
      ['amount at most 10', 'amount at least 1', 'fs.*: path under /srv'],
      ['pay', 'fs.*'],
      true,
    );
    expect(caveats).toEqual([
      restrict.args(
        ['pay', 'fs.*'],
        {
          amount: {
            kind: 'all',
            constraints: [
              { kind: 'range', max: 10 },
              { kind: 'range', min: 1 },
            ],
          },
        },
        { closed: true },
      ),
      restrict.args(['fs.*'], { path: { kind: 'subpath', roots: ['/srv'] } }, { closed: true }),
    ]);
  });
  it('never throws anything but a failure', () => {
    fc.assert(
      fc.property(fc.string(), (rule) => {
        expect(['none', 'usage']).toContain(codeOf(() => argsCaveats([rule], ['t'], false)));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('session files', () => {
  it('refuses whatever is not one, by name', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(codeOf(() => readGrantFile('f', text))).toBe('input_invalid');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('errors', () => {
  it('an error nobody foresaw is a bug: 70, one line, no stack', () => {
    const { code, exit, message } = reportOf(new TypeError('x is not\n    at y'));
    expect([code, exit]).toEqual(['internal', 70]);
    expect(message).not.toMatch(/\n/);
    expect(reportOf('thrown text').exit).toBe(70);
    expect(reportOf(undefined).exit).toBe(70);
  });
  it('takes exit states from the one table', () => {
    expect(reportOf(new Failure('usage', 'x')).exit).toBe(2);
    expect(reportOf(new AmbitError('store_full')).exit).toBe(4);
  });
  it('lets no text move the cursor', () => {
    expect(plain('a\u001b[2Jb\u202ec\u009bd\ne\tf')).toBe('a?[2Jb?c?d\ne\tf');
  });
});

describe('the README', () => {
  it('has the sequence that the first transcript runs, line for line', () => {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
    const block = /## Ten lines\n\n```\n([\s\S]*?)```/.exec(read('../README.md'))![1]!;
    const run = read('./transcripts/01-the-sequence-of-the-readme.txt');
    const lines = block.trimEnd().split('\n');
    expect(lines).toHaveLength(10);
    for (const line of lines) expect(run).toContain(`$ ${line}\n`);
  });
});

describe('a lock of the home that another process has', () => {
  it('is waited for, and the person is told for whom', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ambit-words-'));
    const path = join(folder, 'keyring.lock');
    const other = await acquireLock(path);
    const said: string[] = [];
    const waiting = waitingNote({
      warn: (text: string) => {
        said.push(text);
        other!.release();
      },
    });
    expect(await underLock(waiting, path, () => 'done')).toBe('done');
    expect(said).toEqual([expect.stringMatching(/^waiting for .+, process \d+ on /)]);
    rmSync(folder, { recursive: true });
  });
});
