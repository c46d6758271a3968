// The syntax of `pattern`: regular expressions in the old sense, and nothing that needs backtracking. A pattern
// always covers the whole value; it means what the same text means to a JavaScript RegExp as ^(?:...)$ with the
// `u` flag, except that \s is ASCII white space and that any ASCII punctuation may be escaped.
//   a  é  \.  \-      a literal code point; what is syntax has to be escaped
//   \n \r \t          line feed, carriage return, tab
//   .                 any code point but line ends (LF, CR, U+2028, U+2029)
//   \d \w \s          [0-9], [A-Za-z0-9_], [ \t\n\v\f\r]; \D \W \S the others
//   [a-z_]  [^"\s]    classes
//   ab  a|b  (a)      sequence, alternation, group; (?:a) is the same
//   a* a+ a? a{2} a{2,} a{2,5}   repetition, once a piece, up to LIMITS.patternStates
// Not there, and refused: ^ and $, backreferences, lookaround, flags, lazy and possessive repetition, \b, \x, \u, \p.
import { LIMITS } from '../limits.ts';
import { isWellFormed } from './text.ts';

/** Ranges of code points, flat: low, high, low, high, both inclusive. */
type Ranges = readonly number[];

/** A set of code points by its bounds, sorted: inside from each even one on, outside from each odd one on. */
export type Bounds = readonly number[];

/** The parsed form. A sequence of nothing is the empty word; `max` is -1 without an upper bound. */
export type Regular =
  | { readonly op: 'set'; readonly bounds: Bounds }
  | { readonly op: 'sequence'; readonly parts: readonly Regular[] }
  | { readonly op: 'either'; readonly branches: readonly Regular[] }
  | { readonly op: 'repeat'; readonly body: Regular; readonly min: number; readonly max: number };

const LAST = 0x10ffff;
/** Groups in groups: far more than is readable, far less than a stack holds. */
const GROUP_DEPTH = 32;

const DIGIT: Ranges = [0x30, 0x39];
const WORD: Ranges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const SPACE: Ranges = [0x09, 0x0d, 0x20, 0x20];
const ANY: Ranges = [0, 0x09, 0x0b, 0x0c, 0x0e, 0x2027, 0x202a, LAST];

function complement(ranges: Ranges): Ranges {
  const out: number[] = [];
  let low = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i]! > low) out.push(low, ranges[i]! - 1);
    low = ranges[i + 1]! + 1;
  }
  if (low <= LAST) out.push(low, LAST);
  return out;
}

/** Sorts and joins ranges given in any order. */
function normalise(ranges: Ranges): Ranges {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [low, high] of pairs) {
    const end = out.length - 1;
    if (end > 0 && low <= out[end]! + 1) out[end] = Math.max(out[end]!, high);
    else out.push(low, high);
  }
  return out;
}

const CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ['d', DIGIT],
  ['w', WORD],
  ['s', SPACE],
  ['D', complement(DIGIT)],
  ['W', complement(WORD)],
  ['S', complement(SPACE)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
]);

/** Thrown inside this file only. */
class Syntax {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** The parsed pattern, or a phrase that says what is wrong with it. */
export function parseRegular(text: string): Regular | string {
  if (!isWellFormed(text)) return 'a lone surrogate';
  const parser = new Parser(Array.from(text));
  try {
    const out = parser.alternation(0);
    return parser.done ? out : 'a parenthesis that was not opened';
  } catch (thrown) {
    if (thrown instanceof Syntax) return thrown.message;
    throw thrown;
  }
}

class Parser {
  readonly chars: readonly string[];
  pos = 0;

  constructor(chars: readonly string[]) {
    this.chars = chars;
  }

  get done(): boolean {
    return this.pos === this.chars.length;
  }

  get next(): string | undefined {
    return this.chars[this.pos];
  }

  take(char: string): boolean {
    if (this.next !== char) return false;
    this.pos++;
    return true;
  }

  alternation(depth: number): Regular {
    const branches = [this.sequence(depth)];
    while (this.take('|')) branches.push(this.sequence(depth));
    return branches.length === 1 ? branches[0]! : { op: 'either', branches };
  }

  sequence(depth: number): Regular {
    const parts: Regular[] = [];
    while (!this.done && this.next !== '|' && this.next !== ')')
      parts.push(this.repetition(this.atom(depth)));
    return parts.length === 1 ? parts[0]! : { op: 'sequence', parts };
  }

