// Grants, frames and chains at their limits: what is just legal is written and read, and what is just not is refused
// where it would be written and, forged, where it is read.
import { describe, expect, it } from 'vitest';
import {
  attenuate,
  concat,
  decodeCbor,
  delegate,
  encodeCbor,
  evidence,
  mint,
  restrict,
  type Budget,
  type Cbor,
  type CborMap,
  type Restriction,
} from '../src/index.ts';
import { budgetWords } from '../src/token/budget.ts';
import { spanOf, stepOf, windowStartOf } from '../src/token/budget-window.ts';
import { readEvidence, readFrame, readToken, tokenText, writeFrame } from '../src/token/frame.ts';
import { isName, isNote } from '../src/token/names.ts';
import { baseSpec, COLD, holder, issuerSigner, itemsOf, keyring, mintBase, NOW, remac, T0, verifierWith } from './sample.ts'; // prettier-ignore

const code = (token: string): string => {
  const answer = verifierWith(COLD).identify(token);
  return answer.ok ? 'ok' : answer.code;
};
const refused = expect.objectContaining({ code: 'input_invalid' });
const notes = (n: number): Restriction[] => Array.from({ length: n }, (_, i) => restrict.note(`n${i}`));
const counters = (n: number): Budget[] =>
  Array.from({ length: n }, (_, i) => ({ unit: 'calls', limit: i + 1 }));

describe('windows', () => {
  it('a step is a 60th of a sliding window, rounded up; others have none', () => {
    const steps = [1, 59, 60, 61, 120, 121, 3600].map((window) => stepOf({ window, sliding: true }));
    expect(steps).toEqual([1, 1, 1, 2, 2, 3, 60]);
    expect([stepOf({ window: 60 }), stepOf({}), stepOf({ window: 60, sliding: false })]).toEqual([0, 0, 0]);
  });

  it('what is charged counts for the window, and for one step more where it slides', () => {
    expect([spanOf(0, 0), spanOf(60, 0), spanOf(60, 1), spanOf(61, 2), spanOf(3600, 60)]).toEqual([
      0, 60, 61, 64, 3660,
    ]);
  });

  it('begins at a multiple of its length, or of its step; a total never does', () => {
    expect(windowStartOf({}, 125)).toBe(0);
    expect([119, 120, 125, 179.9, 180].map((now) => windowStartOf({ window: 60 }, now))).toEqual([
      60, 120, 120, 120, 180,
    ]);
    expect(windowStartOf({ window: 120, sliding: true }, 125)).toBe(124);
    expect(windowStartOf({ window: 60, sliding: true }, 125.5)).toBe(125);
  });
});

describe('budgets', () => {
  const minted = (...budgets: Budget[]): string => mint(keyring, { ...baseSpec, budgets }, issuerSigner);
  const read = (token: string): readonly Budget[] => {
    const answer = verifierWith(COLD).identify(token);
    if (!answer.ok) throw new Error(answer.code);
    return answer.token.view.budgets;
  };
  const sliding: Budget = { unit: 'calls', limit: 5, window: 60, sliding: true };

  it('are read back as they were written, sliding or not, to the longest window', () => {
    const longest = { unit: 'calls', limit: 5, window: 2 ** 31, sliding: true } as const;
    const budgets: Budget[] = [
      sliding,
      longest,
      { unit: 'bytes', limit: 5, window: 60 },
      { unit: 'calls', limit: 5 },
    ];
    expect(read(minted(...budgets))).toEqual(budgets.map((b) => expect.objectContaining(b)));
    expect(read(minted({ unit: 'bytes', limit: 5, window: 60 }))[0]!.sliding).toBeUndefined();
  });

  it.each<readonly [string, object]>([
    ['sliding without a window', { window: undefined }],
    ['sliding for longer than can be kept', { window: 2 ** 31 + 1 }],
    ['sliding by a word', { sliding: 'yes' }],
    ['a window of nothing', { window: 0 }],
    ['a window that goes back', { window: -60 }],
    ['an argument for calls', { argument: 'n' }],
    ['a sum of nothing', { unit: 'sum' }],
  ])('are not written with %s', (_, change) => {
    expect(() => minted({ ...sliding, ...change })).toThrow(refused);
  });

  it('are not read in another form', () => {
    const map = decodeCbor(itemsOf(minted(sliding))[0]!)!.value as CborMap;
    const forged = (...entries: Cbor[]): string => code(remac([encodeCbor(new Map(map).set(-8, entries))]));
    const entry: Cbor[] = [1, 5, -60, null, null, null];
    expect(forged(entry)).toBe('ok');
    expect(forged([1, 5, -(2 ** 31), null, null, null])).toBe('ok');
    expect(forged([1, 5, -(2 ** 31) - 1, null, null, null])).toBe('token_invalid');
    for (const unit of [0, 6]) expect(forged([unit, ...entry.slice(1)])).toBe('token_invalid');
    expect(forged()).toBe('token_invalid');
    // One counter of a pool may be named once; by another window it is another counter.
    const pooled = (window: number): Cbor[] => [1, 5, window, null, 'team', null];
    expect(forged(pooled(60), pooled(-60))).toBe('seal_required');
    expect(forged(pooled(60), pooled(60))).toBe('token_invalid');
  });

  it('read to people as what they are', () => {
    const words = [sliding, { ...sliding, sliding: false }, { ...sliding, unit: 'external' as const }].map(
      budgetWords,
    );
    expect(new Set(words).size).toBe(3);
    expect(budgetWords({ unit: 'cost', limit: 9, argument: 'microusd' })).toBe('9 microusd');
    expect(budgetWords({ unit: 'sum', limit: 9, argument: 'amount' })).toBe('9 of amount');
  });
});

