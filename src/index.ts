/** The public door of `tidemark`: named re-exports, no logic. Loading it hands the local runner to the streams. */
import './runtime/install.js';

export { durationMs, formatDuration, type Duration } from './core/duration.js';
export { PipelineError, TidemarkError, errorTable, type ErrorCode } from './core/errors.js';
export type { Key } from './core/key.js';
export {
  average,
  count,
  max,
  min,
  sum,
  type Aggregator,
  type TotalOptions,
} from './dsl/aggregators.js';
export { asyncFlatMap, asyncMap, type AsyncCall, type AsyncMapOptions } from './dsl/async-map.js';
export type { RetryOptions } from './dsl/async-retry.js';
export { elements, first, last, type ByOptions } from './dsl/collecting.js';
export { combine } from './dsl/combine.js';
export { broadcast, type BroadcastStream } from './dsl/broadcast.js';
export { connect, type ConnectOptions } from './dsl/connect.js';
export {
  connectAll,
  type BroadcastAllContext,
  type ConnectAllBroadcastOptions,
  type ConnectAllOptions,
} from './dsl/connect-all.js';
export type {
  BroadcastReadContext,
  BroadcastWriteContext,
  ConnectBroadcastOptions,
} from './dsl/connect-broadcast.js';
export { DataStream, outputTag, type Keyed, type OutputTag, type Step } from './dsl/data-stream.js';
export { dedupe, type DedupeOptions } from './dsl/dedupe.js';
export {
  defineOperator,
  defineTwoInputOperator,
  type OperatorDefinition,
} from './dsl/define-operator.js';
export {
  approximateDistinctCount,
  distinctCount,
  type ApproximateDistinctCountOptions,
} from './dsl/distinct.js';
export { eventTime, type EventTimeOptions } from './dsl/event-time.js';
export {
  defineWatermarks,
  monotone,
  type DefineWatermarksOptions,
  type Watermarks,
} from './dsl/event-time-watermarks.js';
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
export { processAll, type ProcessAllContext, type ProcessAllOptions } from './dsl/process-all.js';
export type { FiredTimer, ProcessContext, Timers } from './dsl/process-context.js';
export { reduce, type ReduceOptions } from './dsl/reduce.js';
export { quantiles, type QuantilesOptions } from './dsl/quantiles.js';
export { rx } from './dsl/rx.js';
export { unchecked, type InputType, type StandardSchema } from './dsl/schema.js';
export { stream } from './dsl/stream.js';
export { topK, type TopK, type TopKOptions } from './dsl/top-k.js';
export { union } from './dsl/union.js';
export { window, type WindowResult } from './dsl/window.js';
export type { WindowOptions, WindowProcessOptions } from './dsl/window-options.js';
export { windowAll, type WindowAllResult } from './dsl/window-all.js';
export type { WindowContext, WindowFunction } from './dsl/window-function.js';
export type { WindowSpec } from './dsl/window-spec.js';
export type { StateDeclaration } from './state/handles.js';
export {
  aggregatingState,
  reducingState,
  type AggregatingState,
  type ReducingState,
  type StateAggregator,
} from './state/handles-fold.js';
export { listState, type ListState } from './state/handles-list.js';
export type { ReadonlyMapState } from './state/broadcast-state.js';
export { mapState, type MapState } from './state/handles-map.js';
export { valueState, type ValueState } from './state/handles-value.js';
export type { StateOptions, TtlOptions } from './state/ttl.js';
export {
  evictors,
  type DeltaEvictorOptions,
  type Evictor,
  type EvictorOptions,
  type WindowElement,
} from './time/evictors.js';
export {
  countWindow,
  globalWindow,
  type CountWindowOptions,
  type CountWindows,
  type GlobalWindow,
} from './time/global-windows.js';
export { session, type SessionOptions, type SessionWindows } from './time/session-windows.js';
export {
  defineTrigger,
  type Trigger,
  type TriggerContext,
  type TriggerDefinition,
  type TriggerResult,
} from './time/trigger.js';
export type { TimeoutOptions } from './time/timed-triggers.js';
export { triggers, type DeltaOptions } from './time/triggers.js';
export {
  hop,
  sliding,
  tumbling,
  type AlignedWindows,
  type SlidingOptions,
  type TimeWindow,
  type TumblingOptions,
  type WindowTime,
} from './time/windows.js';
export { callback, type CallbackOptions } from './connectors/callback.js';
export { collect, type CollectOptions, type CollectSink } from './connectors/collect.js';
export {
  directory,
  type DirectoryOptions,
  type FollowDirectoryOptions,
} from './connectors/directory.js';
export { file, type Follow, type FollowFileOptions } from './connectors/file.js';
export type { DelimitedFileOptions, FileRow, JsonlFileOptions } from './connectors/file-open.js';
export { ingest, type Ingest, type IngestOptions, type IngestStatus } from './connectors/ingest.js';
export type { Feed, FeedOptions } from './connectors/ingest-feed.js';
export { nodeFiles } from './connectors/node-files.js';
export { interval, type IntervalOptions } from './connectors/interval.js';
export {
  iterable,
  splitIterable,
  type CursorOptions,
  type IterableOptions,
  type Values,
} from './connectors/iterable.js';
export {
  serveMetrics,
  type Measured,
  type MetricsServer,
  type MetricsServerOptions,
} from './connectors/metrics-server.js';
export { nodeRuntime, type NodeRuntimeOptions } from './connectors/node-runtime.js';
export { partFiles, type PartFilesOptions } from './connectors/part-files.js';
export {
  openTable,
  type OpenTableOptions,
  type Row,
  type RowRange,
  type TableReader,
  type TableSnapshot,
} from './connectors/open-table.js';
export { table, type TableOptions } from './connectors/table.js';
export { stdout, type LineStream, type StdoutOptions } from './connectors/stdout.js';
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
  SplitDiscovery,
  SplitReader,
} from './core/connector.js';
export type { Chunk, Origin, Unreadable } from './core/flow.js';
export {
  connectorCrashPoints,
  copyCrashPoints,
  crashPoints,
  type CrashPoint,
  type FileStat,
  type Files,
  type Logger,
  type ReadableFile,
  type Runtime,
  type Signals,
  type StopSignal,
  type WritableFile,
} from './core/runtime.js';
export type { Clock } from './core/clock.js';
export { explain, type ExplainedStep, type Explanation } from './runtime/explain.js';
export type { RunMetrics, SplitMetrics, StepMetrics } from './runtime/metrics.js';
export { why } from './runtime/why.js';
export type { WhyHolder, WhyReport, WhyStep, WhyTime } from './runtime/why-report.js';
export { defineJob, type JobDefinition } from './cli/define-job.js';
export { run, type Run } from './run.js';
export type { CheckpointOptions, RunOptions } from './run-options.js';
export {
  restarts,
  type ExponentialDelayOptions,
  type FailureRateOptions,
  type FixedDelayOptions,
  type Restarts,
  type RestartStrategy,
} from './runtime/restart.js';
export type { EpochInfo } from './checkpoint/job-record.js';
export type { Bytes } from './core/byte-size.js';
export type { Execution, RunStatus, RunSummary, Phase } from './runtime/job-options.js';
export { directoryStore, type SnapshotStore } from './checkpoint/snapshot-store.js';
export type { SnapshotEvery } from './runtime/copy-options.js';
export type { DeadRecord, LateRecord } from './runtime/records.js';
export type { BatchEntry, StateBackend, StateBackendFactory } from './state/backend.js';
export { memory } from './state/memory-backend.js';
export { lmdb } from './state/lmdb-backend.js';
