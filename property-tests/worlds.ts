/** Jobs that die, in a simulated world, and are started again until they have finished. */
import { partFiles, restarts } from 'tidemark';
import type {
  CrashPoint,
  DeadRecord,
  Files,
  Run,
  RunSummary,
  Runtime,
  Sink,
  StateBackendFactory,
} from 'tidemark';
import { simulatedWorld } from 'tidemark/testing';
import type { Description, Item } from './description.js';
import { job, type JobOptions, type Splits } from './modes.js';
import { textOf } from './text.js';

const OUTPUT_DIRECTORY = '/out';
const DEAD_DIRECTORY = '/dead';

/**
 * How a life ends: by a crash at the nth visit of a named await, by one before the nth time that the job asks anything
 * of the world, or by a stop in good order at that time. With faults it need not end: at those calls of the files or the
 * disk these fail, and the job begins again by itself.
 */
export type Death =
  | { readonly faults: readonly number[] }
  | { readonly point: CrashPoint; readonly visit: number }
  | { readonly call: number }
  | { readonly stop: number };

export interface WorldOptions extends Omit<JobOptions, 'runtime' | 'state' | 'deadLetters'> {
  readonly seed: number;
  /** One per incarnation; the one behind them runs to its end. */
  readonly deaths: readonly Death[];
  /** Shards of each incarnation, over and over again. Overrules `parallelism`. */
  readonly shards?: readonly number[];
  /** Puts an observer around the sink of each incarnation. */
  readonly observe?: (sink: Sink<Item>) => Sink<Item>;
  /** Whether records that fail have a place of their own. Default: they are only counted, and few are allowed. */
  readonly buries?: boolean;
}

export interface Lived {
  /** Lines of the visible files, each an item as text. */
  readonly lines: readonly string[];
  readonly files: readonly string[];
  /** The operators that named a failed record, one line for each. */
  readonly dead: readonly string[];
  /** Names of files that nobody may look at, and that nobody has removed. */
  readonly hidden: readonly string[];
  /** The named awaits at which lives ended; a planned death may lie behind the end of a job. */
  readonly endings: readonly CrashPoint[];
  readonly incarnations: number;
  /** Attempts beside the first, within the last incarnation. */
  readonly restarts: number;
  readonly summary: RunSummary;
}

/** A job with durable files in a simulated world, restarted after each death until it has finished. */
export async function inWorld(
  description: Description,
  splits: readonly [Splits, Splits?],
  options: WorldOptions,
): Promise<Lived> {
  const { seed, deaths, shards } = options;
  const crashes = deaths.map((death) =>
    'point' in death ? death : 'call' in death ? anyCall : noCrash,
  );
  const world = simulatedWorld({ seed, crashes });
  const endings: CrashPoint[] = [];
  for (let incarnation = 0; ; incarnation += 1) {
    const death = deaths[incarnation];
    const outcome = await world.live((given) => {
      const files = partFiles<Item>({ uid: 'out', directory: OUTPUT_DIRECTORY, encode: textOf });
      const sink = options.observe?.(files) ?? files;
      const life: { running?: Run } = {};
      const { runtime, state } = mortal(given, world.disk, async (call, canFail) => {
        if (death === undefined || 'point' in death) return;
        if ('faults' in death) {
          if (canFail && death.faults.includes(call)) throw new Error('EIO');
          return;
        }
        if ('call' in death && call >= death.call) await given.at(anyCall.point);
        if ('stop' in death && call === death.stop) void life.running?.stop();
      });
      const parallelism = shards?.[incarnation % shards.length] ?? options.parallelism ?? 1;
      const buried = options.buries === true ? { deadLetters: deadSink() } : {};
      const restart = restarts.fixedDelay({ attempts: 100, delay: 5 });
      const settings = { waits: 1, ...options, ...buried, parallelism, runtime, state, restart };
      life.running = job(description, splits, sink, settings);
      return life.running.done;
    });
    if (outcome.crashed) {
      if (death !== undefined && 'point' in death) endings.push(death.point);
      continue;
    }
    if (outcome.value.phase === 'stopped') continue;
    const names = await world.files.list(OUTPUT_DIRECTORY);
    const hidden = names.filter((name) => name.startsWith('.'));
    const visible = names.filter((name) => !name.startsWith('.'));
    const files = await Promise.all(
      visible.map(async (name) => {
        const bytes = await world.files.read(`${OUTPUT_DIRECTORY}/${name}`);
        return `${name}\n${new TextDecoder().decode(bytes)}`;
      }),
    );
    const lines = await world.lines(OUTPUT_DIRECTORY);
    const dead = options.buries === true ? await world.lines(DEAD_DIRECTORY) : [];
    const incarnations = incarnation + 1;
    const { value: summary } = outcome;
    return {
      lines,
      files,
      dead,
      hidden,
      endings,
      incarnations,
      restarts: summary.restarts,
      summary,
    };
  }
}

