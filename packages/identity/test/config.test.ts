// The operator's configuration: what is accepted, what is refused and where, what its digest covers.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { canonicalConfiguration, checkConfiguration, parseConfiguration, problemText } from '../src/index.ts';
import { ACME, acme } from './operators.ts';

const problems = (text: string): string[] => {
  const parsed = parseConfiguration(text);
  return parsed.ok ? [] : parsed.problems.map(problemText);
};
/** ACME with one line replaced. */
const edited = (from: string | RegExp, to: string): string => {
  const text = ACME.replace(from, to);
  if (text === ACME) throw new Error(`nothing replaced: ${String(from)}`);
  return text;
};

const HOSTILE = [...'\0\t\n\r :-?[]{}&*!|>%@#,"\'`~<0x.ea', '\u2028', '\u{10000}', '\ud800', '\ufeff'];

describe('a configuration', () => {
  test('the example in examples/ is fine', () => {
    const text = readFileSync(new URL('../../../examples/operator.yaml', import.meta.url), 'utf8');
    const checked = checkConfiguration(text);
    if (!checked.ok) throw new Error(checked.problems.map(problemText).join('\n'));
    const { id, digestHex, config } = checked.operator;
    expect([id, config.tools.size, config.models.size, config.groups.size, config.users.size]).toEqual([
      'acme-corp',
      6,
      1,
      2,
      2,
    ]);
    expect(digestHex).toMatch(/^[0-9a-f]{64}$/);
    expect(config.warn).toBe(80);
    expect(config.tools.get('web_search')?.price).toEqual({ microusd: { most: 5000, least: 5000 } });
    expect(config.tools.get('read_internal_docs')?.price).toEqual({
      microusd: { most: 0, least: 0 },
      tokens: { most: 8000, least: 100 },
    });
    // A tool of a group with a budget of costs has a price in its unit, or every call of it is refused.
    let costs = 0;
    for (const { budgets, tools } of config.groups.values())
      for (const budget of budgets) {
        if (budget.unit !== 'cost') continue;
        costs++;
        for (const tool of tools) expect(config.tools.get(tool)?.price).toHaveProperty(budget.argument!);
      }
    expect(costs).toBe(1);
  });

  test.each([
    [
      'an unknown field',
      edited('  jane: {', '  jane: { grops: [x],'),
      /users\.jane\.grops: unknown field; did you mean groups\?/,
    ],
    ['an unknown section', `${ACME}user: {}\n`, /^\d+:1 user: unknown field; did you mean users\?/],
    [
      'a group nobody defined',
      edited('groups: [junior]', 'groups: [junoir]'),
      /users\.jane\.groups: no group "junoir" .* did you mean junior\?/,
    ],
    [
      'a signer nobody defined',
      edited('signers: [ml-platform]', 'signers: [x]'),
      /models\.agent-v2\.signers: no signer "x"/,
    ],
    [
      'a model without signers',
      edited('{ signers: [ml-platform], deny', '{ deny'),
      /models\.agent-v2: the field signers is missing/,
    ],
    [
      'yes for a boolean',
      edited('external: true', 'external: yes'),
      /tools\.web_search\.external: expected true or false, got the text "yes"/,
    ],
    [
      'a number for a text',
      edited('operator: acme-corp', 'operator: 7'),
      /operator: expected the operator id, got 7/,
    ],
    [
      'hexadecimal',
      edited('limit: 50', 'limit: 0x32'),
      /budgets\[0\]\.limit: expected a whole number in decimal digits, got 0x32/,
    ],
    ['a fraction', edited('limit: 50', 'limit: 1.5'), /limit: expected a whole number/],
    ['a negative number', edited('limit: 50', 'limit: -1'), /limit: expected a whole number/],
    ['an infinite number', edited('limit: 50', 'limit: .inf'), /limit: expected a whole number/],
    ['a number past 2^53', edited('limit: 50', 'limit: 9007199254740992'), /limit: expected a whole number/],
    [
      'a duration without a unit',
      edited('life: 1h', 'life: 3600'),
      /sessions\.most\.life: expected a duration such as 90s, 15m, 8h or 2d, got 3600/,
    ],
    [
      'a default above the most',
      edited('life: 15m', 'life: 2h'),
      /sessions\.default\.life: longer than the most/,
    ],
    [
      'a pattern for every tool',
      edited('[web_search, read_internal_docs],', '["**"],'),
      /groups\.junior\.tools\[0\]: expected a tool name or a pattern/,
    ],
    [
      'a label with spaces',
      edited('[public, internal] }', '["a b"] }'),
      /groups\.senior\.data\[0\]: expected a data label/,
    ],
    [
      'tools without data',
      edited(', data: [internal:customers] }\nusers', ' }\nusers'),
      /groups\.crm: tools and data belong together/,
    ],
    [
      'a repeated pattern',
      edited('[docs, crm]', '[docs, docs]'),
      /users\.pat\.groups\[1\]: "docs" stands twice/,
    ],
    ['a repeated key', edited('  sam: {', '  jane: {'), /users\.jane: stands twice \(first on line \d+\)/],
    [
      'a sum without argument',
      edited('unit: calls, limit: 50', 'unit: sum, limit: 50'),
      /budgets\[0\]: argument: what is added up/,
    ],
    [
      'a sliding budget without a window',
      edited('unit: calls, limit: 50', 'unit: calls, limit: 50, sliding: true'),
      /budgets\[0\]: sliding: needs a window/,
    ],
    [
      'a price that is no amount',
      edited('writes: true', 'writes: true, price: { tokens: -1 }'),
      /price\.tokens: expected a whole number/,
    ],
    [
      'a least price above the most',
      edited('writes: true', 'writes: true, price: { tokens: { most: 5, least: 6 } }'),
      /price\.tokens\.least: more than the most/,
    ],
    [
      'a price without its least',
      edited('writes: true', 'writes: true, price: { tokens: { most: 5 } }'),
      /the field least is missing/,
    ],
    [
      'a warning past a hundred',
      edited('sessions:', 'warn: 101\nsessions:'),
      /warn: expected a whole number from 1 to 100/,
    ],
    [
      'a federated operator with a budget',
      edited('    life: 5m', '    budgets: []'),
      /partner-labs\.budgets: unknown field/,
    ],
    [
      'federation with oneself',
      edited('issuer: partner-iam', 'issuer: razorsec-iam-service'),
      /its issuer is this operator's own/,
    ],
    ['another format', edited('ambit: 1', 'ambit: 2'), /ambit: .*1/],
    [
      'an alias',
      edited('{ groups: [junior] }', '&a { groups: [junior] }'),
      /users\.jane: anchors \(&name\) are not allowed/,
    ],
    ['an alias used', `${ACME}grace: *a\n`, /alias/i],
    ['a tag', edited('{ groups: [junior] }', '!!map { groups: [junior] }'), /tags .* are not allowed/],
    ['a merge key', edited('  jane: {', '  <<: {'), /a key must be a plain or quoted text/],
    [
      'a list for a map',
      edited(/models:\n.*\n/, 'models: []\n'),
      /models: expected names with their fields, got a list/,
    ],
    ['two documents', `${ACME}---\nambit: 1\n`, /only one document is allowed/],
    ['a directive that makes yes a boolean', `%YAML 1.1\n---\n${ACME}`, /directives .* are not allowed/],
    ['nothing', '', /expected fields .* got nothing/],
    ['a text that is no YAML', 'a: [', /^\d+:\d+ /],
    [
      'a resolver beside users',
      `${ACME}entitlements: { from: resolver, staleness: 30s }\n`,
      /users: users come from the resolver/,
    ],
    [
      'a resolver without a bound',
      `${ACME.replace(/users:[^]*sessions:/, 'sessions:')}entitlements: { from: resolver }\n`,
      /state how far behind/,
    ],
  ])('%s is refused, with line and path', (_, text, message) => {
    const found = problems(text);
    expect(found.join('\n')).toMatch(message);
    for (const line of found) expect(line).toMatch(/^\d+:\d+ /);
  });

  test('every problem is reported at once, in order of lines', () => {
    const text = ACME.replace('operator: acme-corp', 'operator: 7')
      .replace('life: 15m', 'life: x')
      .replace('limit: 50', 'limit: no');
    const lines = problems(text).map((p) => Number(p.split(':')[0]));
    expect(lines.length).toBe(3);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  test('the line is the one a person has to change', () => {
    const line = ACME.split('\n').findIndex((l) => l.includes('pat:')) + 1;
    expect(problems(edited('groups: [docs, crm]', 'groups: [docs, crn]'))[0]).toMatch(
      new RegExp(`^${line}:`),
    );
  });

  test('a secret key pasted by mistake is not repeated in the message', () => {
    const secret = 'ambsec_issuer_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const found = problems(ACME.replace(/seal-1: \S+ \}\nsigners/, `seal-1: ${secret} }\nsigners`)).join(
      '\n',
    );
    expect(found).toMatch(/keys\.seal-1: Expected a public issuer key/);
    expect(found).not.toContain('AAAAAAAA');
  });

  test('names like __proto__ and constructor are names', () => {
    const a = acme((t) =>
      t.replace('  jane: {', '  __proto__: { groups: [docs] }\n  constructor: { groups: [crm] }\n  jane: {'),
    );
    expect(a.user('__proto__')).toBeDefined();
    expect(a.user('toString')).toBeUndefined();
    expect(canonicalConfiguration(a.config)).toContain('"__proto__":');
    expect(a.digestHex).not.toBe(acme().digestHex);
  });

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['brackets on many lines', '[\n'.repeat(100_000)],
    ['dashes', '- '.repeat(30_000) + 'x'],
    ['question marks', '? '.repeat(30_000) + 'x'],
    ['braces', 'a: {b: '.repeat(500)],
    ['indentation', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
    ],
    ['a long line', `operator: ${'x'.repeat(70_000)}`],
  ])('nesting and size are bounded before anything grows: %s', (_, text) => {
    expect(problems(text).length).toBeGreaterThan(0);
  });

  test('hostile text never throws', () => {
    const small =
      'ambit: 1\noperator: a\nissuer: i\ntools:\n  t.*: { data: ["p:q"], writes: false }\nsessions: { most: { life: 1h } }\n';
    const came = { ok: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.nat(small.length),
        fc.string({ maxLength: 12, unit: fc.constantFrom(...HOSTILE) }),
        // Half of the texts stand between what was there, so that some stay configurations.
        fc.oneof(fc.constant(0), fc.nat(9)),
        (at, text, cut) => {
          const { ok } = parseConfiguration(small.slice(0, at) + text + small.slice(at + cut));
          came[ok ? 'ok' : 'refused']++;
        },
      ),
      { numRuns: process.env['AMBIT_LONG'] === '1' ? 20_000 : 400 },
    );
    expect(parseConfiguration(small).ok).toBe(true);
    expect(came.ok).toBeGreaterThan(0);
    expect(came.refused).toBeGreaterThan(100);
  });
});

