// The one way to fold text for comparison: Unicode NFKC in linear time, whatever comes. Normalization sorts each run
// of combining marks, and engines sort by insertion: 64 KiB of marks of two classes in turn cost half a second
// (attack K2). So a run is cut at the 30 marks that Unicode's Stream-Safe Text Format allows (UAX 15, section 13);
// no script needs four. What is folded may be up to 18 times as long (U+FDFA): callers charge for its length.

/** What a run is made of: marks, and the two characters that are no marks but come apart into one. */
const RUNS = /[\p{M}\uff9e\uff9f]+/gu;
const RUN = 30;

/** How many of the first code units of `run` make RUN code points; all of them when there are fewer. */
function unitsKept(run: string): number {
  if (run.length <= RUN) return run.length;
  let i = 0;
  for (let n = 0; n < RUN && i < run.length; n++) i += (run.charCodeAt(i) & 0xfc00) === 0xd800 ? 2 : 1;
  return i;
}

/** Whether `text` is ASCII, which folds to itself. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Whether a run of marks is longer than any writing has: a checker refuses such a text, a reader folds it. */
export function hasLongRun(text: string): boolean {
  for (const [run] of text.matchAll(RUNS)) if (unitsKept(run) < run.length) return true;
  return false;
}

/** NFKC of `text`, runs of marks cut at 30. Full-width, ligature and other compatibility forms come apart. */
export const foldText = (text: string): string =>
  isAscii(text) ? text : text.replace(RUNS, (run) => run.slice(0, unitsKept(run))).normalize('NFKC');
