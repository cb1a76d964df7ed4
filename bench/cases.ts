/** All cases, in the order of the table. */
import type { BenchCase } from './case.js';
import { ingest } from './ingest.js';
import { keyedCounts } from './keyed-count.js';
import { latency } from './latency.js';
import { millionWindows } from './million-windows.js';
import { dirtyKeys, recovery } from './recovery.js';
import { spill } from './spill.js';
import { stateless } from './stateless.js';
import { threeStates } from './three-states.js';
import { trend } from './trend.js';
import { sessionCase, slidingCase, tumblingCase } from './windows.js';

export const cases: readonly BenchCase[] = [
  stateless,
  ...keyedCounts,
  threeStates,
  tumblingCase,
  slidingCase,
  sessionCase,
  trend,
  millionWindows,
  latency,
  ingest,
  spill,
  recovery,
  dirtyKeys,
];
