// Constraints: strict types, the wire form, and the test of an `args` caveat.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Arguments,
  canonicalJson,
  compileArgs,
  compileConstraint,
  constraintProblem,
  describeConstraint,
  encodeConstraint,
  parseConstraint,
  parseJson,
  type Check,
  type Constraint,
  type Json,
  type JsonObject,
} from '../src/args/index.ts';
import { decode, encode, type Cbor } from '../src/cbor/index.ts';
import { AmbitError } from '../src/codes.ts';
import { LIMITS } from '../src/limits.ts';
import { jsonValues, runs } from './args-values.ts';

const args = (text: string): JsonObject => {
  const made = Arguments.parse(text);
  if (!Arguments.is(made)) throw new Error(made.message);
  return made.value;
};
const value = (text: string): Json => {
  const result = parseJson(text);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
};
const passes = (check: Check, x: unknown): boolean => check(x as Json) === null;
const table = (check: Check, yes: readonly unknown[], no: readonly unknown[]): void => {
  expect(yes.map((x) => [x, passes(check, x)])).toEqual(yes.map((x) => [x, true]));
  expect(no.map((x) => [x, passes(check, x)])).toEqual(no.map((x) => [x, false]));
};

/** One of each kind, with its wire form as in the table of `kinds.ts`. */
const WIRE: readonly (readonly [Constraint, Cbor])[] = [
  [{ kind: 'equals', value: { b: 1, a: [null, 'x'] } }, [1, '{"a":[null,"x"],"b":1}']],
  [{ kind: 'equals', value: 0.5 }, [1, '0.5']],
  [{ kind: 'oneOf', values: ['a', 1, false, null, []] }, [2, '"a"', '1', 'false', 'null', '[]']],
  [{ kind: 'range', min: -5, max: 10 }, [3, -5, 10]],
  [{ kind: 'range', max: 0.25 }, [3, null, '0.25']],
  [{ kind: 'range', min: 1e-7 }, [3, '1e-7', null]],
  [{ kind: 'length', min: 1, max: 200 }, [4, 1, 200]],
  [{ kind: 'length', max: 0 }, [4, null, 0]],
  [{ kind: 'pattern', pattern: '[a-z]+' }, [5, '[a-z]+']],
  [{ kind: 'subpath', roots: ['/srv/docs', '/tmp'] }, [6, '/srv/docs', '/tmp']],
  [{ kind: 'url', hosts: ['*.acme.com'] }, [7, null, ['*.acme.com'], null, null]],
  [
    { kind: 'url', schemes: ['http', 'https'], hosts: ['a.b'], ports: [80, 8080], paths: ['/v1'] },
    [7, ['http', 'https'], ['a.b'], [80, 8080], ['/v1']],
  ],
  [{ kind: 'cidr', networks: ['10.0.0.0/8', '::1/128'] }, [8, '10.0.0.0/8', '::1/128']],
  [{ kind: 'email', domains: ['acme.com'] }, [9, 'acme.com']],
  [{ kind: 'each', constraint: { kind: 'length', max: 5 } }, [10, [4, null, 5]]],
  [{ kind: 'absent' }, [11]],
  [
    {
      kind: 'all',
      constraints: [
        { kind: 'length', max: 5 },
        { kind: 'pattern', pattern: 'a*' },
      ],
    },
    [12, [4, null, 5], [5, 'a*']],
  ],
  [
    {
      kind: 'each',
      constraint: {
        kind: 'each',
        constraint: {
          kind: 'all',
          constraints: [
            { kind: 'range', min: 1 },
            { kind: 'equals', value: 1 },
          ],
        },
      },
    },
    [10, [10, [12, [3, 1, null], [1, '1']]]],
  ],
];

