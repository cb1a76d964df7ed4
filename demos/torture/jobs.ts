/** All jobs that can be tortured. */
import type { TorturedJob } from './job.js';
import { asyncJob } from './job-async.js';
import { ingestJob } from './job-ingest.js';
import { joinedJob } from './job-joined.js';
import { spillingJob } from './job-spilling.js';
import { windowsJob } from './job-windows.js';

export const jobs: readonly TorturedJob[] = [
  windowsJob,
  joinedJob,
  asyncJob,
  spillingJob,
  ingestJob,
];

export function jobNamed(name: string): TorturedJob {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job !== undefined) return job;
  throw new Error(`no job "${name}"; there are ${jobs.map((known) => known.name).join(', ')}`);
}
