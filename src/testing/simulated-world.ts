/**
 * A whole outside world from one seed: clock, chance, disk and files, and a crash at any named await.
 *
 * A job that runs in it is ordinary code. When the world crashes, the promise that the job waits for never settles, its
 * handles stop working, unsynced writes are lost by chance, and the next incarnation finds what is left. Time goes on
 * by itself: a millisecond per turn of the loop, and to the next timer when nobody has anything else to do.
 */
import type { Random } from '../core/clock.js';
import { systemClock } from '../core/clock.js';
import { silentLogger, type CrashPoint, type Files, type Runtime } from '../core/runtime.js';
import type { StateBackendFactory } from '../state/backend.js';
import { simulatedDisk, type SimulatedDisk } from './simulated-disk.js';
import { simulatedFiles, type SimulatedFiles } from './simulated-files.js';
import { VirtualClock } from './virtual-clock.js';

/** Crash when a point is met for the nth time (from 1) within one incarnation. */
export interface PlannedCrash {
  readonly point: CrashPoint;
  readonly visit: number;
}

export interface SimulatedWorldOptions {
  readonly seed: number;
  /** One per incarnation, in order; an incarnation without one runs to its end. */
  readonly crashes?: readonly PlannedCrash[];
}

/** How an incarnation ended: with what the job gave, or by the planned crash. */
export type Outcome<T> =
  | { readonly crashed: false; readonly value: T }
  | { readonly crashed: true; readonly point: CrashPoint };

export class SimulatedWorld {
  readonly random: Random;
  /** State that survives a crash as a real disk does; give it to `run` as `state`. */
  readonly disk: StateBackendFactory;
  readonly files: Files;
  /** Every named await that was met, over all incarnations. */
  readonly visits = new Map<CrashPoint, number>();
  readonly #disk: SimulatedDisk;
  readonly #moreDisks = new Map<string, SimulatedDisk>();
  readonly #files: SimulatedFiles;
  readonly #clock = new VirtualClock(1_000_000);
  readonly #crashes: readonly PlannedCrash[];
  #incarnation = 0;

  constructor({ seed, crashes = [] }: SimulatedWorldOptions) {
    this.random = seededRandom(seed);
    this.#crashes = crashes;
    this.#disk = simulatedDisk();
    this.#files = simulatedFiles();
    this.disk = this.#disk;
    this.files = this.#files;
  }

  /** A disk beside that of the job, for a connector that keeps something itself; the same one for the same name. */
  diskOf(name: string): StateBackendFactory {
    const disk = this.#moreDisks.get(name) ?? simulatedDisk(`simulated disk "${name}"`);
    this.#moreDisks.set(name, disk);
    return disk;
  }

  /** Runs one incarnation of a job: `start` is handed the runtime of this life and gives the promise of its end. */
  async live<T>(start: (runtime: Runtime) => Promise<T>): Promise<Outcome<T>> {
    const planned = this.#crashes[this.#incarnation];
    this.#incarnation += 1;
    const life: Life = { isAlive: true, crashedAt: undefined, visits: new Map(), planned };
    const end: { outcome?: Outcome<T>; failure?: { readonly error: unknown } } = {};
    start(this.#runtimeOf(life)).then(
      (value) => (end.outcome = { crashed: false, value }),
      (error: unknown) => (end.failure = { error }),
    );
    await this.#untilOver(
      () => end.outcome !== undefined || end.failure !== undefined || life.crashedAt !== undefined,
    );
    if (life.crashedAt !== undefined) return this.#crash(life, life.crashedAt);
    life.isAlive = false;
    if (end.failure !== undefined) throw end.failure.error;
    return end.outcome as Outcome<T>;
  }

  /** Lets the job work; when everybody waits, time goes to the next timer. */
  async #untilOver(isOver: () => boolean): Promise<void> {
    for (let quietTurns = 0; !isOver();) {
      const before = this.#clock.now();
      await systemClock.turn();
      quietTurns = this.#clock.now() === before ? quietTurns + 1 : 0;
      if (quietTurns < 2) continue;
      const next = this.#clock.next();
      if (next !== Infinity) {
        this.#clock.moveTo(next);
        quietTurns = 0;
      } else if (quietTurns > QUIET_TURNS_MAX)
        throw new Error('the job waits for something that never comes');
    }
  }

  #crash<T>(life: Life, point: CrashPoint): Outcome<T> {
    life.isAlive = false;
    this.#clock.reset(this.#clock.now());
    this.#disk.crash(this.random);
    for (const disk of this.#moreDisks.values()) disk.crash(this.random);
    this.#files.crash(this.random);
    return { crashed: true, point };
  }

  #runtimeOf(life: Life): Runtime {
    const clock = this.#clock;
    return {
      random: this.random,
      files: this.files,
      log: silentLogger,
      clock: {
        now: () => clock.now(),
        elapsed: () => clock.now(),
        setTimer: (time, callback) => clock.setTimer(time, () => life.isAlive && callback()),
        turn: async () => {
          if (!life.isAlive) await never();
          clock.moveTo(clock.now() + 1);
        },
      },
      at: async (point) => {
        if (!life.isAlive) await never();
        const visit = (life.visits.get(point) ?? 0) + 1;
        life.visits.set(point, visit);
        this.visits.set(point, (this.visits.get(point) ?? 0) + 1);
        if (life.planned?.point !== point || life.planned.visit !== visit) return;
        life.isAlive = false;
        life.crashedAt = point;
        await never();
      },
    };
  }
}

/** Real turns of the event loop without virtual time moving, after which a job is taken to hang. */
const QUIET_TURNS_MAX = 1000;

interface Life {
  isAlive: boolean;
  crashedAt: CrashPoint | undefined;
  readonly visits: Map<CrashPoint, number>;
  readonly planned: PlannedCrash | undefined;
}

/**
 * A world of its own, with crashes where the plan says.
 *
 * @example
 * import { iterable, map, partFiles, pipeline, run, unchecked } from 'tidemark';
 * import { simulatedWorld } from 'tidemark/testing';
 * const double = pipeline('double', unchecked<number>(), (n$) => n$.pipe(map((n) => n * 2)));
 * const world = simulatedWorld({ seed: 1, crashes: [{ point: 'epoch.committed', visit: 1 }] });
 * const live = () =>
 *   world.live((runtime) =>
 *     run(double, {
 *       from: iterable([1, 2, 3]),
 *       to: partFiles({ uid: 'out', directory: '/out' }),
 *       state: world.disk,
 *       runtime,
 *     }).done,
 *   );
 * console.log((await live()).crashed); // => true
 * console.log((await live()).crashed); // => false
 * console.log(await world.lines('/out')); // => [ '2', '4', '6' ]
 */
export function simulatedWorld(
  options: SimulatedWorldOptions,
): SimulatedWorld & { lines(directory: string): Promise<string[]> } {
  const world = new SimulatedWorld(options);
  return Object.assign(world, {
    lines: (directory: string) => visibleLines(world.files, directory),
  });
}

/** The lines of all visible part files of a directory, in the order of their names. */
async function visibleLines(files: Files, directory: string): Promise<string[]> {
  const lines: string[] = [];
  for (const name of await files.list(directory)) {
    if (name.startsWith('.')) continue;
    const text = new TextDecoder().decode(await files.read(`${directory}/${name}`));
    lines.push(...text.split('\n').filter((line) => line !== ''));
  }
  return lines;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** mulberry32: small, fast, and the same everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