describe('the wire form', () => {
  it.each(WIRE)('%j', (constraint, wire) => {
    expect(encodeConstraint(constraint)).toEqual(wire);
    const parsed = parseConstraint(decode(encode(wire))!.value);
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(constraint);
    expect(encodeConstraint(parsed!)).toEqual(wire);
    expect(constraintProblem(constraint)).toBe(null);
    expect(describeConstraint(constraint)).toMatch(/^must /);
  });

  it('what is parsed is frozen all the way down', () => {
    const frozen = (x: unknown): boolean =>
      typeof x !== 'object' || x === null || (Object.isFrozen(x) && Object.values(x).every(frozen));
    for (const [, wire] of WIRE) expect(frozen(parseConstraint(wire))).toBe(true);
  });

  it('E11 C9 what is unknown or malformed is null, which denies', () => {
    const bad: readonly Cbor[] = [
      null,
      true,
      0,
      1,
      '',
      'absent',
      new Uint8Array([10]),
      new Map(),
      [],
      [0],
      [13],
      [-1],
      [255],
      ['1', '"a"'],
      ['equals', '1'],
      [null],
      [[11]],
      [true],
      new Map([[0, 11]]),
      // equals, oneOf: not canonical, not JSON, missing, more.
      [1],
      [1, 'x'],
      [1, ' 1'],
      [1, '1.0'],
      [1, '{"b":1,"a":2}'],
      [1, '{"a":1,"a":1}'],
      [1, '1e1'],
      [1, '"\\u0061"'],
      [1, 1],
      [1, null],
      [1, true],
      [1, '1', '2'],
      [1, ['1']],
      [1, ''],
      [1, '-0'],
      [1, '9007199254740992'],
      [1, '"' + 'x'.repeat(1024) + '"'],
      [1, '[1, 2]'],
      [2],
      [2, 'a'],
      [2, '"a"', 1],
      [2, ['"a"']],
      [2, '"a"', ''],
      [2, ...Array.from({ length: 257 }, (_, i) => String(i))],
      // range, length: no bound, wrong order, wrong types, two forms of one number.
      [3],
      [3, 1],
      [3, null, null],
      [3, 2, 1],
      [3, 1, 2, 3],
      [3, '1', 2],
      [3, '"1"', 2],
      [3, 'null', 2],
      [3, 2, 'null'],
      [3, '0.50', 2],
      [3, '.5', 1],
      [3, 'NaN', 1],
      [3, 'Infinity', null],
      [3, true, 1],
      [3, 0.5, null],
      [3, NaN, 1],
      [3, [1], 2],
      [3, '1e400', null],
      [3, '0.5', '0.25'],
      [3, '-0', null],
      [3, '1e-400', null],
      [4],
      [4, null, null],
      [4, -1, 5],
      [4, 2, 1],
      [4, '0.5', 1],
      [4, 1, '1.5'],
      [4, '1', '2'],
      [4, 1],
      [4, true, null],
      // pattern
      [5],
      [5, 1],
      [5, '('],
      [5, 'a', 'b'],
      [5, ['a']],
      [5, '^a$'],
      [5, '(a{32}){33}'],
      // subpath, url, cidr, email: empty lists, wrong forms, wrong nesting.
      [6],
      [6, 'srv'],
      [6, '/srv/'],
      [6, ['/srv']],
      [6, '/srv', 1],
      [6, '/a', '../b'],
      [7],
      [7, ['a.b']],
      [7, null, ['a.b']],
      [7, null, ['a.b'], null],
      [7, null, ['a.b'], null, null, null],
      [7, null, [], null, null],
      [7, [], ['a.b'], null, null],
      [7, null, ['a.b'], [], null],
      [7, null, ['a.b'], null, []],
      [7, null, 'a.b', null, null],
      [7, 'https', ['a.b'], null, null],
      [7, null, ['a.b'], [443.5, 1], null],
      [7, null, ['a.b'], ['443'], null],
      [7, null, ['A.b'], null, null],
      [7, null, null, null, null],
      [7, null, [1], null, null],
      [7, ['ftp'], ['a.b'], null, null],
      [7, null, ['a.b'], null, ['v1']],
      [7, true, ['a.b'], null, null],
      [8],
      [8, '10.0.0.1/8'],
      [8, '10.0.0.0'],
      [8, ['10.0.0.0/8']],
      [8, 10],
      [9],
      [9, 'ACME.com'],
      [9, 'acme'],
      [9, ['acme.com']],
      [9, '*'],
      // each, absent, all
      [10],
      [10, [11]],
      [10, []],
      [10, [13]],
      [10, [4, null, 5], [4, null, 5]],
      [10, null],
      [10, 4],
      [10, [10, [10, [10, [4, null, 5]]]]],
      [11, 1],
      [11, null],
      [11, []],
      [12],
      [12, [4, null, 5]],
      [12, [4, null, 5], [11]],
      [12, [4, null, 5], [13]],
      [12, [4, null, 5], null],
      [12, ...Array.from({ length: 257 }, () => [4, null, 5])],
      [
        12,
        [
          [4, null, 5],
          [4, null, 5],
        ],
      ],
    ];
    for (const code of [10, 12]) {
      let deep: Cbor = [4, null, 5];
      for (let i = 0; i < 100_000; i++) deep = [code, deep];
      expect(parseConstraint(deep)).toBe(null);
    }
    for (const wire of bad) expect([wire, parseConstraint(wire)]).toEqual([wire, null]);
  });

  it('E11 no wire form of one kind is read as another', () => {
    for (const [constraint, wire] of WIRE) {
      for (let code = 0; code <= 13; code++) {
        const parsed = parseConstraint([code, ...(wire as readonly Cbor[]).slice(1)]);
        if (parsed !== null && parsed.kind === constraint.kind)
          expect((wire as readonly Cbor[])[0]).toBe(code);
      }
    }
  });

  it('random CBOR never throws', () => {
    const cbor = fc.letrec<{ item: unknown }>((tie) => ({
      item: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
          fc.integer({ min: -3, max: 14 }),
          fc.boolean(),
          fc.constant(null),
          fc.string({ maxLength: 6 }),
          fc.constantFrom('"a"', '1', '/a', 'a.b', '*', '::/0', '(', 'https'),
          fc.uint8Array({ maxLength: 3 }),
        ),
        fc.array(tie('item'), { maxLength: 5 }),
        fc.tuple(fc.integer({ min: 1, max: 12 }), tie('item'), tie('item')),
      ),
    })).item;
    // Hardly any of these is a constraint: so half are one with a member exchanged, or with none.
    const near = fc
      .tuple(fc.constantFrom(...WIRE.map(([, wire]) => wire as readonly Cbor[])), fc.nat(6), cbor)
      .map(([wire, at, other]) => wire.map((member, i) => (i === at ? other : member)));
    let [asked, read] = [0, 0];
    fc.assert(
      fc.property(fc.oneof(cbor, near), jsonValues, (wire, x) => {
        asked++;
        const parsed = parseConstraint(wire as Cbor);
        if (parsed === null) return;
        read++;
        expect(encodeConstraint(parsed)).toEqual(wire);
        const refused = compileConstraint(parsed)(value(JSON.stringify(x)));
        if (refused !== null) expect(refused).toMatch(/^must /);
        expect(compileConstraint(parsed)(undefined) === null).toBe(parsed.kind === 'absent');
      }),
      runs(3000),
    );
    expect(read / asked).toBeGreaterThan(0.1);
  });

  it.each<[unknown, RegExp]>([
    [null, /^constraint: expected a constraint/],
    [undefined, /expected a constraint/],
    ['absent', /expected a constraint/],
    [{}, /unknown kind/],
    [{ kind: 'any', constraints: [] }, /^any: unknown kind/],
    [{ kind: 'toString' }, /unknown kind/],
    [{ kind: '__proto__' }, /unknown kind/],
    [{ kind: 'range', maximum: 5 }, /^range: unknown field "maximum"/],
    [{ kind: 'range' }, /^range: min/],
    [{ kind: 'range', min: '1' }, /^range: min/],
    [{ kind: 'range', min: NaN }, /^range: min/],
    [{ kind: 'range', max: Infinity }, /^range: max/],
    [{ kind: 'range', min: -0 }, /^range: min/],
    [{ kind: 'range', max: 2 ** 53 }, /^range: max/],
    [{ kind: 'range', min: 2, max: 1 }, /^range: max: expected no less/],
    [{ kind: 'length', max: 1.5 }, /^length: max/],
    [{ kind: 'length', min: -1 }, /^length: min/],
    [{ kind: 'length', min: -0 }, /^length: min/],
    [{ kind: 'url', hosts: ['a.b'], path: ['/v1'] }, /^url: unknown field "path"/],
    [{ kind: 'equals' }, /^equals: value/],
    [{ kind: 'equals', value: undefined }, /^equals: value/],
    [{ kind: 'equals', value: -0 }, /^equals: value/],
    [{ kind: 'equals', value: new Date() }, /^equals: value/],
    [{ kind: 'equals', value: 'x'.repeat(1023) }, /^equals: value/],
    [{ kind: 'oneOf', values: [] }, /^oneOf: values/],
    [{ kind: 'oneOf', values: 'ab' }, /^oneOf: values/],
    [{ kind: 'oneOf', values: [1, () => 1] }, /^oneOf: values/],
    [{ kind: 'each' }, /expected a constraint/],
    [{ kind: 'each', constraint: { kind: 'absent' } }, /absent stands alone/],
    [{ kind: 'all', constraints: [] }, /two or more/],
    [{ kind: 'all', constraints: [{ kind: 'range', min: 1 }] }, /two or more/],
    [{ kind: 'all', constraints: [{ kind: 'range', min: 1 }, { kind: 'absent' }] }, /absent stands alone/],
    [{ kind: 'absent', value: 1 }, /unknown field/],
  ])('%j is refused with a reason that names the field', (constraint, why) => {
    expect(() => encodeConstraint(constraint as Constraint)).toThrow(why);
    expect(() => encodeConstraint(constraint as Constraint)).toThrow(AmbitError);
    expect(() => compileConstraint(constraint as Constraint)).toThrow(TypeError);
  });

  it('a compiled constraint is not reached by later changes of what it was made from', () => {
    const wanted = { a: [1] };
    const roots = ['/srv'];
    const check = compileConstraint({ kind: 'equals', value: wanted });
    const path = compileConstraint({ kind: 'subpath', roots });
    wanted.a.push(2);
    roots.push('/');
    expect(check(value('{"a":[1]}'))).toBe(null);
    expect(path('/etc')).not.toBe(null);
  });
});

