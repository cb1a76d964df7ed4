/** What a job is told: the parts that `run` has checked and filled in. */
import type { SnapshotPlan } from '../checkpoint/snapshot-keeper.js';
import type { Guarantee, Sink, Source } from '../core/connector.js';
import type { InputNode, Outputs } from '../core/graph.js';
import type { Counters } from '../core/operator.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackendFactory } from '../state/backend.js';
import type { EpochLimits } from './epoch-schedule.js';
import type { RestartStrategy } from './restart.js';
import type { DeadRecord, LateRecord } from './records.js';

export interface JobOptions {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, InputNode>;
  readonly outputs: Outputs;
  /** By input name. */
  readonly from: ReadonlyMap<string, Source<unknown>>;
  /** By output name; an output may go to several sinks. */
  readonly to: ReadonlyMap<string, readonly Sink<unknown>[]>;
  readonly deadLetters: Sink<DeadRecord> | undefined;
  readonly state: StateBackendFactory;
  readonly guarantee: Guarantee;
  readonly parallelism: number;
  readonly maxParallelism: number | undefined;
  /** When epochs end. */
  readonly epochs: EpochLimits;
  /** What to do after a failure. */
  readonly restart: RestartStrategy;
  /** Whether signals of the operating system stop the job. */
  readonly listensToSignals: boolean;
  /** `batch`: no watermark before the end of the inputs. */
  readonly execution: Execution;
  /** Heap that keyed state may take; Infinity for no budget. */
  readonly memoryBytes: number;
  readonly deadLettersMax: DeadLetterLimits;
  readonly runtime: Runtime;
  /** Copies taken behind the work, and where they are kept. */
  readonly snapshots?: SnapshotPlan | undefined;
  /** Goes back to the newest good snapshot where the state is damaged. */
  readonly rewind?: boolean | undefined;
  /** A savepoint that an empty state is made of. */
  readonly resumeFrom?: string | undefined;
  /** Lets go state whose uid no operator has. */
  readonly allowNonRestoredState?: boolean | undefined;
}

/** The breaker: a bad deploy that fails every record must not drain its input into the dead letters. */
export interface DeadLetterLimits {
  /** Share of all records, judged once there are at least 1,000 of them. */
  readonly share: number;
  readonly inARow: number;
}

export type Phase =
  | 'recovering'
  | 'running'
  | 'finishing'
  | 'restarting'
  | 'finished'
  | 'stopped'
  | 'failed';

/** `stream`: watermarks as the data goes on. `batch`: one watermark, at the end of all inputs, so nothing is late. */
export type Execution = 'stream' | 'batch';

/** A look at one attempt of a job. */
export interface AttemptStatus {
  readonly phase: Phase;
  /** Records taken from the sources, over all incarnations of the state. */
  readonly records: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly filtered: number;
  /** Event time reached, ms; -Infinity before the first watermark, Infinity at the end. */
  readonly watermark: number;
  /** The last committed epoch; 0 before the first. */
  readonly epoch: number;
  readonly bytesRead: number;
  /** undefined where a source does not know. */
  readonly bytesTotal: number | undefined;
}

/** A look at a running job. */
export interface RunStatus extends AttemptStatus {
  /** How often this run has begun again after a failure. */
  readonly restarts: number;
  /** The last failure of this run, in one line; undefined when there was none. */
  readonly lastFailure: string | undefined;
}

export interface RunSummary extends AttemptSummary, RunStatus {}

export interface AttemptSummary extends AttemptStatus {
  /** The committed epoch that the run went on from; 0 for a fresh start. */
  readonly resumedFromEpoch: number;
  /** The job had finished in an earlier run; nothing was done. */
  readonly alreadyFinished: boolean;
  /** Epoch of the newest snapshot, 0 for none, and how many this run has failed to write; undefined without a store. */
  readonly snapshots: { readonly epoch: number; readonly failures: number } | undefined;
  /** By uid or derived name. */
  readonly operators: Readonly<Record<string, Counters>>;
  /** Examples from this run, ten at most. */
  readonly lateSamples: readonly LateRecord[];
  /** Examples from this run, ten at most. */
  readonly deadSamples: readonly DeadRecord[];
}
