// Days that a request names, as patterns for the arguments that say when. Only days in the very sentence that asks,
// and only if nothing in it is relative ("next", "Monday"): then the user has said when, and no other day is meant.

const MONTHS = 'january february march april may june july august september october november december'.split(
  ' ',
);
const NAMED = new RegExp(
  `(\\d{4})-(\\d{2})-(\\d{2})|(${MONTHS.join('|')})\\s+(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,?\\s+(\\d{4}))?|(\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(${MONTHS.join('|')})\\b(?:,?\\s+(\\d{4}))?`,
  'gi',
);
const RELATIVE =
  /\b(?:today|tomorrow|tonight|next|this (?:week|month|year|evening|afternoon|morning)|(?:mon|tues|wednes|thurs|fri|satur|sun)day|before|after|until|every|daily|weekly|monthly|based on|according)\b/i;

/** A day as a pattern that a time of that day matches; the year may be open. */
const dayPattern = (year: string | undefined, month: number, day: string): string =>
  `${year ?? '[0-9]{4}'}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}.{0,16}`;

/** Patterns of the days named in the sentences for which `asks` holds; empty if none or if one is relative. */
export const daysAsked = (prompt: string, asks: (sentence: string) => boolean): readonly string[] => {
  const found = new Set<string>();
  for (const sentence of prompt.split(/[.!?](?:\s|$)|\n/)) {
    if (!asks(sentence)) continue;
    if (RELATIVE.test(sentence)) return [];
    for (const match of sentence.matchAll(NAMED)) {
      const [, isoYear, isoMonth, isoDay, monthA, dayA, yearA, dayB, monthB, yearB] = match;
      if (isoYear !== undefined && isoDay !== undefined)
        found.add(dayPattern(isoYear, Number(isoMonth), isoDay));
      else if (monthA !== undefined && dayA !== undefined)
        found.add(dayPattern(yearA, MONTHS.indexOf(monthA.toLowerCase()) + 1, dayA));
      else if (monthB !== undefined && dayB !== undefined)
        found.add(dayPattern(yearB, MONTHS.indexOf(monthB.toLowerCase()) + 1, dayB));
    }
  }
  return [...found];
};