describe('a grant', () => {
  const [grant] = itemsOf(mintBase());
  it('L7 has as many pairs as its head says, of keys that are known', () => {
    const more = (by: number, ...behind: Uint8Array[]): Uint8Array => {
      const bytes = concat(grant!, ...behind);
      bytes[0]! += by;
      return bytes;
    };
    expect(code(remac([more(0)]))).toBe('ok');
    expect(code(remac([more(1, encodeCbor(-10), encodeCbor(null))]))).toBe('token_invalid');
    // Two keys and no value: who does not stop at the first reads the second.
    expect(code(remac([more(2, encodeCbor(-10), encodeCbor(-11))]))).toBe('token_invalid');
    expect(code(remac([more(1)]))).toBe('token_invalid');
    expect(code(remac([more(-1)]))).toBe('token_invalid');
  });

  it('L7 names an operator by one or two things', () => {
    const operator = encodeCbor([baseSpec.operator.id, baseSpec.operator.config!]);
    const at = Buffer.from(grant!).indexOf(Buffer.from(operator));
    expect(at).toBeGreaterThan(0);
    for (const head of [0x80, 0x81, 0x83, 0x84]) {
      const bytes = grant!.slice();
      bytes[at] = head;
      expect(code(remac([bytes])), String(head)).toBe('token_invalid');
    }
  });
});

describe('a frame', () => {
  const tail = new Uint8Array(32);
  const sized = (n: number, end: Uint8Array | null): Uint8Array => {
    const rest = writeFrame([new Uint8Array(1000)], end).length - 1000;
    return writeFrame([new Uint8Array(n - rest)], end);
  };
  const asEvidence = (bytes: Uint8Array): string => tokenText(bytes).replace('amb1_', 'ambe1_');

  it('E8 has 16,384 bytes at most, tail or not', () => {
    expect(readToken(tokenText(sized(16_384, tail)))?.bytes).toHaveLength(16_384);
    expect(readToken(tokenText(sized(16_385, tail)))).toBeNull();
    expect(readEvidence(asEvidence(sized(16_384, null)))?.bytes).toHaveLength(16_384);
    expect(readEvidence(asEvidence(sized(16_385, null)))).toBeNull();
    expect(readEvidence(`ambe1_${'A'.repeat(40_000)}`)).toBeNull();
  });

  it('E12 is told by its prefix', () => {
    const token = mintBase();
    expect(readToken(token)).not.toBeNull();
    for (const other of [evidence(token)!, token.replace('amb1_', 'xmb1_'), token.slice(5)])
      expect(readToken(other)).toBeNull();
    const shown = evidence(token)!;
    expect(readEvidence(shown)).not.toBeNull();
    for (const other of [token, shown.replace('ambe1_', 'ambx1_'), shown.slice(6)])
      expect(readEvidence(other)).toBeNull();
  });

  it('E13 ends where its bytes end, wherever it is cut', () => {
    const whole = writeFrame([new Uint8Array(30), new Uint8Array(3), new Uint8Array(30)], tail);
    const shown = writeFrame([new Uint8Array(30), new Uint8Array(3), new Uint8Array(30)], null);
    expect(readFrame(whole)).not.toBeNull();
    expect(readFrame(shown, true)).not.toBeNull();
    for (let n = 0; n < whole.length; n++) expect(readFrame(whole.subarray(0, n)), String(n)).toBeNull();
    for (let n = 0; n < shown.length; n++)
      expect(readFrame(shown.subarray(0, n), true), String(n)).toBeNull();
  });
});

