/** What an attempt says of itself while it runs: sums over its tasks and splits. */
import type { Counters } from '../core/operator.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobJournal } from './job-journal.js';
import type { AttemptStatus, Phase } from './job-options.js';

export function statusOf({
  phase,
  journal,
  parts,
  epoch,
  alreadyFinished,
}: {
  readonly phase: Phase;
  /** Missing until the state has been read. */
  readonly journal: JobJournal | undefined;
  /** Missing until the job is put together. */
  readonly parts: AssembledJob | undefined;
  readonly epoch: number;
  readonly alreadyFinished: boolean;
}): AttemptStatus {
  const counters: Counters[] = [...(journal?.counters().values() ?? [])];
  const total = (field: 'late' | 'dead' | 'filtered'): number =>
    counters.reduce((sum, each) => sum + each[field], 0);
  return {
    phase,
    records: journal?.records ?? 0,
    late: total('late'),
    deadLetters: total('dead'),
    filtered: total('filtered'),
    watermark: alreadyFinished ? Infinity : (parts?.sourceTask.wiring.watermark() ?? -Infinity),
    epoch,
    bytesRead: parts?.bytesRead() ?? 0,
    bytesTotal: parts?.bytesTotal,
  };
}