describe('C3 numbers', () => {
  const odd: readonly unknown[] = [
    NaN,
    Infinity,
    -Infinity,
    '5',
    ' 5',
    '5 ',
    '0x5',
    '5e0',
    '',
    '٥',
    'NaN',
    true,
    false,
    null,
    [],
    [5],
    { a: 5 },
    { valueOf: 5 },
    undefined,
  ];

  it('range takes numbers, both ends included', () => {
    const check = compileConstraint({ kind: 'range', min: 0, max: 10 });
    table(
      check,
      [0, 1, 10, 0.5, 9.999999999999998, 5e-324],
      [
        ...odd,
        -1,
        11,
        10 + 2 ** -49,
        10.000000000000002,
        -5e-324,
        -Number.EPSILON,
        Number.MAX_SAFE_INTEGER,
        2 ** 53,
      ],
    );
    expect(check(11)).toBe('must be a number from 0 to 10');
    expect(compileConstraint({ kind: 'range', max: 5 })(6)).toBe('must be a number at most 5');
    expect(compileConstraint({ kind: 'range', min: 0.5 })(0)).toBe('must be a number at least 0.5');
  });

  it('fractions are exact at the bound', () => {
    const check = compileConstraint({ kind: 'range', max: 0.3 });
    table(check, [0.3, 0.1, 0.29999999999999993], [0.1 + 0.2, 0.30000000000000004]);
  });

  it('equals and oneOf compare values, not what they convert to', () => {
    table(compileConstraint({ kind: 'equals', value: 5 }), [5, 5.0], [...odd, 6, 5.000000000000001]);
    table(compileConstraint({ kind: 'equals', value: 0 }), [0], [...odd, '', '0', false, 5e-324]);
    table(
      compileConstraint({ kind: 'equals', value: null }),
      [null],
      [undefined, 0, '', 'null', false, [], {}],
    );
    table(compileConstraint({ kind: 'equals', value: true }), [true], ['true', 1, [true], undefined, null]);
    table(compileConstraint({ kind: 'equals', value: '' }), [''], [null, undefined, 0, false, [], ' ', '\0']);
    table(compileConstraint({ kind: 'equals', value: 'é' }), ['é'], ['e\u0301', 'É', 'é ', 'é\0']);
    const check = compileConstraint({ kind: 'oneOf', values: ['a', 1, null] });
    table(check, ['a', 1, null], ['A', 'a ', '1', 'null', true, ['a'], [1], { a: 1 }, undefined, 0, '']);
    expect(check('b')).toBe('must be "a", 1 or null');
  });

  it('equals compares structures whatever the order of names', () => {
    const check = compileConstraint({ kind: 'equals', value: { a: [1, { b: null }], c: 'x' } });
    table(
      check,
      [value('{"c":"x","a":[1,{"b":null}]}')],
      [
        '{"a":[1,{"b":null}]}',
        '{"a":[1,{"b":null}],"c":"x","d":1}',
        '{"a":[1,{}],"c":"x"}',
        '{"a":[{"b":null},1],"c":"x"}',
        '{"a":{"0":1,"1":{"b":null}},"c":"x"}',
        '{"a":[1],"c":"x"}',
        '{"a":[1,{"b":null},2],"c":"x"}',
        '[]',
        '{}',
        'null',
        '"x"',
      ].map(value),
    );
    const numbered = compileConstraint({ kind: 'equals', value: { 0: 1 } });
    table(numbered, [value('{"0":1}')], [value('[1]'), value('{"1":1}')]);
    const structures = compileConstraint({ kind: 'oneOf', values: [[], {}, [1], { a: 1 }] });
    table(
      structures,
      ['[]', '{}', '[1]', '{"a":1}'].map(value),
      ['[2]', '[[]]', '{"a":2}', '{"constructor":1}', 'null', '0', '""'].map(value),
    );
  });

  it('equality is that of canonical texts', () => {
    fc.assert(
      fc.property(jsonValues, jsonValues, (a, b) => {
        const [x, y] = [value(JSON.stringify(a)), value(JSON.stringify(b))];
        // At most 1,024 bytes of CBOR, where a short number takes nine: `1.5` has three characters.
        fc.pre(Buffer.byteLength(canonicalJson(x)) <= 340);
        const check = compileConstraint({ kind: 'equals', value: x });
        expect(check(value(JSON.stringify(a)))).toBe(null);
        expect(check(y) === null).toBe(canonicalJson(x) === canonicalJson(y));
      }),
    );
  });
});

