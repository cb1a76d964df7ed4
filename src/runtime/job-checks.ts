/** What does not go together is refused at start, not at three in the morning. */
import { TidemarkError, show } from '../core/errors.js';
import type { JobOptions } from './job-options.js';

/** @throws TidemarkError OPTIONS_INVALID for what `pipeline` has not made */
export function checkDefinition(given: unknown): void {
  const { inputs, outputs, name } = Object(given) as Record<string, unknown>;
  if (typeof name === 'string' && inputs instanceof Map && typeof outputs === 'object') return;
  throw new TidemarkError('OPTIONS_INVALID', {
    expected: 'a pipeline',
    got: show(given),
    where: 'run()',
    hint: 'Give run what pipeline(name, input, build) returns, before the options.',
  });
}

/** @throws TidemarkError OPTIONS_INVALID, SOURCE_UNBOUNDED, SOURCE_NOT_REPLAYABLE, SINK_TOO_WEAK */
export function checkJob(job: JobOptions, where: string): void {
  if (job.listensToSignals && job.runtime.signals === undefined) throw signalsMissing(where);
  if (job.execution === 'batch') refuseEndlessSources(job, where);
  if (job.guarantee === 'exactly-once') refuseWeakConnectors(job, where);
}

function refuseEndlessSources({ from }: JobOptions, where: string): void {
  for (const { name, unbounded } of from.values())
    if (unbounded === true)
      throw new TidemarkError('SOURCE_UNBOUNDED', {
        expected: 'sources that come to an end, because a batch job gives its results there',
        got: `"${name}", which never ends`,
        where,
        hint: "Read something bounded, or leave out execution: 'batch'.",
      });
}

function signalsMissing(where: string): TidemarkError {
  return new TidemarkError('OPTIONS_INVALID', {
    expected: 'a runtime with signals, for signals: true',
    got: 'one without',
    where,
    hint: 'Give a runtime with signals, such as nodeRuntime(), or leave out signals.',
  });
}

function refuseWeakConnectors(job: JobOptions, where: string): void {
  for (const source of job.from.values())
    if (!source.replayable)
      throw new TidemarkError('SOURCE_NOT_REPLAYABLE', {
        expected: 'a source that can be read again from a position',
        got: `"${source.name}", which cannot`,
        where,
        hint: "Read from a file, an array or a function that makes a fresh iterable, or set guarantee: 'at-least-once'.",
      });
  const sinks: readonly { uid: string; guarantee: string; allowDuplicates: boolean }[] = [
    ...[...job.to.values()].flat(),
    ...(job.deadLetters === undefined ? [] : [job.deadLetters]),
  ];
  for (const sink of sinks)
    if (sink.guarantee === 'at-least-once' && !sink.allowDuplicates)
      throw new TidemarkError('SINK_TOO_WEAK', {
        expected: 'a sink that can take part in an exactly-once commit',
        got: `"${sink.uid}", which may see elements again after a crash`,
        where,
        hint: "Use partFiles(...), or accept repeats: allowDuplicates: true on this sink, or guarantee: 'at-least-once'.",
      });
}
