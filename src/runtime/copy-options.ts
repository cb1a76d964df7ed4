/** The options of a run about copies of its state: what is filled in, and what must come together. */
import type { SnapshotStore } from '../checkpoint/snapshot-store.js';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError } from '../core/errors.js';
import type { JobOptions } from './job-options.js';

/** A time between snapshots, or a number of epochs. */
export type SnapshotEvery = Duration | { readonly epochs: number };

interface Given {
  readonly snapshots?: SnapshotStore | undefined;
  readonly snapshotEvery?: SnapshotEvery | undefined;
  readonly rewind?: boolean | undefined;
  readonly resumeFrom?: string | undefined;
  readonly allowNonRestoredState?: boolean | undefined;
}

const EVERY_BY_DEFAULT: Duration = '10m';

/** @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID */
export function copyOptions(
  { snapshots: store, snapshotEvery, rewind, resumeFrom, allowNonRestoredState }: Given,
  where: string,
): Pick<JobOptions, 'snapshots' | 'rewind' | 'resumeFrom' | 'allowNonRestoredState'> {
  if (store === undefined && (snapshotEvery !== undefined || rewind === true))
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'snapshots, where snapshotEvery or rewind is given',
      got: 'no store of snapshots',
      where,
      hint: "Add snapshots: directoryStore('./snapshots').",
    });
  const { everyMs, everyEpochs } =
    typeof snapshotEvery === 'object'
      ? { everyMs: Infinity, everyEpochs: snapshotEvery.epochs }
      : {
          everyMs: durationMs(snapshotEvery ?? EVERY_BY_DEFAULT, `snapshotEvery of ${where}`),
          everyEpochs: Infinity,
        };
  return {
    snapshots: store && { store, everyMs, everyEpochs },
    rewind,
    resumeFrom,
    allowNonRestoredState,
  };
}
