import type { Report } from './keep.mjs';

/** See report.mjs. */
export function scoreOf(report: Report): number;
export function summary(name: string, report: Report): string;
