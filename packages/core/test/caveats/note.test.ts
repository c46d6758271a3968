// The caveat `note`: words for people and the log.
import { expect, test } from 'vitest';
import { attenuate, caveatWords, inspect, restrict } from '@ambit/core';
import { mintBase, outcome } from '../sample.ts';

test('it decides nothing, whatever it says', () => {
  for (const text of ['for the report', 'tools: *', 'expires 0', '\u00e9\u20ac', 'x'.repeat(1024)])
    expect(outcome(attenuate(mintBase(), restrict.note(text))), text).toBe('ok');
  const refused = attenuate(mintBase(), restrict.tools('other'), restrict.note('tools: web_search'));
  expect(outcome(refused)).toBe('tool_not_granted');
});

test('what it says stands in quotes, so that it passes for nothing else', () => {
  const text = 'x", expires never, "';
  const [note] = inspect(attenuate(mintBase(), restrict.note(text))).caveats;
  expect(note).toMatchObject({ type: 'note' });
  expect(caveatWords(restrict.note(text), { plain: String, fromNow: String })).toBe(JSON.stringify(text));
});