  atom(depth: number): Regular {
    const char = this.chars[this.pos++]!;
    switch (char) {
      case '(': {
        if (depth === GROUP_DEPTH) throw new Syntax(`groups deeper than ${GROUP_DEPTH}`);
        if (this.take('?') && !this.take(':')) throw new Syntax('a group with a special meaning');
        const body = this.alternation(depth + 1);
        if (!this.take(')')) throw new Syntax('a parenthesis that is not closed');
        return body;
      }
      case '[':
        return set(this.set());
      case '.':
        return set(ANY);
      case '\\':
        return set(this.escape());
      case '^':
      case '$':
        throw new Syntax('an anchor: patterns always cover the whole value');
      case '*':
      case '+':
      case '?':
      case '{':
        throw new Syntax('a repetition of nothing');
      case ']':
      case '}':
        throw new Syntax(`an unescaped ${char}`);
      default:
        return set(single(char));
    }
  }

  repetition(body: Regular): Regular {
    let min = 0;
    let max = -1;
    if (this.take('+')) min = 1;
    else if (this.take('?')) max = 1;
    else if (this.take('{')) {
      min = this.count();
      if (this.take(',')) max = this.next === '}' ? -1 : this.count();
      else max = min;
      if (!this.take('}')) throw new Syntax('a malformed repetition');
      if (max >= 0 && max < min) throw new Syntax('a repetition that ends before it begins');
    } else if (!this.take('*')) return body;
    if (this.next === '*' || this.next === '+' || this.next === '?' || this.next === '{') {
      throw new Syntax('a repetition of a repetition');
    }
    return { op: 'repeat', body, min, max };
  }

  count(): number {
    let n = 0;
    const start = this.pos;
    for (; this.next !== undefined && this.next >= '0' && this.next <= '9'; this.pos++) {
      n = n * 10 + Number(this.next);
      if (n > LIMITS.patternStates) throw new Syntax(`a repetition beyond ${LIMITS.patternStates}`);
    }
    if (this.pos === start) throw new Syntax('a malformed repetition');
    return n;
  }

  /** What follows a backslash: one code point, or a class. */
  escape(): Ranges {
    const char = this.chars[this.pos++];
    if (char === undefined) throw new Syntax('a backslash at the end');
    const ranges = CLASSES.get(char);
    if (ranges !== undefined) return ranges;
    const control = CONTROLS.get(char);
    if (control !== undefined) return [control, control];
    const c = char.charCodeAt(0);
    const punctuation =
      c > 0x20 && c < 0x7f && !WORD.some((low, i) => i % 2 === 0 && c >= low && c <= WORD[i + 1]!);
    if (!punctuation) throw new Syntax('an unknown escape');
    return [c, c];
  }

  set(): Ranges {
    const negated = this.take('^');
    const ranges: number[] = [];
    while (!this.take(']')) {
      const low = this.member();
      if (low.length === 2 && low[0] === low[1] && this.next === '-' && this.chars[this.pos + 1] !== ']') {
        this.pos++;
        const high = this.member();
        if (high.length !== 2 || high[0] !== high[1]) throw new Syntax('a range that ends in a class');
        if (high[0]! < low[0]!) throw new Syntax('a range that ends before it begins');
        ranges.push(low[0]!, high[0]!);
      } else {
        // `[\d-z]` is an error of RegExp's `u` mode: one reader takes the hyphen for itself, another for a range.
        if (this.next === '-' && this.chars[this.pos + 1] !== ']')
          throw new Syntax('a range that begins with a class');
        ranges.push(...low);
      }
    }
    if (ranges.length === 0) throw new Syntax('an empty class');
    const joined = normalise(ranges);
    return negated ? complement(joined) : joined;
  }

  member(): Ranges {
    const char = this.chars[this.pos++];
    if (char === undefined) throw new Syntax('a class that is not closed');
    if (char === '[') throw new Syntax('an unescaped [ in a class');
    return char === '\\' ? this.escape() : single(char);
  }
}

/** A node that reads one of these code points; the ranges are sorted and do not touch. */
function set(ranges: Ranges): Regular {
  return { op: 'set', bounds: ranges.map((c, i) => c + (i % 2)) };
}

function single(char: string): Ranges {
  const c = char.codePointAt(0) ?? 0;
  return [c, c];
}
