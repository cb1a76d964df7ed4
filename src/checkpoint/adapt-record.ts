/** Fits a committed record to the operators of a pipeline: what moves to another uid, and what is let go. */
import { TidemarkError } from '../core/errors.js';
import type { JobRecord } from './job-record.js';

export interface Adaptation {
  readonly record: JobRecord;
  /** Old uid to new. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Uids whose state is dropped. */
  readonly dropped: ReadonlySet<string>;
}

export interface AdaptOptions {
  /** Kinds of the operators of the pipeline, by uid. */
  readonly operators: ReadonlyMap<string, string>;
  /** New uid to old, as the operators declare it. */
  readonly renamedFrom: ReadonlyMap<string, string>;
  readonly allowNonRestoredState: boolean;
  readonly where: string;
}

/**
 * Renames what `renamedFrom` says, where the state still has the old uid, and drops what no operator wants where that
 * is allowed. Everything else is left for the checks behind it.
 *
 * @throws TidemarkError STATE_INCOMPATIBLE where both the old and the new uid have state
 */
export function adaptRecord(record: JobRecord, options: AdaptOptions): Adaptation {
  const { operators, renamedFrom, allowNonRestoredState, where } = options;
  const renamed = new Map<string, string>();
  for (const [to, from] of renamedFrom) {
    if (!record.operators.has(from) || operators.has(from)) continue;
    if (record.operators.has(to)) throw bothKnown(from, to, where);
    renamed.set(from, to);
  }
  const dropped = new Set(
    [...record.operators.keys()].filter(
      (uid) => allowNonRestoredState && !renamed.has(uid) && !operators.has(uid),
    ),
  );
  if (renamed.size === 0 && dropped.size === 0) return { record, renamed, dropped };
  const moved = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map(
      [...map].flatMap(([uid, value]) =>
        dropped.has(uid) ? [] : [[renamed.get(uid) ?? uid, value] as const],
      ),
    );
  const { schemas } = record;
  const adapted: JobRecord = {
    ...record,
    operators: moved(record.operators),
    marks: moved(record.marks),
    counters: moved(record.counters),
    ...(schemas === undefined ? {} : { schemas: moved(schemas) }),
  };
  return { record: adapted, renamed, dropped };
}

function bothKnown(from: string, to: string, where: string): TidemarkError {
  return new TidemarkError('STATE_INCOMPATIBLE', {
    expected: `state of "${from}" or of "${to}", which was renamed from it`,
    got: 'state of both',
    where,
    hint: `Take renamedFrom: "${from}" away, and let its state go with allowNonRestoredState: true, or put it back.`,
  });
}
