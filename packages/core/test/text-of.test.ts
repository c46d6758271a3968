// The texts of keys and tokens for the three front doors: given as they are, or in a file that is read whole, within a
// limit, and only if no other user can read a secret in it.
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOpened, textOf } from '@ambit/core/node';

const folder = mkdtempSync(join(tmpdir(), 'ambit-text-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

describe('textOf', () => {
  it.each(['amb1_abc', 'ambpub_holder_abc', '# a comment\nambpub_holder_abc', 'k1=ambver_abc'])(
    'takes %j as the text itself',
    (text) => expect(textOf(text)).toBe(text.split('\n').at(-1)),
  );

  it('takes anything else as the name of a file, and drops comments, empty lines and space at the ends', () => {
    const path = file('public', '# ambit holder key\n\n  ambpub_holder_abc \nambpub_holder_def\n', 0o644);
    expect(textOf(path)).toBe('ambpub_holder_abc\nambpub_holder_def');
  });

  it.skipIf(process.platform === 'win32')(
    'refuses a secret that other users can read, and only a secret',
    () => {
      const path = file('secret', 'ambsec_holder_abc\n');
      expect(textOf(path)).toBe('ambsec_holder_abc');
      chmodSync(path, 0o640);
      expect(() => textOf(path)).toThrow(expect.objectContaining({ code: 'key_exposed' }) as Error);
    },
  );

  it('says which file is missing, unreadable or too long', () => {
    const said = (path: string): unknown => {
      try {
        return textOf(path);
      } catch (error) {
        return error;
      }
    };
    const none = join(folder, 'none');
    expect(said(none)).toMatchObject({
      code: 'file_missing',
      message: `No file can be read at ${none}: it does not exist.`,
    });
    expect(said(folder)).toMatchObject({ code: 'io_failed', message: expect.stringContaining('directory') });
    expect(said(file('long', 'x'.repeat((1 << 20) + 1)))).toMatchObject({ code: 'input_invalid' });
    expect(said(file('just', `${'x'.repeat((1 << 20) - 1)}\n`))).toHaveLength((1 << 20) - 1);
  });

  it.skipIf(!existsSync('/dev/zero'))('reads a file without an end no further than the limit', () => {
    expect(() => textOf('/dev/zero')).toThrow(expect.objectContaining({ code: 'input_invalid' }) as Error);
    expect(readOpened('/dev/zero', 100)).toMatchObject({ bytes: null });
    expect(readOpened('/dev/null', 100)).toMatchObject({ bytes: Buffer.alloc(0) });
  });
});
