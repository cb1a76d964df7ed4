/** All cases, in the order of the table. */
import type { BenchCase } from './case.js';
import { keyedCounts } from './keyed-count.js';
import { stateless } from './stateless.js';
import { trend } from './trend.js';
import { slidingCase, tumblingCase } from './windows.js';

export const cases: readonly BenchCase[] = [
  stateless,
  ...keyedCounts,
  tumblingCase,
  slidingCase,
  trend,
];