describe('length', () => {
  it('counts code points of texts and items of lists, nothing else', () => {
    const check = compileConstraint({ kind: 'length', min: 1, max: 3 });
    table(
      check,
      ['a', 'abc', '😀😀😀', 'e\u0301', [1], [1, 2, 3]],
      ['', 'abcd', '😀😀😀😀', 'abc\0', [], [1, 2, 3, 4], 2, null, true, undefined, { length: 2 }, { a: 1 }],
    );
    expect(check('')).toBe('must have a length from 1 to 3');
    table(compileConstraint({ kind: 'length', max: 0 }), ['', []], ['a', [1], null]);
    table(compileConstraint({ kind: 'length', min: 2 }), ['ab', '😀😀'], ['a', '😀']);
    expect(compileConstraint({ kind: 'length', max: 10 })('x'.repeat(60_000))).toBe(
      'must have a length at most 10',
    );
  });
});

describe('C4 lists', () => {
  const each = compileConstraint({ kind: 'each', constraint: { kind: 'email', domains: ['acme.com'] } });
  const good = 'jane@acme.com';

  it('every item must hold, and there must be one', () => {
    table(
      each,
      [[good], [good, good], Array.from({ length: 100 }, () => good)],
      [
        [],
        [good, 'joe@evil.org'],
        ['joe@evil.org', good],
        [...Array.from({ length: 1000 }, () => good), 'joe@evil.org'],
        [[good]],
        [good, [good]],
        [good, null],
        [null],
        [[]],
        [good, { a: 1 }],
        good,
        null,
        undefined,
        {},
        { 0: good, length: 1 },
        true,
        1,
        `${good},joe@evil.org`,
      ],
    );
    expect(each([])).toBe('must be a list whose every item must be one bare e-mail address at acme.com');
  });

  it('lists of lists need each in each', () => {
    const nested = compileConstraint({
      kind: 'each',
      constraint: { kind: 'each', constraint: { kind: 'range', max: 5 } },
    });
    table(
      nested,
      [[[1]], [[1, 2], [3]]],
      [[], [[]], [[1], []], [1], [[1], 2], [[1], [6]], [[[1]]], [[null]]],
    );
  });

  it('all asks for all', () => {
    const all = compileConstraint({
      kind: 'all',
      constraints: [
        { kind: 'length', max: 20 },
        { kind: 'email', domains: ['*.acme.com', 'acme.com'] },
      ],
    });
    table(all, [good, 'j@eu.acme.com'], ['jane.marple@eu.acme.com', 'joe@evil.org', '', null, undefined]);
    expect(all('jane.marple@eu.acme.com')).toBe('must have a length at most 20');
    expect(
      describeConstraint({
        kind: 'all',
        constraints: [
          { kind: 'length', max: 20 },
          { kind: 'range', min: 1 },
        ],
      }),
    ).toBe('must have a length at most 20 and must be a number at least 1');
  });
});