function deadSink(): Sink<DeadRecord> {
  return partFiles<DeadRecord>({
    uid: 'dead',
    directory: DEAD_DIRECTORY,
    encode: ({ operator }) => operator,
  });
}

/** The second visit of a point that a life meets once is free to stand for any other place. */
const anyCall = { point: 'recover.opened', visit: 2 } as const;

const noCrash = { point: 'recover.opened', visit: Infinity } as const;

/** The outside world of a job, in which something may happen before each call of the clock, the files or the disk. */
function mortal(
  runtime: Runtime,
  disk: StateBackendFactory,
  happens: (call: number, canFail: boolean) => Promise<void>,
): { readonly runtime: Runtime; readonly state: StateBackendFactory } {
  let calls = 0;
  const before = async <Result>(call: () => Promise<Result>, canFail = true): Promise<Result> => {
    calls += 1;
    await happens(calls, canFail);
    return call();
  };
  const { clock } = runtime;
  return {
    runtime: {
      ...runtime,
      clock: { ...clock, turn: () => before(() => clock.turn(), false) },
      files: mortalFiles(runtime.files, before),
    },
    state: mortalDisk(disk, before),
  };
}

type Before = <Result>(call: () => Promise<Result>) => Promise<Result>;

function mortalFiles(files: Files, before: Before): Files {
  return {
    makeDirectory: (path) => before(() => files.makeDirectory(path)),
    list: (path) => before(() => files.list(path)),
    rename: (from, to) => before(() => files.rename(from, to)),
    remove: (path) => before(() => files.remove(path)),
    exists: (path) => before(() => files.exists(path)),
    syncDirectory: (path) => before(() => files.syncDirectory(path)),
    read: (path) => before(() => files.read(path)),
    stat: (path) => before(() => files.stat(path)),
    open: (path) => before(() => files.open(path)),
    create: (path) =>
      before(async () => {
        const file = await files.create(path);
        return {
          write: (bytes) => before(() => file.write(bytes)),
          sync: () => before(() => file.sync()),
          close: () => before(() => file.close()),
        };
      }),
  };
}

function mortalDisk(disk: StateBackendFactory, before: Before): StateBackendFactory {
  return {
    description: disk.description,
    directory: disk.directory,
    open: () =>
      before(async () => {
        const backend = await disk.open();
        return {
          writeAhead: (key, value) => backend.writeAhead(key, value),
          flushed: () => before(() => backend.flushed()),
          commit: (batch) => backend.commit(batch),
          get: (key) => backend.get(key),
          keys: (prefix) => backend.keys(prefix),
          discard: (keys) => backend.discard(keys),
          // Whatever goes wrong, who has closed it does not hold it any more.
          async close() {
            try {
              await before(async () => undefined);
            } finally {
              await backend.close();
            }
          },
        };
      }),
  };
}
