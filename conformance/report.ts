/** What the runs of the families came to: a table for people, a line per case for programs. */
import type { Verdict } from './families.js';

/** One family: its verdicts, or why it has none. */
export interface FamilyReport {
  readonly name: string;
  readonly verdicts: readonly Verdict[] | 'not run yet' | 'no such file';
}

export interface Sums {
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
}

const headings = ['family', 'passed', 'failed', 'n/a', ''] as const;

export function sumsOf(verdicts: readonly Verdict[]): Sums {
  const of = (result: Verdict['result']): number =>
    verdicts.filter((verdict) => verdict.result === result).length;
  return { passed: of('pass'), failed: of('fail'), notApplicable: of('n/a') };
}

/** All verdicts that count. */
export function verdictsOf(reports: readonly FamilyReport[]): Verdict[] {
  return reports.flatMap(({ verdicts }) => (typeof verdicts === 'string' ? [] : verdicts));
}

export function jsonLines(reports: readonly FamilyReport[]): string {
  return verdictsOf(reports)
    .map((verdict) => JSON.stringify(verdict))
    .join('\n');
}

/** The table, then each reason for a case that cannot apply with its number, then each failure. */
export function tableOf(reports: readonly FamilyReport[]): string {
  const rows = reports.map(({ name, verdicts }) =>
    typeof verdicts === 'string' ? [name, '', '', '', verdicts] : [name, ...cells(verdicts), ''],
  );
  const all = verdictsOf(reports);
  const lines = [[...headings], ...rows, ['all', ...cells(all), '']];
  const widths = headings.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const table = lines.map((line) =>
    line
      .map((cell, at) =>
        at === 0 || at === 4 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [...table, '', ...reasonsOf(reports), ...failuresOf(all)].join('\n').trimEnd();
}

function cells(verdicts: readonly Verdict[]): string[] {
  const { passed, failed, notApplicable } = sumsOf(verdicts);
  return [passed, failed, notApplicable].map(String);
}

function reasonsOf(reports: readonly FamilyReport[]): string[] {
  const lines = reports.flatMap(({ name, verdicts }) => {
    if (typeof verdicts === 'string') return [];
    const counts = new Map<string, number>();
    for (const { result, reason } of verdicts)
      if (result === 'n/a') counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return [...counts].map(([reason, count]) => `  ${count} of ${name}: ${reason}`);
  });
  return lines.length === 0 ? [] : ['not applicable:', ...lines, ''];
}

function failuresOf(verdicts: readonly Verdict[]): string[] {
  const lines = verdicts.flatMap(({ id, result, reason }) =>
    result === 'fail' ? [`  ${id}: ${reason}`] : [],
  );
  return lines.length === 0 ? [] : ['failed:', ...lines, ''];
}
