/** The families of cases: in which file each stands, and what runs it. */
import { hasOffEnd, readCases, type Case } from './case.js';
import { Mismatch, NotApplicable } from './drive.js';
import { runAssign } from './families/assign.js';
import { runAsync } from './families/async.js';
import { runMergingSet } from './families/merging-set.js';
import { runProcess } from './families/process.js';
import { runTimers } from './families/timers.js';
import { runTrigger } from './families/triggers.js';
import { runTtl } from './families/ttl.js';
import { runWatermarks } from './families/watermarks.js';
import { runWindows } from './families/windows.js';

/** Runs one case. @throws Mismatch, NotApplicable */
export type Runner = (testCase: Case) => void;

export interface Family {
  /** The file of its cases in the folder of vectors; also its name. */
  readonly file: string;
  /** Undefined: not run yet. */
  readonly run: Runner | undefined;
  /** Whether it can stand for times right behind MIN, by another origin of time. */
  readonly takesOffEnd?: boolean;
}

export interface Verdict {
  readonly id: string;
  readonly result: 'pass' | 'fail' | 'n/a';
  readonly reason: string;
}

const fromTests = { exhaustive: false };
const recorded = { exhaustive: true };

const byKind: readonly (readonly [prefix: string, run: Runner])[] = [
  ['assign/', runAssign],
  ['mergingset/', runMergingSet],
  ['timers/', runTimers],
  ['process/', (testCase) => runProcess(testCase, fromTests)],
  ['', (testCase) => runWindows(testCase, fromTests)],
];

/** Families from Flink's tests hold cases of several kinds, told apart by the first part of their ids. */
const runByKind: Runner = (testCase) =>
  byKind.find(([prefix]) => testCase.id.startsWith(prefix))?.[1](testCase);

export const families: readonly Family[] = [
  { file: 'windows.json', run: runByKind },
  { file: 'evictors.json', run: runByKind },
  { file: 'triggers.json', run: runTrigger, takesOffEnd: true },
  { file: 'process-timers.json', run: runByKind },
  { file: 'watermark-merge.json', run: (testCase) => runWatermarks(testCase, fromTests) },
  { file: 'ttl.json', run: (testCase) => runTtl(testCase, fromTests) },
  { file: 'async.json', run: (testCase) => runAsync(testCase, fromTests) },
  { file: 'flink-1.20/async.jsonl', run: (testCase) => runAsync(testCase, recorded) },
  { file: 'recorded/windows.json', run: (testCase) => runWindows(testCase, fromTests) },
  { file: 'flink-1.20/windows.jsonl', run: (testCase) => runWindows(testCase, recorded) },
  { file: 'flink-1.20/process.jsonl', run: (testCase) => runProcess(testCase, recorded) },
  { file: 'flink-1.20/broadcast.jsonl', run: (testCase) => runProcess(testCase, recorded) },
  { file: 'flink-1.20/connect.jsonl', run: (testCase) => runProcess(testCase, recorded) },
  { file: 'flink-1.20/ttl.jsonl', run: (testCase) => runTtl(testCase, recorded) },
  { file: 'flink-1.20/watermarks.jsonl', run: (testCase) => runWatermarks(testCase, recorded) },
  ...[
    'cep.json',
    'interval-join.json',
    'recorded/cep.json',
    'flink-1.20/cep.jsonl',
    'flink-1.20/interval-join.jsonl',
    'flink-1.20/window-join.jsonl',
  ].map((file) => ({ file, run: undefined })),
];

/** Runs all cases of a family; undefined where the folder has none. */
export function runFamily(folder: string, family: Family): readonly Verdict[] | undefined {
  return readCases(folder, family.file)?.map((testCase) => judge(testCase, family));
}

/** Runs one case and says how it ended. */
export function judge(testCase: Case, { run, takesOffEnd = false }: Family): Verdict {
  const { id } = testCase;
  if (run === undefined) return { id, result: 'n/a', reason: 'not run yet' };
  try {
    if (!takesOffEnd && hasOffEnd(testCase)) throw new NotApplicable(offEndReason);
    run(testCase);
    return { id, result: 'pass', reason: '' };
  } catch (error) {
    if (error instanceof NotApplicable) return { id, result: 'n/a', reason: error.message };
    if (error instanceof Mismatch) return { id, result: 'fail', reason: error.message };
    // The case is of a kind that the runner cannot read: that is no pass.
    return { id, result: 'fail', reason: `the runner failed: ${String(error)}` };
  }
}

const offEndReason = 'a time such as MIN+1 or MAX-1: the clock is a double';
