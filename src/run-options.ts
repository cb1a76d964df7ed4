/** The options of `run`: their shapes, their checks, and what is filled in for those left out. */
import { z } from 'zod';
import { nodeRuntime } from './connectors/node-runtime.js';
import { partFiles } from './connectors/part-files.js';
import type { SnapshotStore } from './checkpoint/snapshot-store.js';
import type { Guarantee, Sink, Source } from './core/connector.js';
import { byteSize, type Bytes } from './core/byte-size.js';
import { durationMs, type Duration } from './core/duration.js';
import { TidemarkError } from './core/errors.js';
import type { Logger, Runtime } from './core/runtime.js';
import { checkOptions, durationOption } from './dsl/options.js';
import { ONLY_INPUT, ONLY_OUTPUT, type PipelineDefinition } from './dsl/pipeline.js';
import { copyOptions, type SnapshotEvery } from './runtime/copy-options.js';
import type { EpochLimits } from './runtime/epoch-schedule.js';
import type { DeadLetterLimits, Execution, JobOptions } from './runtime/job-options.js';
import { checkJob } from './runtime/job-checks.js';
import { memoryBytes } from './runtime/job-memory.js';
import { restarts, type RestartStrategy } from './runtime/restart.js';
import type { DeadRecord } from './runtime/records.js';
import type { StateBackendFactory } from './state/backend.js';
import { memory } from './state/memory-backend.js';

type OneOrMore<T> = T | readonly T[];

/** A source for each input; just the source where there is one input. */
export type FromOption<Ins> =
  | { readonly [Name in keyof Ins]: Source<Ins[Name]> | Source<unknown> }
  | (typeof ONLY_INPUT extends keyof Ins
      ? Source<Ins[typeof ONLY_INPUT]> | Source<unknown>
      : never);

/** A sink, or several, for each output; just those where there is one output. */
export type ToOption<Outs> =
  | { readonly [Name in keyof Outs]?: OneOrMore<Sink<Outs[Name]>> }
  | (typeof ONLY_OUTPUT extends keyof Outs ? OneOrMore<Sink<Outs[typeof ONLY_OUTPUT]>> : never);

/** When epochs end; whatever comes first. Names after the checkpointing options of Flink. */
export interface CheckpointOptions {
  /** Time between the beginnings of epochs. */
  readonly every?: Duration;
  /**
   * Source records between epochs. Barriers go between chunks of a source (of at most 1,024 elements), and not before
   * the epoch before has ended, so it may be some more.
   */
  readonly records?: number;
  /** Bytes of changed state between epochs, such as `'64MB'`; judged by what a changed key took in the epochs before. */
  readonly bytes?: Bytes;
  /** Time from the end of an epoch to the beginning of the next, unless `run.checkpoint()` asks for one. Default 0. */
  readonly minPause?: Duration;
}

