/** What a job is told: the parts that `run` has checked and filled in. */
import type { Guarantee, Sink, Source } from '../core/connector.js';
import type { InputNode, Outputs } from '../core/graph.js';
import type { Counters } from '../core/operator.js';
import type { Runtime } from '../core/runtime.js';
import type { StateBackendFactory } from '../state/backend.js';
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
  /** An epoch ends after this many ms; Infinity for never. */
  readonly everyMs: number;
  /** An epoch ends after this many source records; Infinity for never. */
  readonly everyRecords: number;
  readonly deadLettersMax: DeadLetterLimits;
  readonly runtime: Runtime;
}

/** The breaker: a bad deploy that fails every record must not drain its input into the dead letters. */
export interface DeadLetterLimits {
  /** Share of all records, judged once there are at least 1,000 of them. */
  readonly share: number;
  readonly inARow: number;
}

export type Phase = 'recovering' | 'running' | 'finishing' | 'finished' | 'stopped' | 'failed';

/** A look at a running job. */
export interface RunStatus {
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

export interface RunSummary extends RunStatus {
  /** The committed epoch that the run went on from; 0 for a fresh start. */
  readonly resumedFromEpoch: number;
  /** The job had finished in an earlier run; nothing was done. */
  readonly alreadyFinished: boolean;
  /** By uid or derived name. */
  readonly operators: Readonly<Record<string, Counters>>;
  /** Examples from this run, ten at most. */
  readonly lateSamples: readonly LateRecord[];
  /** Examples from this run, ten at most. */
  readonly deadSamples: readonly DeadRecord[];
}
