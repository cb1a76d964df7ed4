/** The public door of `tidemark`: named re-exports, no logic. Loading it hands the local runner to the streams. */
import './runtime/install.js';

export { durationMs, formatDuration, type Duration } from './core/duration.js';
export { PipelineError, TidemarkError, errorTable, type ErrorCode } from './core/errors.js';
export type { Key } from './core/key.js';
export { count, max, min, sum, type Aggregator } from './dsl/aggregators.js';
export { connect, type ConnectOptions } from './dsl/connect.js';
export { DataStream, outputTag, type Keyed, type OutputTag, type Step } from './dsl/data-stream.js';
export {
  defineOperator,
  defineTwoInputOperator,
  type OperatorDefinition,
} from './dsl/define-operator.js';
export { eventTime, type EventTimeOptions } from './dsl/event-time.js';
export { filter } from './dsl/filter.js';
export { flatMap } from './dsl/flat-map.js';
export { keyBy, type KeyByOptions } from './dsl/key-by.js';
export { map } from './dsl/map.js';
export {
  pipeline,
  type Connection,
  type Pipeline,
  type PipelineDefinition,
} from './dsl/pipeline.js';
export { process, type ProcessOptions } from './dsl/process.js';
export type { FiredTimer, ProcessContext, Timers } from './dsl/process-context.js';
export { rx } from './dsl/rx.js';
export { unchecked, type InputType, type StandardSchema } from './dsl/schema.js';
export { stream } from './dsl/stream.js';
export { topK, type TopK, type TopKOptions } from './dsl/top-k.js';
export { union } from './dsl/union.js';
export { window, type WindowOptions, type WindowResult } from './dsl/window.js';
export {
  mapState,
  valueState,
  type MapState,
  type StateDeclaration,
  type ValueState,
} from './state/handles.js';
export { sliding, tumbling, type TimeWindow } from './time/windows.js';
export { callback, type CallbackOptions } from './connectors/callback.js';
export { collect, type CollectOptions, type CollectSink } from './connectors/collect.js';
export {
  file,
  type DelimitedFileOptions,
  type FileRow,
  type JsonlFileOptions,
} from './connectors/file.js';
export { nodeFiles } from './connectors/node-files.js';
export { iterable, splitIterable, type IterableOptions } from './connectors/iterable.js';
export { nodeRuntime, type NodeRuntimeOptions } from './connectors/node-runtime.js';
export { partFiles, type PartFilesOptions } from './connectors/part-files.js';
export type {
  Cursor,
  Guarantee,
  Prepared,
  Sink,
  SinkGuarantee,
  SinkInstance,
  SinkRun,
  SinkWriter,
  Source,
  SourceChunk,
  SplitReader,
} from './core/connector.js';
export type { Chunk, Origin, Unreadable } from './core/flow.js';
export {
  crashPoints,
  type CrashPoint,
  type Files,
  type Logger,
  type Runtime,
  type WritableFile,
} from './core/runtime.js';
export type { Clock } from './core/clock.js';
export { explain, type ExplainedStep, type Explanation } from './runtime/explain.js';
export { run, type Run } from './run.js';
export type { CheckpointOptions, RunOptions } from './run-options.js';
export type { RunStatus, RunSummary, Phase } from './runtime/job-options.js';
export type { DeadRecord, LateRecord } from './runtime/records.js';
export type { BatchEntry, StateBackend, StateBackendFactory } from './state/backend.js';
export { memory } from './state/memory-backend.js';
export { lmdb } from './state/lmdb-backend.js';