export interface RunOptions<Ins, Outs> {
  readonly from: FromOption<Ins>;
  readonly to: ToOption<Outs>;
  /** Where state lives: `lmdb('./state')` for a job that survives; default `memory()`. */
  readonly state?: StateBackendFactory;
  /** How often an epoch ends and outputs become visible. Default every 10 s. A last epoch ends every run. */
  readonly checkpoint?: Duration | CheckpointOptions;
  /** The longest that an epoch may take; then the run fails with CHECKPOINT_TIMEOUT, naming what hangs. Default 10 min. */
  readonly checkpointTimeout?: Duration;
  /** What to do after a failure that may pass. Default `restarts.none()`: the run ends. */
  readonly restart?: RestartStrategy;
  /**
   * Whether SIGTERM and SIGINT stop the job as `stop()` does; a second one ends it at once with RUN_CANCELLED. Default
   * false: the signals belong to the host.
   */
  readonly signals?: boolean;
  /**
   * `batch`: no watermark before the end of the inputs, so nothing is late and every window fires once, at the end.
   * Refuses sources that never end. Default `stream`. As in Flink, but with checkpoints.
   */
  readonly execution?: Execution;
  /** Logical shards of keyed steps, 1 to maxParallelism; may change at any restart. Default 1. */
  readonly parallelism?: number;
  /** Number of key groups, fixed for the life of the state; at most 32,768. Default: 128 or more. */
  readonly maxParallelism?: number;
  /** Default `exactly-once`. `at-least-once`: no alignment, and outputs are visible before they are committed. */
  readonly guarantee?: Guarantee;
  /**
   * Heap that keyed state may take. Beyond it, keys that were not used for long are left on disk until they are met again;
   * windows, and keys with timers, stay. Default: none for `memory()`, else half of what Node's heap may grow to.
   */
  readonly memory?: Bytes;
  /** Where failed records go. Default: part files in `dead-letters` beside a durable state, else they are only counted. */
  readonly deadLetters?: Sink<DeadRecord>;
  /** When the job gives up. Default: more than 1 % of the records (once there are 1,000), or 100 in a row. */
  readonly deadLettersMax?: Partial<DeadLetterLimits>;
  /** Keeps copies of the state, taken behind the work: `directoryStore('./snapshots', { keep: 3 })`. Default: none. */
  readonly snapshots?: SnapshotStore;
  /** When a snapshot is due, judged after each epoch; the first one after the first epoch. Default every 10 min. */
  readonly snapshotEvery?: SnapshotEvery;
  /**
   * Where the state is found to be damaged or gone at the start (all of it is read for that), goes back to the newest
   * good snapshot. Part files of later epochs are taken back; other sinks repeat outputs. Default: refuses to start.
   */
  readonly rewind?: boolean;
  /**
   * The directory of a savepoint, which an empty state is made of; on a state that was made of this savepoint before, it
   * means nothing. Anything else in the state is refused.
   */
  readonly resumeFrom?: string;
  /** Lets go state of uids that no operator has any more, for good. Default: refuses to start. */
  readonly allowNonRestoredState?: boolean;
  /** Ends the run at once with RUN_CANCELLED; what is not committed is done again by the next run. */
  readonly signal?: AbortSignal;
  /** pino-shaped; default silent. */
  readonly logger?: Logger;
  /** The outside world; default `nodeRuntime()`. Tests hand in a simulated one. */
  readonly runtime?: Runtime;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const hasMethod = (value: unknown, name: string): boolean =>
  isObject(value) && typeof value[name] === 'function';
const sourceSchema = z.custom<Source<unknown>>((value) => hasMethod(value, 'splits'), {
  error: 'a source',
});
const sinkSchema = z.custom<Sink<unknown>>((value) => hasMethod(value, 'recover'), {
  error: 'a sink',
});
const durationSchema = z.union([z.number(), z.string()]);
const wholeNumber = z.int().positive();

const optionsSchema = z.strictObject({
  from: z.custom<object>(isObject, { error: 'a source, or a record of sources' }),
  to: z.custom<object>(isObject, { error: 'a sink, or a record of sinks' }),
  state: z
    .custom<StateBackendFactory>((value) => hasMethod(value, 'open'), {
      error: 'a state backend such as lmdb(...)',
    })
    .optional(),
  checkpoint: z
    .union([
      durationSchema,
      z.strictObject({
        every: durationSchema.optional(),
        records: wholeNumber.optional(),
        bytes: z.union([wholeNumber, z.string()]).optional(),
        minPause: durationSchema.optional(),
      }),
    ])
    .optional(),
  checkpointTimeout: durationOption({ min: 1 }).optional(),
  restart: z
    .custom<RestartStrategy>((value) => hasMethod(value, 'begin'), {
      error: 'a strategy of restarts',
    })
    .optional(),
  signals: z.boolean().optional(),
  execution: z.enum(['stream', 'batch']).optional(),
  parallelism: wholeNumber.max(32_768).optional(),
  maxParallelism: wholeNumber.max(32_768).optional(),
  memory: z.union([z.number(), z.string()]).optional(),
  guarantee: z.enum(['exactly-once', 'at-least-once']).optional(),
  deadLetters: sinkSchema.optional(),
  deadLettersMax: z
    .strictObject({ share: z.number().min(0).max(1).optional(), inARow: wholeNumber.optional() })
    .optional(),
  snapshots: z
    .custom<SnapshotStore>((value) => hasMethod(value, 'list'), {
      error: 'a store such as directoryStore(...)',
    })
    .optional(),
  snapshotEvery: z.union([durationSchema, z.strictObject({ epochs: wholeNumber })]).optional(),
  rewind: z.boolean().optional(),
  resumeFrom: z.string().min(1).optional(),
  allowNonRestoredState: z.boolean().optional(),
  signal: z
    .custom<AbortSignal>((value) => value instanceof AbortSignal, { error: 'an AbortSignal' })
    .optional(),
  logger: z
    .custom<Logger>((value) => hasMethod(value, 'info'), {
      error: 'a logger',
    })
    .optional(),
  runtime: z
    .custom<Runtime>((value) => isObject(value) && 'clock' in (value as object), {
      error: 'a runtime',
    })
    .optional(),
});

/**
 * Checks everything that can be checked before anything is opened.
 *
 * @throws TidemarkError OPTIONS_INVALID, DURATION_INVALID, SOURCE_NOT_REPLAYABLE, SINK_TOO_WEAK
 */
export function jobOptions(
  definition: PipelineDefinition<unknown, unknown>,
  given: RunOptions<unknown, unknown>,
): JobOptions {
  const where = `run("${definition.name}")`;
  const options = checkOptions(optionsSchema, given, where);
  const state = options.state ?? memory();
  const guarantee = options.guarantee ?? 'exactly-once';
  const parallelism = options.parallelism ?? 1;
  const runtime =
    options.runtime ?? nodeRuntime(options.logger === undefined ? {} : { log: options.logger });
  const directory = state.directory === undefined ? undefined : `${state.directory}/dead-letters`;
  const byDefault =
    directory === undefined ? undefined : partFiles<DeadRecord>({ uid: 'dead-letters', directory });
  const job: JobOptions = {
    name: definition.name,
    inputs: definition.inputs,
    outputs: definition.outputs,
    from: byName(options.from, ONLY_INPUT, [...definition.inputs.keys()], {
      schema: sourceSchema,
      where: `${where}.from`,
    }),
    to: new Map(
      [
        ...byName<OneOrMore<Sink<unknown>>>(
          options.to,
          ONLY_OUTPUT,
          Object.keys(definition.outputs),
          {
            schema: z.union([sinkSchema, z.array(sinkSchema)]),
            where: `${where}.to`,
            partial: true,
          },
        ),
      ].map(([name, sinks]) => [
        name,
        Array.isArray(sinks) ? (sinks as Sink<unknown>[]) : [sinks as Sink<unknown>],
      ]),
    ),
    deadLetters: options.deadLetters ?? byDefault,
    state,
    guarantee,
    parallelism,
    maxParallelism: options.maxParallelism,
    epochs: epochLimits(options, where),
    restart: options.restart ?? restarts.none(),
    listensToSignals: options.signals ?? false,
    execution: options.execution ?? 'stream',
    memoryBytes: memoryBytes(options.memory as Bytes | undefined, { state, runtime, where }),
    deadLettersMax: {
      share: options.deadLettersMax?.share ?? 0.01,
      inARow: options.deadLettersMax?.inARow ?? 100,
    },
    runtime: options.logger === undefined ? runtime : { ...runtime, log: options.logger },
    ...copyOptions(options as Parameters<typeof copyOptions>[0], where),
  };
  if (parallelism > (options.maxParallelism ?? Infinity))
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'parallelism of at most maxParallelism',
      got: `${parallelism} shards of ${String(options.maxParallelism)} key groups`,
      where,
      hint: 'A shard needs a key group; raise maxParallelism or lower parallelism.',
    });
  checkJob(job, where);
  return job;
}

