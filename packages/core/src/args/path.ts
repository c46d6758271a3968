// `subpath`: an absolute path that stays below a root however the target treats it (attack C1). The check is
// lexical. It refuses what some file system, decoder or normalizer could turn into a separator or a dot segment:
// `..`, `.`, `//`, backslashes, percent signs, controls, segments that end in a dot or a space (Windows strips
// them), characters that compatibility normalization or a legacy code page makes one of `/ \ . %`, and characters
// that HFS+ ignores. Case counts. Symbolic links are not seen here: they are the tool's to resolve or refuse.
import { foldText, hasLongRun, isAscii } from '../fold.ts';
import type { Check, Kind } from './check.ts';
import { alternatives, isTextList, readTexts, spend, TOO_LONG } from './check.ts';
import type { SubpathConstraint } from './kinds.ts';
import { STEPS } from './steps.ts';
import { isInvisible } from './text.ts';

// What NFKC leaves alone, but Windows' best-fit tables or fonts turn into a separator or a full stop: yen and won
// signs (the backslash of Japanese and Korean code pages), fraction, division and set-minus slashes, their big
// relatives, ideographic full stops.
const LOOKALIKES = new Set(
  [...'\u00a5\u20a9\u2044\u2215\u2216\u29f5\u29f8\u29f9\u3002\uff61\u2571\u27cb\u27cd\u1735'].map((c) =>
    c.charCodeAt(0),
  ),
);

/** Characters that a path may not hold; null when there are none. */
function asciiProblem(text: string): string | null {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 || c === 0x7f) return 'control characters';
    if (c === 0x5c) return 'backslashes';
    if (c === 0x25) return 'percent signs';
  }
  return null;
}

/** Whether a text holds what draws nothing, halves of pairs, or what looks like syntax; null when it does not. */
function drawingProblem(text: string): string | null {
  for (let i = 0; i < text.length; i++) {
    const c = text.codePointAt(i)!;
    if (c < 0x80) continue;
    if (isInvisible(c) || (c & 0x1ff800) === 0xd800) return 'invisible characters';
    if (LOOKALIKES.has(c)) return 'look-alikes of separators';
    if (c > 0xffff) i++;
  }
  return null;
}

/** How many characters of a text are `/ \\ . % : ;`, which mean something in a path or to a server. */
function syntaxCount(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x2f || c === 0x5c || c === 0x2e || c === 0x25 || c === 0x3a || c === 0x3b) n++;
  }
  return n;
}

/** What is wrong with one segment of a path, decoded; null when it is a plain name. */
export function segmentProblem(segment: string): string | null {
  if (segment === '') return 'empty segments';
  return segment.includes('/') ? 'a separator in a segment' : pathProblem(`/${segment}`);
}

/**
 * Names that are empty or end in a dot or a space; `.` and `..` are among them. Of the spaces that readers trim, all
 * become U+0020 under normalization but the Ogham one, U+1680.
 */
function segmentsProblem(path: string): string | null {
  for (let start = 1; start < path.length;) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    if (end === start) return 'empty segments';
    const last = path.charCodeAt(end - 1);
    if (last === 0x2e || last === 0x20 || last === 0x1680) return 'segments that end in a dot or a space';
    start = end + 1;
  }
  return null;
}

/** What is wrong with an absolute path; null when it is plain. One slash at the end is let pass. Linear (fold.ts). */
function pathProblem(path: string): string | null {
  if (path.charCodeAt(0) !== 0x2f) return 'a relative start';
  const problem = asciiProblem(path) ?? segmentsProblem(path);
  if (problem !== null || isAscii(path)) return problem;
  if (hasLongRun(path)) return 'long runs of marks';
  // Full-width forms, leaders, account-of signs and the like come apart into ASCII here.
  const plain = foldText(path);
  if (syntaxCount(plain) !== syntaxCount(path)) return 'look-alikes of separators';
  // Ideographic and no-break spaces become spaces under normalization.
  return drawingProblem(path) ?? drawingProblem(plain) ?? segmentsProblem(plain);
}

/** Steps of `pathProblem` for a text: what is not ASCII is folded, and may come apart into 18 times as much. */
const pathSteps = (text: string): number =>
  STEPS.text + (isAscii(text) ? STEPS.ascii : STEPS.folded) * text.length;

/** Whether `root` can be a root: a plain absolute path without a slash at its end, or `/` alone. */
export function isRoot(root: string): boolean {
  return root === '/' || (pathProblem(root) === null && !root.endsWith('/'));
}

/** Whether a plain path is the root itself or lies below it: `/srv/docs-evil` is not below `/srv/docs`. */
export function underRoot(path: string, root: string): boolean {
  if (root === '/') return path.startsWith('/');
  return path.startsWith(root) && (path.length === root.length || path.charCodeAt(root.length) === 0x2f);
}

/** `subpath`: a plain absolute path, one of the roots or below one. */
export const subpath: Kind<SubpathConstraint> = {
  code: 6,
  fields: ['roots'],
  problem: ({ roots }) => (isTextList(roots, isRoot) ? null : 'roots: expected plain absolute paths'),
  phrase: ({ roots }) => `must be a plain absolute path in ${alternatives(roots)}`,
  write: ({ roots }) => roots,
  read(operands) {
    const roots = readTexts(operands);
    return roots === null ? null : { kind: 'subpath', roots };
  },
  compile(constraint): Check {
    const { roots } = constraint;
    const phrase = (): string => subpath.phrase(constraint);
    return (value, work) => {
      if (typeof value !== 'string') return phrase();
      if (!spend(work, pathSteps(value) + STEPS.rule * roots.length)) return TOO_LONG;
      const problem = pathProblem(value);
      if (problem !== null) return `${phrase()} (found: ${problem})`;
      for (let i = 0; i < roots.length; i++) if (underRoot(value, roots[i]!)) return null;
      return phrase();
    };
  },
};
