/**
 * Law 5 for what a service pushes: an acknowledged value is delivered once, also over crashes at any named await.
 *
 * Family: metamorphic (crash it), in a world that loses what was not synced: log, state, files and table are disks of
 * one machine. It can see a push that is acknowledged too early, a log that is trimmed before the commit, a position
 * that is not in it, a number given twice, rows of an epoch that become visible in part, twice or never.
 */
import fc from 'fast-check';
import {
  connectorCrashPoints,
  crashPoints,
  ingest,
  map,
  partFiles,
  pipeline,
  run,
  table,
  unchecked,
  type CrashPoint,
  type Runtime,
  type StateBackendFactory,
} from 'tidemark';
import { simulatedWorld, type PlannedCrash } from 'tidemark/testing';
import { afterAll, describe, expect } from 'vitest';
import { decodeKey } from '../src/state/key-codec.js';
import { openSealed } from '../src/state/sealed-value.js';
import { check, readSettings } from './settings.js';

/** Where lives have ended, over the whole run. */
const reached = new Set<CrashPoint>();

const copied = pipeline('copied', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
/** Keys of the table. */
const KEYS = 5;

interface Course {
  readonly seed: number;
  readonly values: number;
  readonly producers: number;
  readonly records: number;
  readonly maxBytes: number;
  readonly crashes: readonly PlannedCrash[];
}

const points = [...crashPoints, ...connectorCrashPoints];
const courses: fc.Arbitrary<Course> = fc.record({
  seed: fc.nat(),
  values: fc.integer({ min: 1, max: 60 }),
  producers: fc.integer({ min: 1, max: 8 }),
  records: fc.integer({ min: 1, max: 20 }),
  // Room for a few records only, or for all: pushes that wait, or none.
  maxBytes: fc.constantFrom(1_100, 2_000, 100_000),
  crashes: fc.array(
    fc.oneof(
      fc.record({ point: fc.constantFrom(...points), visit: fc.integer({ min: 1, max: 3 }) }),
      fc.record({
        point: fc.constantFrom(...connectorCrashPoints),
        visit: fc.integer({ min: 1, max: 12 }),
      }),
    ),
    { minLength: 1, maxLength: 5 },
  ),
});

/** A flush takes a while, in which the machine may die of something else. */
function slow(disk: StateBackendFactory, { clock }: Runtime): StateBackendFactory {
  return {
    ...disk,
    async open() {
      const backend = await disk.open();
      const flush = backend.flushed.bind(backend);
      return Object.assign(backend, {
        async flushed() {
          for (let turn = 0; turn < 3; turn += 1) await clock.turn();
          await flush();
        },
      });
    },
  };
}

class Service {
  pushed = 0;
  readonly acknowledged: number[] = [];
  bytesMax = 0;
  readonly #course: Course;
  readonly world;

  constructor(course: Course) {
    this.#course = course;
    this.world = simulatedWorld(course);
  }

  /** Lives until one of them ends by itself. */
  async run(): Promise<void> {
    for (;;) {
      const outcome = await this.world.live((runtime) => this.#live(runtime));
      if (!outcome.crashed) return;
      reached.add(outcome.point);
    }
  }

  async #live(runtime: Runtime): Promise<void> {
    const { records, maxBytes, producers, values } = this.#course;
    const log = ingest(unchecked<number>(), {
      ...{ directory: slow(this.world.diskOf('log'), runtime), runtime, maxBytes },
    });
    const job = run(copied, {
      ...{ from: log, state: this.world.disk, checkpoint: { records, every: 50 }, runtime },
      to: [
        partFiles<number>({ uid: 'out', directory: '/out' }),
        table<number>({
          uid: 'table',
          directory: this.world.diskOf('table'),
          key: (n) => n % KEYS,
        }),
      ],
    });
    const produce = async (): Promise<void> => {
      while (this.pushed < values) {
        this.pushed += 1;
        const value = this.pushed;
        await log.push(value);
        this.acknowledged.push(value);
        this.bytesMax = Math.max(this.bytesMax, log.status().bytes);
      }
    };
    await Promise.all(Array.from({ length: producers }, produce));
    await log.end();
    await job.done;
    await log.close();
  }

  async rows(): Promise<Map<unknown, unknown>> {
    const backend = await this.world.diskOf('table').open();
    const rows = backend.keys('row/').map((name) => {
      const key = Uint8Array.from(name.slice(4), (character) => character.charCodeAt(0));
      return [decodeKey(key), openSealed(backend.get(name) ?? new Uint8Array(), name)] as const;
    });
    await backend.close();
    return new Map(rows);
  }
}

describe('ingest loses nothing', () => {
  check(
    'what was acknowledged is delivered once and in order, and the table holds the last of each key',
    fc.asyncProperty(courses, async (course) => {
      const service = new Service(course);
      await service.run();
      const delivered = (await service.world.lines('/out')).map(Number);
      expect(delivered).toEqual([...new Set(delivered)].toSorted((a, b) => a - b));
      expect(service.acknowledged.filter((value) => !delivered.includes(value))).toEqual([]);
      expect(delivered.at(-1) ?? 0).toBeLessThanOrEqual(service.pushed);
      const last = new Map(delivered.map((value) => [value % KEYS, value]));
      expect([...(await service.rows())].toSorted()).toEqual([...last].toSorted());
      expect(service.bytesMax).toBeLessThanOrEqual(course.maxBytes);
    }),
    { runs: 300, timeoutMs: 120_000 },
  );
});

afterAll(() => {
  // A short run need not meet them all.
  if (readSettings(process.env).path === undefined && reached.size > 0)
    expect(connectorCrashPoints.filter((point) => !reached.has(point))).toEqual([]);
});
