/** What a job must offer to be tortured, and what one life of it is told. */
import { appendFileSync } from 'node:fs';
import {
  nodeRuntime,
  restarts,
  type CheckpointOptions,
  type CrashPoint,
  type Guarantee,
  type RestartStrategy,
  type RunSummary,
  type Runtime,
  type Sink,
  type SinkWriter,
} from '../../src/index.js';
import { seededRandom, type Random } from '../shared/random.js';

/** Its outputs are functions of its inputs: whatever happens to it, the same lines come out, in some order. */
export interface TorturedJob {
  readonly name: string;
  /** Points that it meets beside those that every job meets. */
  readonly points: readonly CrashPoint[];
  /** May change with every life. */
  readonly shards: readonly number[];
  readonly outputs: readonly Output[];
  writeInputs(directory: string, options: { records: number; random: Random }): Promise<void>;
  start(life: LifeOptions): Promise<RunSummary>;
}

export interface Output {
  /** A directory, or a file, below that of the round. */
  readonly name: string;
  /** `calls` are lines that a callback has left: in any job they may come twice, and none may be missing. */
  readonly kind: 'part files' | 'table' | 'calls';
  /** Whether it holds the same when elements are taken twice: what at-least-once gives. Default true. */
  readonly isRepeatable?: boolean;
}

export interface LifeOptions {
  readonly job: string;
  readonly inputs: string;
  /** Holds `state` and all outputs of a round. */
  readonly directory: string;
  readonly guarantee: Guarantee;
  readonly parallelism: number;
  /** Source records between epochs. */
  readonly epochRecords: number;
  /** Dies by SIGKILL when this point is met for the nth time. */
  readonly dieAt?: { readonly point: CrashPoint; readonly visit: number };
  /** Calls of sinks fail with this probability; the job begins again by itself. */
  readonly failing?: { readonly seed: number; readonly share: number };
}

/** The options that all jobs have in common. */
export function commonOptions({ epochRecords, guarantee, parallelism, ...life }: LifeOptions): {
  readonly checkpoint: CheckpointOptions;
  readonly guarantee: Guarantee;
  readonly parallelism: number;
  readonly signals: true;
  readonly runtime: Runtime;
  readonly restart: RestartStrategy;
} {
  return {
    checkpoint: { records: epochRecords, every: '50ms' },
    guarantee,
    parallelism,
    signals: true,
    runtime: mortalRuntime(life.dieAt),
    restart:
      life.failing === undefined
        ? restarts.none()
        : restarts.fixedDelay({ attempts: 1_000_000, delay: 1 }),
  };
}

/** The real outside world, but for one named await at which the process is killed as hard as can be. */
function mortalRuntime(dieAt: LifeOptions['dieAt']): Runtime {
  let visits = 0;
  return {
    ...nodeRuntime(),
    async at(point) {
      if (point !== dieAt?.point) return;
      visits += 1;
      if (visits < dieAt.visit) return;
      globalThis.process.kill(globalThis.process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    },
  };
}

/** Where lives leave a mark for each call that was made to fail. */
export const FAILURES = 'failures';

/** The sink, whose calls fail by chance, before or after they have had their effect. */
export function unlucky<T>(sink: Sink<T>, { failing, directory }: LifeOptions): Sink<T> {
  if (failing === undefined) return sink;
  const random = seededRandom(failing.seed);
  const attempt = async <Result>(call: () => Promise<Result> | Result): Promise<Result> => {
    const isUnlucky = random() < failing.share;
    const comesLate = random() < 0.5;
    const result = isUnlucky && !comesLate ? undefined : await call();
    if (!isUnlucky) return result as Result;
    appendFileSync(`${directory}/${FAILURES}`, '.');
    throw new Error('out of luck');
  };
  return {
    ...sink,
    recover: (...given) => attempt(() => sink.recover(...given)),
    async open(...given): Promise<SinkWriter> {
      const writer = await sink.open(...given);
      return {
        write: (...batch) => attempt(() => writer.write(...batch)),
        prepare: (epoch) => attempt(() => writer.prepare(epoch)),
        publish: (prepared) => attempt(() => writer.publish(prepared)),
        close: () => writer.close(),
      };
    },
  };
}