describe('what a constraint says', () => {
  it('of lists that are long or hold long texts is cut', () => {
    // With a port this says 300 characters, as many as `all` may say.
    const hosts = [64, 64, 64, 61].map((n, i) => `${'abcd'[i]!.repeat(n - 2)}.x`);
    const url: Constraint = { kind: 'url', hosts: hosts.map((h) => h.replace(/^(.{30})./, '$1.')), ports: [1] };
    const said = describeConstraint(url);
    expect(said).toHaveLength(300);
    const range: Constraint = { kind: 'range', min: 1, max: 2 };
    expect(describeConstraint({ kind: 'all', constraints: [url, range] })).toBe(`${said}...`);
    expect(describeConstraint({ kind: 'all', constraints: [range, url] })).toBe(
      `must be a number from 1 to 2 and ${said}`.slice(0, 300) + '...',
    );
    expect(describeConstraint({ kind: 'all', constraints: [range, range, range] })).toBe(
      'must be a number from 1 to 2 and must be a number from 1 to 2 and must be a number from 1 to 2',
    );
  }); // prettier-ignore

  it('of an argument that is not there is the first thing that `all` asks for', () => {
    const constraints: Constraint[] = [
      { kind: 'length', max: 20 },
      { kind: 'pattern', pattern: 'a' },
    ];
    const inner: Constraint = { kind: 'all', constraints };
    for (const constraint of [inner, { kind: 'all', constraints: [inner, { kind: 'range', max: 1 }] }] as const)
      expect(compileArgs(new Map([['a', constraint]]), false)({})).toBe('"a" must have a length at most 20');
  }); // prettier-ignore

  it('of an unknown kind is a mistake of the program', () => {
    const unknown = { kind: 'any', constraints: [] } as unknown as Constraint;
    expect(() => describeConstraint(unknown)).toThrow(new TypeError('constraint: unknown kind'));
  });

  it('bounds may be equal, and one of them may be left out', () => {
    table(compileConstraint({ kind: 'range', min: 2, max: 2 }), [2], [1, 3]);
    table(compileConstraint({ kind: 'length', min: 2, max: 2 }), ['ab', [1, 2]], ['a', 'abc', []]);
    table(compileConstraint({ kind: 'range', min: undefined, max: 2 }), [-9, 2], [3]);
    table(compileConstraint({ kind: 'length', min: 0, max: undefined }), ['', 'a'], [1]);
    const most = Number.MAX_SAFE_INTEGER;
    table(compileConstraint({ kind: 'range', min: -most, max: most }), [-most, 0, most], ['0']);
    expect(() => compileConstraint({ kind: 'length', min: 2 ** 53 })).toThrow(/min/);
    expect(() => compileConstraint({ kind: 'range' })).toThrow(/min: expected a number/);
  });

  it('E9 four constraints in each other, and no more', () => {
    const nested = (depth: number): Constraint =>
      depth === 1 ? { kind: 'length', min: 1 } : { kind: 'each', constraint: nested(depth - 1) };
    const within = (inner: Constraint): Constraint => ({ kind: 'all', constraints: [{ kind: 'length', min: 1 }, inner] });
    for (const good of [nested(4), within(nested(3)), within(within(within(nested(1))))]) {
      expect(constraintProblem(good)).toBe(null);
      expect(parseConstraint(encodeConstraint(good))).not.toBe(null);
    }
    for (const deep of [nested(5), within(nested(4)), within(within(within(nested(2))))])
      expect(constraintProblem(deep)).toBe('nested deeper than 4');
    const wire = (depth: number): Cbor => (depth === 1 ? [4, 1, null] : [10, wire(depth - 1)]);
    expect([parseConstraint(wire(4))?.kind, parseConstraint(wire(5))]).toEqual(['each', null]);
    expect(parseConstraint([12, [4, 1, null], wire(4)])).toBe(null);
  }); // prettier-ignore

  it('256 values, and no more', () => {
    const values = Array.from({ length: 257 }, (_, i) => i);
    expect(constraintProblem({ kind: 'oneOf', values })).toMatch(/^values/);
    table(compileConstraint({ kind: 'oneOf', values: values.slice(1) }), [1, 256], [0, 257]);
    const range: Constraint = { kind: 'range', min: 1 };
    const all = (n: number): Constraint => ({ kind: 'all', constraints: Array.from({ length: n }, () => range) });
    expect([constraintProblem(all(1)), constraintProblem(all(257))].map((p) => p?.slice(0, 11))).toEqual(['constraints', 'constraints']);
    table(compileConstraint(all(256)), [1], [0]);
    table(compileConstraint(all(2)), [1], [0]);
    const ports = (n: number): Constraint => ({ kind: 'url', hosts: ['a.b'], ports: values.slice(0, n).map((i) => i + 1) });
    expect([constraintProblem(ports(256)), constraintProblem(ports(257))?.slice(0, 5)]).toEqual([null, 'ports']);
    expect(constraintProblem({ kind: 'url', hosts: ['a.b'], ports: [1, 65535] })).toBe(null);
  }); // prettier-ignore
});