describe('the digest', () => {
  const digest = (text: string): string => acme(() => text).digestHex;

  test('comments, layout, quotes and order do not count', () => {
    const users = ['  jane: { groups: [junior] }\n', '  sam: { groups: [senior] }\n'];
    const other = `# a comment\n${ACME}`
      .replace(users.join(''), users.reverse().join(''))
      .replace('[docs, crm]', '["crm", docs]')
      .replace('allow:\n  deny: [code_exec, fs.format]', 'allow: {deny: [fs.format, code_exec]}')
      .replace(
        '[{ unit: calls, limit: 200 }, { unit: external, limit: 20 }]',
        '[{ limit: 20, unit: external }, { unit: calls, limit: 200 }]',
      );
    expect(digest(other)).toBe(digest(ACME));
  });

  test('whatever has a meaning counts', () => {
    const seen = new Map<string, string>([[digest(ACME), 'as it is']]);
    for (const [from, to] of [
      ['acme-corp', 'acme'],
      ['razorsec-iam-service', 'iam'],
      ['seal-1: ', 'seal-2: '],
      ['untrusted: true', 'untrusted: false'],
      ['data: [public]', 'data: [internal]'],
      ['signedProof: true', 'signedProof: false'],
      ['proceed: true', 'proceed: false'],
      ['[code_exec, fs.format]', '[code_exec]'],
      ['deny: [fs.delete]', 'deny: [fs.x]'],
      ['life: 10m', 'life: 11m'],
      ['groups: [junior]', 'groups: [senior]'],
      ['limit: 50', 'limit: 51'],
      ['limit: 20 ', 'limit: 20, window: 1h '],
      ['limit: 20 ', 'limit: 20, window: 1h, sliding: true '],
      ['life: 1h', 'life: 2h'],
      ['delegations: 2,', 'delegations: 1,'],
      ['partner-iam', 'partner'],
      ['life: 5m', 'life: 6m'],
      ['sessions:', 'grace: 5m\nsessions:'],
      ['sessions:', 'defaults: { external: false }\nsessions:'],
      ['writes: true', 'writes: true, class: fs'],
      ['writes: true', 'writes: true, price: { tokens: 5 }'],
      ['writes: true', 'writes: true, price: { tokens: { most: 5, least: 4 } }'],
      ['writes: true', 'writes: true, price: { microusd: 5 }'],
      ['sessions:', 'warn: 80\nsessions:'],
    ] as const) {
      // prettier-ignore
      const d = digest(edited(from, to));
      expect(seen.get(d), `${from} -> ${to}`).toBeUndefined();
      seen.set(d, to);
    }
  });

  test('the canonical text is one line of RFC 8785 JSON with every default written out', () => {
    const text = canonicalConfiguration(acme().config);
    expect(JSON.stringify(JSON.parse(text))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({
      grace: 0,
      defaults: { external: true, data: null, untrusted: true, writes: true },
    });
  });
});

describe('facts about a tool', () => {
  test('come from the most specific entry', () => {
    const a = acme();
    expect(a.facts('fs.read').writes).toBe(false);
    expect(a.facts('fs.remove').writes).toBe(true);
    expect(a.facts('fs.sub/read').writes).toBe(true);
    expect(a.facts('ping').proceed).toBe(true);
  });

  test('an unclassified tool is taken at its worst unless the configuration says otherwise', () => {
    const worst = {
      external: true,
      data: null,
      untrusted: true,
      writes: true,
      signedProof: false,
      proceed: false,
    };
    for (const tool of ['unknown', 'fs', 'Web_search', 'web_search.x', '__proto__', 'constructor'])
      expect(acme().facts(tool)).toMatchObject(worst);
    const stated = acme((t) =>
      t.replace('tools:\n', 'defaults: { external: false, data: [internal] }\ntools:\n'),
    );
    expect(stated.facts('unknown')).toMatchObject({
      external: false,
      data: ['internal'],
      untrusted: true,
      writes: true,
    });
  });

  test('a fact that an entry leaves out is taken from the defaults', () => {
    const a = acme((t) => t.replace('  ping: {', '  bare:\n  partial: { external: false }\n  ping: {'));
    expect(a.facts('bare')).toMatchObject({ external: true, data: null, writes: true });
    expect(a.facts('partial')).toMatchObject({ external: false, data: null, untrusted: true });
  });
});
