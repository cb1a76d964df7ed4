/** Where `why` looks: at the parts of a job, or of a pipeline in the harness. */
import type { KeyedStore } from '../state/slots.js';
import type { AssembledJob } from './job-assembly.js';
import type { JobOptions, RunSummary } from './job-options.js';
import type { LocalRun } from './local-run.js';
import type { Inside, InsideSplit } from './why-trace.js';

/** A job, whatever phase it is in: before it has recovered it has no tasks. */
export function insideOfJob(
  job: { readonly parts: AssembledJob | undefined; summary(): RunSummary },
  { name, runtime }: JobOptions,
): Inside {
  const { parts } = job;
  const { phase, operators, epoch } = job.summary();
  const splits = (parts?.splits ?? []).map(({ input, split, pump, taskInput }): InsideSplit => {
    const isSplit = parts?.splits.some((other) => other.input === input && other.split !== split);
    const { elements } = pump.queue;
    // A lane between two splits has none.
    const named = isSplit === true && split !== '' ? split : undefined;
    return { input, split: named, taskInput, queued: elements };
  });
  return {
    pipeline: name,
    phase,
    now: runtime.clock.now(),
    tasks: (parts?.tasks ?? []).map((task) => ({
      task,
      stores: parts?.epochParts.stores.get(task) ?? new Map(),
    })),
    splits,
    counters: operators,
    epoch,
  };
}

/** A pipeline that runs as one task, in virtual time. */
export function insideOfHarness(
  { task, inputs }: LocalRun,
  options: {
    readonly name: string;
    readonly now: number;
    readonly stores: ReadonlyMap<string, KeyedStore<object>>;
  },
): Inside {
  return {
    pipeline: options.name,
    phase: 'testing',
    now: options.now,
    tasks: [{ task, stores: options.stores }],
    splits: inputs.map(({ name }, taskInput) => ({
      input: name,
      split: undefined,
      taskInput,
      queued: 0,
    })),
    counters: Object.fromEntries(task.wiring.counters()),
    epoch: undefined,
  };
}
