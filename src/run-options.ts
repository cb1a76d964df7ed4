/** The options of `run`: their shapes, their checks, and what is filled in for those left out. */
import { z } from 'zod';
import { nodeRuntime } from './connectors/node-runtime.js';
import { partFiles } from './connectors/part-files.js';
import type { Guarantee, Sink, Source } from './core/connector.js';
import { durationMs, type Duration } from './core/duration.js';
import { TidemarkError } from './core/errors.js';
import type { Logger, Runtime } from './core/runtime.js';
import { checkOptions } from './dsl/options.js';
import { ONLY_INPUT, ONLY_OUTPUT, type PipelineDefinition } from './dsl/pipeline.js';
import type { DeadLetterLimits, JobOptions } from './runtime/job-options.js';
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

/** When epochs end; whatever comes first. */
export interface CheckpointOptions {
  /** Wall-clock time between epochs. */
  readonly every?: Duration;
  /** Source records between epochs. */
  readonly records?: number;
}

export interface RunOptions<Ins, Outs> {
  readonly from: FromOption<Ins>;
  readonly to: ToOption<Outs>;
  /** Where state lives: `lmdb('./state')` for a job that survives; default `memory()`. */
  readonly state?: StateBackendFactory;
  /** How often an epoch ends and outputs become visible. Default every 10 s. A last epoch ends every run. */
  readonly checkpoint?: Duration | CheckpointOptions;
  /** Logical shards of keyed steps, 1 to maxParallelism; may change at any restart. Default 1. */
  readonly parallelism?: number;
  /** Number of key groups, fixed for the life of the state; at most 32,768. Default: 128 or more. */
  readonly maxParallelism?: number;
  /** Default `exactly-once`. `at-least-once`: no alignment, and outputs are visible before they are committed. */
  readonly guarantee?: Guarantee;
  /** Where failed records go. Default: part files in `dead-letters` beside a durable state, else they are only counted. */
  readonly deadLetters?: Sink<DeadRecord>;
  /** When the job gives up. Default: more than 1 % of the records (once there are 1,000), or 100 in a row. */
  readonly deadLettersMax?: Partial<DeadLetterLimits>;
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
      z.strictObject({ every: durationSchema.optional(), records: wholeNumber.optional() }),
    ])
    .optional(),
  parallelism: wholeNumber.max(32_768).optional(),
  maxParallelism: wholeNumber.max(32_768).optional(),
  guarantee: z.enum(['exactly-once', 'at-least-once']).optional(),
  deadLetters: sinkSchema.optional(),
  deadLettersMax: z
    .strictObject({ share: z.number().min(0).max(1).optional(), inARow: wholeNumber.optional() })
    .optional(),
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
  const checkpoint =
    typeof options.checkpoint === 'object' ? options.checkpoint : { every: options.checkpoint };
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
    everyMs: intervalMs(checkpoint, where),
    everyRecords: checkpoint.records ?? Infinity,
    deadLettersMax: {
      share: options.deadLettersMax?.share ?? 0.01,
      inARow: options.deadLettersMax?.inARow ?? 100,
    },
    runtime: options.logger === undefined ? runtime : { ...runtime, log: options.logger },
  };
  if (parallelism > (options.maxParallelism ?? Infinity))
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'parallelism of at most maxParallelism',
      got: `${parallelism} shards of ${String(options.maxParallelism)} key groups`,
      where,
      hint: 'A shard needs a key group; raise maxParallelism or lower parallelism.',
    });
  if (guarantee === 'exactly-once') refuseWeakConnectors(job, where);
  return job;
}

function intervalMs(
  checkpoint: {
    readonly every?: string | number | undefined;
    readonly records?: number | undefined;
  },
  where: string,
): number {
  if (checkpoint.every === undefined) return checkpoint.records === undefined ? 10_000 : Infinity;
  return durationMs(checkpoint.every as Duration, `checkpoint of ${where}`);
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

/** Refused at start, not at three in the morning. */
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