function epochLimits(
  { checkpoint, checkpointTimeout = '10m' }: z.infer<typeof optionsSchema>,
  where: string,
): EpochLimits {
  const { every, records, bytes, minPause } =
    typeof checkpoint === 'object' ? checkpoint : { every: checkpoint };
  const ms = (duration: string | number, name: string): number =>
    durationMs(duration as Duration, `${name} of ${where}`);
  const hasOther = records !== undefined || bytes !== undefined;
  return {
    everyMs: every === undefined ? (hasOther ? Infinity : 10_000) : ms(every, 'checkpoint'),
    everyRecords: records ?? Infinity,
    everyBytes: bytes === undefined ? Infinity : byteSize(bytes as Bytes, `checkpoint of ${where}`),
    minPauseMs: ms(minPause ?? 0, 'checkpoint.minPause'),
    timeoutMs: ms(checkpointTimeout, 'checkpointTimeout'),
  };
}

/** Sources or sinks by name; a bare one stands for the only name. */
function byName<T>(
  given: object,
  only: string,
  names: readonly string[],
  options: { schema: z.ZodType; where: string; partial?: boolean },
): Map<string, T> {
  const isBare = options.schema.safeParse(given).success;
  const record = (isBare ? { [only]: given } : given) as Readonly<Record<string, T>>;
  const keys = Object.keys(record);
  const unknown = keys.filter(
    (key) => !names.includes(key) || !options.schema.safeParse(record[key]).success,
  );
  const missing = options.partial === true ? [] : names.filter((name) => !keys.includes(name));
  if (unknown.length > 0 || missing.length > 0 || keys.length === 0)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: `${options.where.endsWith('.from') ? 'a source' : 'a sink'} for ${names.join(', ')}`,
      got:
        [
          ...unknown.map((key) => `"${key}", which is not one`),
          ...missing.map((name) => `none for "${name}"`),
        ].join('; ') || 'nothing',
      where: options.where,
      hint: 'Give a record by the names that the pipeline declares, or one bare value where there is only one.',
    });
  return new Map(Object.entries(record));
}