describe('C8 arguments that are left out, added, or named after a prototype', () => {
  const rules = new Map<string, Constraint>([
    ['path', { kind: 'subpath', roots: ['/srv'] }],
    ['limit', { kind: 'range', max: 10 }],
    ['force', { kind: 'absent' }],
  ]);
  const open = compileArgs(rules, false);
  const closed = compileArgs(rules, true);

  it('a constraint on an argument that is absent fails, `absent` holds for one that is', () => {
    expect(open(args('{"path":"/srv/a","limit":1}'))).toBe(null);
    expect(open(args('{"path":"/srv/a"}'))).toBe('"limit" must be a number at most 10');
    expect(open(args('{}'))).toBe('"path" must be a plain absolute path in /srv');
    expect(open(args('{"path":"/srv/a","limit":null}'))).toBe('"limit" must be a number at most 10');
    for (const force of ['true', 'false', 'null', '""', '[]', '{}', '0']) {
      expect(open(args(`{"path":"/srv/a","limit":1,"force":${force}}`))).toBe('"force" must be left out');
    }
    for (const [constraint] of WIRE) {
      expect(compileArgs(new Map([['a', constraint]]), false)(args('{"b":1}')) === null).toBe(
        constraint.kind === 'absent',
      );
    }
  });

  it('a closed set has no other argument', () => {
    expect(closed(args('{"limit":1,"path":"/srv/a"}'))).toBe(null);
    expect(open(args('{"path":"/srv/a","limit":1,"other":1}'))).toBe(null);
    expect(closed(args('{"path":"/srv/a","limit":1,"other":1}'))).toBe(
      '"other" is not among the arguments allowed',
    );
    expect(closed(args('{"path":"/srv/a","limit":1,"Path":"/etc"}'))).toMatch(/^"Path" is not/);
    expect(closed(args('{"path":"/srv/a","limit":1,"path ":"/etc"}'))).toMatch(/^"path " is not/);
    expect(closed(args('{"path":"/srv/a","limit":1,"":null}'))).toMatch(/^"" is not/);
    expect(compileArgs(new Map(), true)(args('{}'))).toBe(null);
    expect(compileArgs(new Map(), true)(args('{"a":null}'))).toMatch(/^"a" is not/);
  });

  it.each([
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'isPrototypeOf',
    '__defineGetter__',
    '__proto__',
  ])('%s is just a name', (name) => {
    const required = compileArgs(new Map<string, Constraint>([[name, { kind: 'equals', value: 1 }]]), true);
    expect(required(args('{}'))).toMatch(/must be 1$/);
    expect(compileArgs(new Map<string, Constraint>([[name, { kind: 'absent' }]]), true)(args('{}'))).toBe(
      null,
    );
    // Even for an object that is not ours.
    expect(required({})).toMatch(/must be 1$/);
    if (name === '__proto__') return;
    expect(required(args(`{"${name}":1}`))).toBe(null);
    expect(closed(args(`{"path":"/srv/a","limit":1,"${name}":1}`))).toMatch(/is not among/);
  });

  it('what is inherited is neither an argument nor refused', () => {
    const inherited = Object.create({ path: '/srv/a', limit: 1, other: 1 }) as JsonObject;
    expect(open(inherited)).toMatch(/^"path" must/);
    expect(compileArgs(new Map(), true)(inherited)).toBe(null);
  });

  it('the reason repeats at most 64 characters of a name, made printable', () => {
    const reason = closed(args(`{"path":"/srv/a","limit":1,"\\u001b[2J\\u202e${'x'.repeat(500)}":1}`))!;
    expect(reason).toMatch(/^"\?\[2J\?x+\.\.\." is not among the arguments allowed$/);
    expect(reason.length).toBeLessThan(110);
  });
});