describe('a chain', () => {
  const to = (restrictions: Restriction[]): Parameters<typeof delegate>[1] => ({
    to: holder(1).publicKey,
    label: 'b',
    time: T0,
    restrictions,
  });

  it('has 128 caveats at most, whoever appends them', () => {
    expect(code(mintBase({ restrictions: notes(128) }))).toBe('ok');
    expect(() => mintBase({ restrictions: notes(129) })).toThrow(refused);
    expect(code(mintBase({ restrictions: notes(127) }, issuerSigner))).toBe('ok');
    expect(() => mintBase({ restrictions: notes(128) }, issuerSigner)).toThrow(refused);
    expect(() => mintBase({ restrictions: notes(129) }, issuerSigner)).toThrow(refused);
    const most = mintBase({ restrictions: notes(127) });
    expect(code(attenuate(most, restrict.note('x')))).toBe('ok');
    expect(() => attenuate(most, ...notes(2))).toThrow(refused);
    expect(code(delegate(most, to([]), holder(0)))).toBe('ok');
    expect(() => delegate(most, to(notes(1)), holder(0))).toThrow(refused);
    expect(() => delegate(most, to(notes(2)), holder(0))).toThrow(refused);
  });

  it('has 16 counters at most, of the grant and of all who append some', () => {
    const budget = (n: number): Restriction => restrict.budget(...counters(n));
    expect(code(mintBase({ budgets: counters(8), restrictions: [budget(8)] }))).toBe('ok');
    for (const seal of [undefined, issuerSigner]) {
      expect(() => mintBase({ budgets: counters(8), restrictions: [budget(9)] }, seal)).toThrow(refused);
      const eight = mintBase({ budgets: counters(4), restrictions: [budget(4)] }, seal);
      expect(code(attenuate(eight, budget(8)))).toBe('ok');
      expect(() => attenuate(eight, budget(9))).toThrow(refused);
      expect(code(delegate(eight, to([budget(8)]), holder(0)))).toBe('ok');
      expect(() => delegate(eight, to([budget(9)]), holder(0))).toThrow(refused);
    }
  });

  it('takes whole seconds for the time of a delegation, the first of them too', () => {
    const at = (time: number): number | undefined => {
      const token = delegate(mintBase(), { ...to([]), time }, holder(0));
      const answer = verifierWith(COLD).identify(token);
      return answer.ok ? answer.token.view.chain.at(-1)!.time : undefined;
    };
    expect([at(0), at(-0), at(0.9), at(NOW + 0.9)]).toEqual([0, 0, 0, NOW]);
    for (const time of [-1, Number.NaN, Infinity, 2 ** 53]) expect(() => at(time)).toThrow(RangeError);
    for (const by of [undefined, {}, { use: 'issuer' }])
      expect(() => delegate(mintBase(), to([]), { publicKey: by, sign: () => new Uint8Array(64) } as never)).toThrow(TypeError); // prettier-ignore
  });
});

describe('names', () => {
  it('have 1 to 256 bytes, whatever they are written in', () => {
    const names = ['a', ' ', '~', 'a'.repeat(256), 'é'.repeat(128), '日'.repeat(85), '🦀'.repeat(64)];
    for (const name of names) expect(isName(name), name).toBe(true);
    for (const name of ['', 'a'.repeat(257), 'é'.repeat(129), '日'.repeat(86), '🦀'.repeat(65)])
      expect(isName(name), name).toBe(false);
    for (const name of ['\u001f', '\u007f', 'a\nb', '\ud800', '\u202e', '\u2028', '\u200b', 'é\u0000'])
      expect(isName(name), JSON.stringify(name)).toBe(false);
    for (const note of ['a'.repeat(1024), 'é'.repeat(512)]) expect(isNote(note)).toBe(true);
    for (const note of ['', 'a'.repeat(1025), 'é'.repeat(513), 'a\u0000'])
      expect(isNote(note), JSON.stringify(note.slice(0, 5))).toBe(false);
  });
});
