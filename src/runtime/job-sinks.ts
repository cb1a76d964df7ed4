/** The sinks of a job: recovered before any writer opens, and several of them behind one output. */
import type { JobRecord } from '../checkpoint/job-record.js';
import type { Sink, SinkRun } from '../core/connector.js';
import { TidemarkError } from '../core/errors.js';
import type { JobOptions } from './job-options.js';
import { guardSink, type SinkPump } from './sink-pump.js';
import type { TaskSink } from './task-spec.js';

/** Finishes what the last commit holds of each sink, and lets it remove the rest. */
export async function recoverSinks(
  options: JobOptions,
  record: JobRecord | undefined,
  run: Omit<SinkRun, 'uid'>,
): Promise<void> {
  const sinks = allSinks(options);
  const gone = [...(record?.sinks.keys() ?? [])].find((uid) =>
    sinks.every((sink) => sink.uid !== uid),
  );
  if (gone !== undefined && record?.isPublished !== true)
    throw sinkGone(gone, options.state.description);
  for (const sink of sinks)
    await guardSink(sink.uid, () =>
      sink.recover(record?.sinks.get(sink.uid) ?? [], { ...run, uid: sink.uid }, options.runtime),
    );
}

/** Outputs of the last epoch may wait for this sink; without it they would be lost in silence. */
function sinkGone(uid: string, where: string): TidemarkError {
  return new TidemarkError('STATE_INCOMPATIBLE', {
    expected: `the sink "${uid}", which the last commit has outputs for`,
    got: 'a job without it',
    where,
    hint: 'Put the sink back under its uid for one more run, or begin with an empty state.',
  });
}

export function allSinks(options: JobOptions): Sink<unknown>[] {
  const { deadLetters } = options;
  const sinks = [...options.to.values()].flat();
  return deadLetters === undefined ? sinks : [...sinks, deadLetters as Sink<unknown>];
}

/** One output into several sinks. */
export function fanOut(pumps: readonly SinkPump[]): TaskSink {
  return {
    get isFull() {
      return pumps.some((pump) => pump.isFull);
    },
    element: (value, timestamp) => pumps.forEach((pump) => pump.element(value, timestamp)),
    barrier: (epoch) => pumps.forEach((pump) => pump.barrier(epoch)),
    end: () => pumps.forEach((pump) => pump.end()),
  };
}
