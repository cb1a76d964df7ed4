/**
 * `defineJob`: a pipeline with its options, as a value that is started by somebody else. A module whose default export is
 * one is a job file, and the command line runs it.
 *
 * The command line may be another copy of the package than the one that the job file imports (installed globally, or
 * with `npx`). So a job carries its own `run`, `explain` and `why`, and is known by a symbol of the registry.
 */
import type { PipelineDefinition } from '../dsl/pipeline.js';
import type { RunOptions } from '../run-options.js';
import { run, type Run } from '../run.js';
import { explain, type Explanation } from '../runtime/explain.js';
import type { WhyReport } from '../runtime/why-report.js';
import { why } from '../runtime/why.js';

const brand = Symbol.for('tidemark.job');

export type OptionChanges = Partial<RunOptions<unknown, unknown>>;

/** A job that can be started. */
export interface JobDefinition {
  readonly name: string;
  /** Starts it. Changes win over what was defined; a function makes them of that. */
  run(changes?: OptionChanges | ((defined: RunOptions<unknown, unknown>) => OptionChanges)): Run;
  explain(): Explanation;
  why(run: Run): WhyReport;
}

/**
 * Puts a pipeline and its options together as a job, for `tidemark run FILE` and for a `main` of your own.
 *
 * @param options as for `run`, or a function that gives them: it is called at the start, so that nothing is opened by
 *   `tidemark explain`
 *
 * @example
 * import { collect, defineJob, iterable, map, pipeline, unchecked } from 'tidemark';
 * const doubled = pipeline('doubled', unchecked<number>(), (numbers) => numbers.pipe(map((n) => n * 2)));
 * const out = collect<number>({ uid: 'out' });
 * const job = defineJob(doubled, { from: iterable([1, 2]), to: out }); // In a job file: export default …
 * await job.run().done;
 * console.log(out.values); // => [ 2, 4 ]
 */
export function defineJob<Ins, Outs>(
  pipeline: PipelineDefinition<Ins, Outs>,
  options: RunOptions<Ins, Outs> | (() => RunOptions<Ins, Outs>),
): JobDefinition {
  return {
    name: pipeline.name,
    run(changes = {}) {
      const defined = typeof options === 'function' ? options() : options;
      const changed = typeof changes === 'function' ? changes(defined) : changes;
      return run(pipeline, { ...defined, ...changed } as RunOptions<Ins, Outs>);
    },
    explain: () => explain(pipeline),
    why: (started) => why(started),
    ...{ [brand]: true },
  };
}

/** Whether something is a job, of this or of another copy of the package. */
export function isJob(value: unknown): value is JobDefinition {
  return typeof value === 'object' && value !== null && brand in value;
}