describe('C9 a constraint of one type replaced by another', () => {
  it('only narrows: two caveats are two tests, and the second cannot lift the first', () => {
    const first = compileArgs(
      new Map<string, Constraint>([['a', { kind: 'oneOf', values: ['x', 'y'] }]]),
      true,
    );
    const second = compileArgs(
      new Map<string, Constraint>([['a', { kind: 'pattern', pattern: '(.|\\n)*' }]]),
      false,
    );
    for (const text of ['{"a":"z"}', '{"a":"x","b":1}', '{}']) {
      expect(first(args(text)) === null && second(args(text)) === null).toBe(false);
    }
    expect(first(args('{"a":"x"}')) === null && second(args('{"a":"x"}')) === null).toBe(true);
  });

  it('there is no any-of, by any name or number', () => {
    for (const kind of ['any', 'anyOf', 'or', 'not', 'none']) {
      expect(() =>
        encodeConstraint({ kind, constraints: [{ kind: 'absent' }] } as unknown as Constraint),
      ).toThrow(/unknown kind/);
    }
    for (let code = 13; code < 64; code++) expect(parseConstraint([code, [4, null, 5], [11]])).toBe(null);
  });
});

describe('L8 the work of all checks of a call is bounded', () => {
  const long = 'a'.repeat(60_000);
  const rule: Constraint = { kind: 'pattern', pattern: 'a{0,60}b?' };

  it('constraints draw on one budget of steps', () => {
    const many = new Map(Array.from({ length: 40 }, (_, i) => [`k${i}`, rule] as const));
    const check = compileArgs(many, false);
    const texts = (n: number): JsonObject =>
      args(
        JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, 'a'.repeat(n)]))),
      );
    expect(check(texts(60))).toBe(null);
    // The budget is whole again at the next call, also after it was used up.
    const each = compileArgs(
      new Map([
        ['list', { kind: 'each', constraint: { kind: 'all', constraints: [rule, rule] } } as Constraint],
      ]),
      false,
    );
    const list = (n: number): JsonObject =>
      args(JSON.stringify({ list: Array.from({ length: n }, () => 'a'.repeat(60)) }));
    for (let i = 0; i < 3; i++) {
      expect(each(list(10))).toBe(null);
      expect(each(list(1000))).toBe('"list" must be short enough to be checked');
    }
  });

  it('a shared budget bounds several caveats together', () => {
    const work = { left: LIMITS.checkSteps };
    const check = compileArgs(new Map([['a', { kind: 'length', max: 100_000 } as Constraint]]), false);
    const call = args(JSON.stringify({ a: long }));
    let n = 0;
    while (check(call, work) === null) n++;
    expect(n).toBe(Math.floor(LIMITS.checkSteps / long.length));
    expect(check(call)).toBe(null);
  });

  it('ordinary constraints on the largest arguments are far from it', () => {
    const check = compileConstraint({
      kind: 'all',
      constraints: [
        { kind: 'length', max: 100_000 },
        { kind: 'pattern', pattern: '[\\w\\s.,;:!?-]*' },
      ],
    });
    expect(check(long)).toBe(null);
  });
});
