/**
 * What a run can be measured by, as one plain value: the snapshot that `run.metrics$` gives, and its form as families of
 * metrics with the names that dashboards know. Pure: a shell looks at the job, another one serves the text.
 */
import type { EpochInfo } from '../checkpoint/job-record.js';
import { MAX_WATERMARK, MIN_WATERMARK } from '../core/flow.js';
import type { Phase } from './job-options.js';

/** Elements of a step by what became of them, over all runs on this state. */
export interface StepMetrics {
  /** uid, or a derived name. */
  readonly uid: string;
  readonly recordsIn: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly filtered: number;
  readonly refused: number;
  /** Input watermark, epoch ms, the lowest over its shards; undefined before the first and after the last one. */
  readonly watermark: number | undefined;
  /** Keys with state; undefined for a step without. */
  readonly stateEntries: number | undefined;
  readonly timersPending: number | undefined;
}

export interface SplitMetrics {
  readonly input: string;
  readonly split: string;
  readonly bytesRead: number;
  /** Elements that have been read, but not worked through yet. */
  readonly queued: number;
}

/** A look at a run. Times in ms. */
export interface RunMetrics {
  readonly job: string;
  readonly phase: Phase;
  /** When it was taken, epoch ms. */
  readonly time: number;
  readonly uptimeMs: number;
  /** Share of the time since the last look in which the loop of the job was at work, 0 to 1. */
  readonly busyRatio: number;
  /** Tasks that stand still because an output has no room. */
  readonly blockedTasks: number;
  /** Records taken from the sources, over all runs on this state. */
  readonly records: number;
  readonly bytesRead: number;
  /** undefined where a source does not know. */
  readonly bytesTotal: number | undefined;
  /** Event time reached at the sources, epoch ms; undefined before the first watermark and after the last one. */
  readonly watermark: number | undefined;
  /** The last committed epoch; 0 before the first. */
  readonly epoch: number;
  /** Epochs that this run has committed. */
  readonly checkpoints: number;
  /** Since the last commit, or since the start where this run has made none yet. */
  readonly commitAgeMs: number;
  /** How often an epoch is due; undefined where it does not go by time. */
  readonly commitEveryMs: number | undefined;
  /** The last commit, of this or of an earlier run; undefined before the first. */
  readonly lastCheckpoint: EpochInfo | undefined;
  /** How often the job has begun again within this run. */
  readonly restarts: number;
  readonly steps: readonly StepMetrics[];
  readonly splits: readonly SplitMetrics[];
  readonly sinks: readonly { readonly uid: string; readonly records: number }[];
}

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** A watermark for a report: before the first and after the last one there is none. */
export function timeOrNone(watermark: number): number | undefined {
  return watermark === MIN_WATERMARK || watermark === MAX_WATERMARK ? undefined : watermark;
}

/** The snapshot as families of metrics. Units are those of Prometheus: seconds, bytes; event time stays in ms. */
export function metricFamilies(metrics: RunMetrics): MetricFamily[] {
  return [...ofRun(metrics), ...ofSteps(metrics), ...ofEdges(metrics)].filter(
    ({ samples }) => samples.length > 0,
  );
}

/** Name, help, value; undefined where there is nothing to say. */
type Row = readonly [name: string, help: string, value: number | undefined];

