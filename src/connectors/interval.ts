/**
 * Makes an element at each multiple of a span of wall-clock time: heartbeats, polls, load for tests.
 *
 * The cursor is the next tick, so a job that was away knows which ticks it has missed: they are made up for, or left out.
 * All jobs tick at the same moments, because ticks are multiples of the span and not counted from a start.
 */
import { z } from 'zod';
import type { Cursor, Source, SplitReader } from '../core/connector.js';
import { durationMs, type Duration } from '../core/duration.js';
import { TidemarkError, show } from '../core/errors.js';
import { CHUNK_ELEMENTS_MAX } from '../core/flow.js';
import type { Runtime } from '../core/runtime.js';
import { checkOptions, durationOption, functionOption } from '../dsl/options.js';
import { Interruption } from './interruption.js';
import { sourceChunk } from './source-chunk.js';

export interface IntervalOptions<T> {
  /** The span between two ticks. */
  readonly every: Duration;
  /** Epoch ms; the first tick is the first multiple of `every` at or behind it. Default: when the job first starts. */
  readonly start?: number;
  /** Epoch ms; ticks end before it. Default: never. */
  readonly until?: number;
  /** The element of a tick, given its time in epoch ms. Default: the time itself. */
  readonly value?: (tick: number) => T;
  /** Of several ticks that are due, as after a restart: `emit` all, or `skip` all but the last. Default `emit`. */
  readonly missed?: 'emit' | 'skip';
  /** How many missed ticks are emitted at a start at most; older ones are left out, with a warning. Default 100,000. */
  readonly missedMax?: number;
  /** How errors and late records name it. Default `interval`. */
  readonly name?: string;
}

const time = z.number().int().min(0);
const schema = z.strictObject({
  every: durationOption({ min: 1 }),
  start: time.optional(),
  until: time.optional(),
  value: functionOption<(tick: number) => unknown>().optional(),
  missed: z.enum(['emit', 'skip']).default('emit'),
  missedMax: z.number().int().min(1).default(100_000),
  name: z.string().min(1).default('interval'),
});

type Checked = Omit<z.output<typeof schema>, 'every'> & { readonly everyMs: number };

/**
 * A replayable source of one split, `0`. Positions are tick / every; each element is delivered with the time of its tick,
 * which `eventTime` takes for the time at which it was appended. `value` is called again for the same tick after a
 * crash, and must then give the same.
 *
 * @example
 * import { collect, interval, map, pipeline, run, unchecked } from 'tidemark';
 *
 * const beats = pipeline('beats', unchecked<number>(), (tick$) =>
 *   tick$.pipe(map((tick) => new Date(tick).toISOString())),
 * );
 * const out = collect<string>({ uid: 'out' });
 * const from = interval({ every: '20m', start: 0, until: 3_600_000 });
 * await run(beats, { from, to: out }).done;
 * console.log(out.values.map((time) => time.slice(11, 16)).join());
 * // => 00:00,00:20,00:40
 *
 * @throws TidemarkError OPTIONS_INVALID at once; SOURCE_FAILED when `value` throws
 */
export function interval<T = number>(options: IntervalOptions<T>): Source<T> {
  const { every, ...rest } = checkOptions(schema, options, 'interval()');
  const checked: Checked = { ...rest, everyMs: durationMs(every, 'interval(), every') };
  return {
    name: checked.name,
    replayable: true,
    unbounded: checked.until === undefined,
    splits: () => Promise.resolve(['0']),
    open: async (_split, cursor, runtime) =>
      tickReader(checked, nextTick(checked, cursor, runtime), runtime),
  };
}

/** The tick to begin with. */
function nextTick(options: Checked, cursor: Cursor, { clock, log }: Runtime): number {
  const { everyMs, missedMax, name } = options;
  const from = cursor === undefined ? (options.start ?? clock.now()) : cursorOf(cursor, name);
  const next = Math.ceil(from / everyMs) * everyMs;
  const last = lastDue(options, clock.now());
  const due = (last - next) / everyMs + 1;
  // A start in the past is what was asked for; only what an absence has piled up is bounded.
  if (cursor === undefined || options.missed === 'skip' || due <= missedMax) return next;
  const skipped = due - missedMax;
  log.warn({ source: name, skipped }, 'More ticks were missed than are made up for.');
  return next + skipped * everyMs;
}

function tickReader(options: Checked, begin: number, { clock }: Runtime): SplitReader {
  const { everyMs, until = Infinity, missed, name } = options;
  const interruption = new Interruption();
  const origin = { name, unit: 'tick' };
  let next = begin;
  return {
    async read() {
      if (next >= until) return undefined;
      // A timer may fire early by a part of a millisecond.
      while (clock.now() < next) if (!(await interruption.until(clock, next))) return undefined;
      const last = lastDue(options, clock.now());
      if (missed === 'skip') next = Math.max(next, last);
      const ticks: number[] = [];
      for (; next <= last && ticks.length < CHUNK_ELEMENTS_MAX; next += everyMs) ticks.push(next);
      const columns = {
        values: ticks.map((tick) => valueOf(options, tick)),
        positions: (ticks[0] ?? 0) / everyMs,
        timestamps: ticks,
      };
      return { chunk: sourceChunk(origin, columns), cursor: next };
    },
    interrupt: () => interruption.raise(),
    close: () => Promise.resolve(),
  };
}

/** The last tick up to now, and before the end. */
function lastDue({ everyMs, until = Infinity }: Checked, now: number): number {
  return Math.min(Math.floor(now / everyMs), Math.ceil(until / everyMs) - 1) * everyMs;
}

function valueOf({ value, name }: Checked, tick: number): unknown {
  if (value === undefined) return tick;
  try {
    return value(tick);
  } catch (cause) {
    throw new TidemarkError('SOURCE_FAILED', {
      expected: `the value of the tick ${tick}`,
      got: show(cause),
      where: name,
      hint: 'The function given as value threw; see the cause.',
      cause,
    });
  }
}

function cursorOf(cursor: Cursor, name: string): number {
  const found = time.safeParse(cursor);
  if (found.success) return found.data;
  throw new TidemarkError('SOURCE_CHANGED', {
    expected: 'a cursor that is the time of a tick',
    got: show(cursor),
    where: name,
    hint: 'Another kind of source was read here before; keep it, or remove the state to begin again.',
  });
}
