import { describe, expect, test } from 'vitest';
import { readCases, vectorsFolder, type Case, type Check } from './case.js';
import { families, judge, runFamily, type Family, type Verdict } from './families.js';

/** More cases than this that cannot apply, and the runner would rather look away. */
const SHARE_NOT_APPLICABLE_MAX = 0.05;
/** So many cases of a family are spoilt, spread over it. */
const SPOILT_MAX = 60;

const folder = vectorsFolder();
const run = families.filter((family) => family.run !== undefined);

describe.each(run)('$file', (family) => {
  const verdicts = runFamily(folder, family) ?? [];

  test('every case passes, or says why it cannot apply', () => {
    expect(verdicts.length).toBeGreaterThan(0);
    const failed = verdicts.filter(({ result }) => result === 'fail');
    expect(failed.map(({ id, reason }) => `${id}: ${reason.slice(0, 300)}`)).toEqual([]);
  });

  test('hardly any case cannot apply, and each of those says why', () => {
    const left = verdicts.filter(({ result }) => result === 'n/a');
    expect(left.every(({ reason }) => reason !== '')).toBe(true);
    expect(left.length / verdicts.length).toBeLessThanOrEqual(SHARE_NOT_APPLICABLE_MAX);
  });

  test('a case whose answer has been spoilt fails', () => {
    const spoilt = passingCases(family, verdicts).flatMap((testCase) =>
      [addTo, changeIn].flatMap((way) => spoil(testCase, way) ?? []),
    );
    expect(spoilt.length).toBeGreaterThan(0);
    const unnoticed = spoilt.filter((testCase) => judge(testCase, family).result !== 'fail');
    expect(unnoticed.map(({ id }) => id)).toEqual([]);
  });
});

test('files that are not run yet are there', () => {
  const waiting = families.filter((family) => family.run === undefined);
  expect(waiting.filter(({ file }) => readCases(folder, file) === undefined)).toEqual([]);
});

/** Some of the cases that pass, from all over the file. */
function passingCases({ file }: Family, verdicts: readonly Verdict[]): Case[] {
  const passed = new Set(verdicts.flatMap(({ id, result }) => (result === 'pass' ? [id] : [])));
  const cases = (readCases(folder, file) ?? []).filter(({ id }) => passed.has(id));
  const step = Math.max(1, Math.floor(cases.length / SPOILT_MAX));
  return cases.filter((_, index) => index % step === 0);
}

type Spoil = (check: Check) => Check | undefined;

/** The case with a spoilt check, the first that can be spoilt in this way; undefined where none can. */
function spoil(testCase: Case, way: Spoil): Case | undefined {
  const checks = testCase.flink2 ?? testCase.expect;
  for (const [index, check] of checks.entries()) {
    const changed = way(check);
    if (changed === undefined) continue;
    const { flink2: _, ...rest } = testCase;
    return { ...rest, expect: checks.map((other, at) => (at === index ? changed : other)) };
  }
  return undefined;
}

/** One more thing is expected. */
function addTo(check: Check): Check | undefined {
  if (check.out !== undefined) return { ...check, out: [...check.out, { v: 'spoilt', ts: 1 }] };
  for (const name of ['windows', 'fired', 'firings', 'timestamps', 'persisted', 'listProcTimers'])
    if (check[name] !== undefined)
      return { ...check, [name]: [...(check[name] as unknown[]), [['spoilt', 1], 'spoilt']] };
  for (const name of ['procTimers', 'physicalTimers'])
    if (check[name] !== undefined) return { ...check, [name]: (check[name] as number) + 1 };
  return undefined;
}

/** Another thing is expected; instead of an error, none. */
function changeIn(check: Check): Check | undefined {
  const { error, ...rest } = check;
  if (error !== undefined) return rest;
  const at = (check.out ?? []).findIndex((item) => 'v' in item);
  if (at >= 0)
    return { ...check, out: check.out?.with(at, { ...check.out[at], v: 'spoilt' }) ?? [] };
  for (const name of [
    'value',
    'result',
    'start',
    'lastWatermark',
    'returned',
    'idle',
    'mergeCalls',
  ])
    if (check[name] !== undefined) return { ...check, [name]: ['spoilt', check[name]] };
  return undefined;
}