function ofRun(metrics: RunMetrics): MetricFamily[] {
  const { job, phase, time, watermark, lastCheckpoint } = metrics;
  const durationMs = lastCheckpoint?.durationMs;
  const gauges: Row[] = [
    ['up', 'Whether the job works.', phase === 'running' || phase === 'finishing' ? 1 : 0],
    ['uptime_seconds', 'Since the start of this run.', metrics.uptimeMs / 1000],
    ['busy_ratio', 'Share of time in which the loop of the job was at work.', metrics.busyRatio],
    ['backpressured_tasks', 'Tasks that wait for room in an output.', metrics.blockedTasks],
    ['source_watermark_ms', 'Event time reached at the sources, epoch ms.', watermark],
    ['source_watermark_lag_seconds', 'How far that is behind the clock.', lag(time, watermark)],
    ['source_size_bytes', 'Size of a bounded input.', metrics.bytesTotal],
    ['checkpoint_epoch', 'The last committed epoch.', metrics.epoch],
    ['checkpoint_age_seconds', 'Since the last commit.', metrics.commitAgeMs / 1000],
    [
      ...(['checkpoint_duration_seconds', 'From barriers to commit, of the last epoch.'] as const),
      durationMs === undefined ? undefined : durationMs / 1000,
    ],
    ['checkpoint_size_bytes', 'State that the last epoch has written.', lastCheckpoint?.bytes],
  ];
  const counters: Row[] = [
    ['source_records_total', 'Records taken from the sources.', metrics.records],
    ['source_bytes_total', 'Bytes read from the sources.', metrics.bytesRead],
    ['restarts_total', 'How often the job has begun again within this run.', metrics.restarts],
    ['checkpoints_total', 'Epochs that this run has committed.', metrics.checkpoints],
  ];
  const family =
    (type: MetricFamily['type']) =>
    ([name, help, value]: Row): MetricFamily => {
      const samples = value === undefined ? [] : [{ labels: { job }, value }];
      return { name: `tidemark_${name}`, help, type, samples };
    };
  return [...gauges.map(family('gauge')), ...counters.map(family('counter'))];
}

type Column = readonly [
  name: string,
  help: string,
  read: (step: StepMetrics) => number | undefined,
];

function ofSteps({ job, time, steps }: RunMetrics): MetricFamily[] {
  const counters: Column[] = [
    ['records_in_total', 'Elements that a step has received.', (step) => step.recordsIn],
    ['late_records_total', 'Elements that came too late.', (step) => step.late],
    ['dead_letters_total', 'Elements that failed.', (step) => step.deadLetters],
    ['filtered_records_total', 'Elements that a filter let go.', (step) => step.filtered],
    ['refused_records_total', 'Elements for which there was no room.', (step) => step.refused],
  ];
  const gauges: Column[] = [
    ['watermark_ms', 'Input watermark of a step, epoch ms.', (step) => step.watermark],
    [
      ...(['watermark_lag_seconds', 'How far that is behind the clock.'] as const),
      (step) => lag(time, step.watermark),
    ],
    ['state_entries', 'Keys with state.', (step) => step.stateEntries],
    ['timers_pending', 'Timers that wait.', (step) => step.timersPending],
  ];
  const family =
    (type: MetricFamily['type']) =>
    ([name, help, read]: Column): MetricFamily => ({
      ...{ name: `tidemark_${name}`, help, type },
      samples: steps.flatMap((step) => {
        const value = read(step);
        return value === undefined ? [] : [{ labels: { job, uid: step.uid }, value }];
      }),
    });
  return [...counters.map(family('counter')), ...gauges.map(family('gauge'))];
}

function ofEdges({ job, splits, sinks }: RunMetrics): MetricFamily[] {
  return [
    {
      ...{ name: 'tidemark_split_bytes_total', type: 'counter' },
      help: 'Bytes read from a split of a source.',
      samples: splits.map(({ input, split, bytesRead }) => ({
        labels: { job, input, split },
        value: bytesRead,
      })),
    },
    {
      ...{ name: 'tidemark_split_queued_records', type: 'gauge' },
      help: 'Elements that have been read from a split, but not worked through.',
      samples: splits.map(({ input, split, queued }) => ({
        labels: { job, input, split },
        value: queued,
      })),
    },
    {
      ...{ name: 'tidemark_records_out_total', type: 'counter' },
      help: 'Elements that a sink has taken in this run.',
      samples: sinks.map(({ uid, records }) => ({ labels: { job, uid }, value: records })),
    },
  ];
}

function lag(time: number, watermark: number | undefined): number | undefined {
  return watermark === undefined ? undefined : (time - watermark) / 1000;
}
