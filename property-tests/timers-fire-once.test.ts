/**
 * Law 10: timers fire once, in time order, at most once per key and time.
 *
 * Family: a model of timers as a set of times per key, driven by random sets, deletions, watermarks, ticks of the
 * clock, checkpoints and crashes; and one that watches the timers of random pipelines. It can see a timer that is lost or doubled by a checkpoint, one that is deleted for
 * another key or domain, one that fires early, late or out of order, and a callback that sees the wrong time.
 */
import fc from 'fast-check';
import { eventTime, keyBy, pipeline, process, unchecked, valueState } from 'tidemark';
import type { Key } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { clockedCases } from './cases.js';
import type { TimerSight } from './build-process.js';
import { keys } from './logs.js';
import { harnessOf, perform, type Interruption } from './modes.js';
import { check } from './settings.js';
import { multisetOf, textOf } from './text.js';

type Domain = 'event' | 'processing';

/** One thing that an element does to the timers of its key. */
interface Order {
  readonly act: 'set' | 'delete';
  readonly domain: Domain;
  /** Event time, or the distance from the clock. */
  readonly time: number;
}

interface Command {
  readonly key: Key;
  readonly orders: readonly Order[];
}

type Action =
  | { readonly kind: 'element'; readonly command: Command }
  | { readonly kind: 'watermark'; readonly rise: number }
  | { readonly kind: 'clock'; readonly forward: number }
  | { readonly kind: 'checkpoint' | 'crash' };

interface Fired {
  readonly key: Key;
  readonly domain: Domain;
  readonly time: number;
  readonly watermark: number;
  readonly now: number;
  readonly timestamp: number | undefined;
}

/** So far back that elements never move the watermark to where timers are. */
const BOUND_MS = 1_000_000;
const START_MS = 50_000;

const orders: fc.Arbitrary<Order> = fc.record({
  act: fc.oneof(
    { weight: 3, arbitrary: fc.constant('set' as const) },
    { weight: 1, arbitrary: fc.constant('delete' as const) },
  ),
  domain: fc.constantFrom('event' as const, 'processing' as const),
  time: fc.oneof(fc.constantFrom(10, 20), fc.integer({ min: 0, max: 60 })),
});

const actions: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof<fc.Arbitrary<Action>[]>(
    fc.record({
      kind: fc.constant('element' as const),
      command: fc.record({ key: keys, orders: fc.array(orders, { minLength: 1, maxLength: 4 }) }),
    }),
    fc.record({ kind: fc.constant('watermark' as const), rise: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constant('clock' as const), forward: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constantFrom('checkpoint' as const, 'crash' as const) }),
  ),
  { maxLength: 40, size: 'max' },
);

/** A fired timer may set another one: one just behind it, or one in the past. Such chains are short. */
function next(time: number): number | undefined {
  const rest = time % 3;
  return rest === 0 ? time + 1 : rest === 1 ? time - 5 : undefined;
}

const commanded = pipeline('commanded', unchecked<Command>(), (commands) =>
  commands.pipe(
    eventTime({ timestamp: () => 0, outOfOrderness: BOUND_MS }),
    keyBy((command) => command.key),
    process({
      uid: 'timers',
      state: { commands: valueState(0) },
      element(command, { timers, now, state }) {
        state.commands.set(state.commands.get() + 1);
        for (const { act, domain, time } of command.orders)
          if (domain === 'event')
            if (act === 'set') timers.setEventTime(time);
            else timers.deleteEventTime(time);
          else if (act === 'set') timers.setProcessingTime(now + time);
          else timers.deleteProcessingTime(now + time);
      },
      timer({ domain, time }, { key, watermark, now, timestamp, timers }): Fired[] {
        const following = next(time);
        if (following !== undefined)
          if (domain === 'event') timers.setEventTime(following);
          else timers.setProcessingTime(following);
        return [{ key, domain, time, watermark, now, timestamp }];
      },
    }),
  ),
);

/** Timers as anybody would write them down: the smallest due one first, again and again. */
class Model {
  readonly #pending = new Map<string, { key: Key; domain: Domain; time: number }>();
  watermark = -Infinity;
  now = START_MS;

  obey({ key, orders: given }: Command): void {
    for (const { act, domain, time: distance } of given) {
      const time = domain === 'event' ? distance : this.now + distance;
      this.#write({ key, domain, time }, act);
    }
  }

  fire(domain: Domain): { key: Key; domain: Domain; time: number }[] {
    const until = domain === 'event' ? this.watermark : this.now;
    const fired = [];
    for (;;) {
      const due = [...this.#pending.values()].filter(
        (timer) => timer.domain === domain && timer.time <= until,
      );
      const [first] = due.toSorted((a, b) => a.time - b.time);
      if (first === undefined) return fired;
      this.#write(first, 'delete');
      fired.push(first);
      const following = next(first.time);
      if (following !== undefined) this.#write({ ...first, time: following }, 'set');
    }
  }

  #write(timer: { key: Key; domain: Domain; time: number }, act: Order['act']): void {
    const name = textOf(timer);
    if (act === 'delete') this.#pending.delete(name);
    else if (!this.#pending.has(name)) this.#pending.set(name, timer);
  }
}

describe('timers fire once', () => {
  check(
    'in time order, over checkpoints and crashes',
    fc.property(actions, (given) => {
      const harness = testHarness(commanded, { start: START_MS });
      const model = new Model();
      const expected: { key: Key; domain: Domain; time: number }[] = [];
      for (const action of given) {
        switch (action.kind) {
          case 'element':
            harness.push(action.command);
            model.obey(action.command);
            // A timer that is set for now or for the past fires at once.
            harness.advance(0);
            expected.push(...model.fire('processing'));
            break;
          case 'watermark': {
            const to = Math.max(model.watermark, 0) + action.rise;
            harness.watermark(to);
            // Timers behind the watermark wait for the next one that is higher.
            if (to > model.watermark) {
              model.watermark = to;
              expected.push(...model.fire('event'));
            }
            break;
          }
          case 'clock':
            harness.advance(action.forward);
            model.now += action.forward;
            expected.push(...model.fire('processing'));
            break;
          case 'checkpoint':
            harness.checkpoint();
            break;
          case 'crash':
            harness.crash();
        }
        compare(harness.output(), expected);
      }
      harness.end();
      model.watermark = Infinity;
      expected.push(...model.fire('event'));
      compare(harness.output(), expected);
    }),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'and see the time that fired them',
    fc.property(actions, (given) => {
      const harness = testHarness(commanded, { start: START_MS });
      let highest = 0;
      for (const action of given)
        if (action.kind === 'element') harness.push(action.command);
        else if (action.kind === 'watermark') harness.watermark((highest += action.rise));
        else if (action.kind === 'clock') harness.advance(action.forward);
      for (const { value, timestamp } of harness.records()) {
        const { domain, time, watermark, now } = value;
        // After Flink: the watermark is the new one, and what a processing-time timer emits has no event time.
        expect(domain === 'event' ? watermark : now).toBeGreaterThanOrEqual(time);
        expect(value.timestamp).toBe(domain === 'event' ? time : undefined);
        expect(timestamp).toBe(value.timestamp);
      }
    }),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'in random pipelines, whatever stands in front of them',
    fc.property(
      clockedCases({ stragglers: true }).filter(({ description: { steps } }) =>
        steps.some(({ step }) => step === 'process' || step === 'connect'),
      ),
      fc.array(fc.constantFrom<Interruption[]>('none', 'none', 'none', 'checkpoint', 'crash'), {
        maxLength: 60,
        size: 'max',
      }),
      ({ description, happenings }, interruptions) => {
        const watched = new Watched();
        const harness = harnessOf(description, { watch: (sight) => watched.see(sight) });
        for (const [index, happening] of happenings.entries()) {
          if (interruptions[index] === 'checkpoint') {
            harness.checkpoint();
            watched.save();
          } else if (interruptions[index] === 'crash') {
            watched.restore();
            harness.crash();
          }
          perform(harness, description, happening);
        }
        expect(watched.left('event')).toEqual([]);
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );
});

/** Timers that are pending, as told by those who set them. */
class Watched {
  #pending = new Set<string>();
  #saved = new Set<string>();
  /** The last timer of each advance. */
  #last = new Map<string, number>();

  see(sight: TimerSight): void {
    const { act, uid, domain, key, time, watermark, now } = sight;
    const name = `${domain} ${uid} ${textOf(key)} ${time}`;
    if (act === 'set') this.#pending.add(name);
    else if (act === 'delete') this.#pending.delete(name);
    else {
      expect([...this.#pending], 'a timer fires once, and only if it was set').toContain(name);
      this.#pending.delete(name);
      expect(time).toBeLessThanOrEqual(domain === 'event' ? watermark : now);
      // What is replayed behind a crash happens again, at the same times.
      const line = `${domain} ${uid} at ${domain === 'event' ? watermark : now}`;
      expect(time).toBeGreaterThanOrEqual(this.#last.get(line) ?? -Infinity);
      this.#last.set(line, time);
    }
  }

  save(): void {
    this.#saved = new Set(this.#pending);
  }

  /** What has happened since is told again. */
  restore(): void {
    this.#pending = new Set(this.#saved);
    this.#last = new Map();
  }

  left(domain: 'event' | 'processing'): string[] {
    return [...this.#pending].filter((name) => name.startsWith(domain));
  }
}

function compare(
  fired: readonly Fired[],
  expected: readonly { key: Key; domain: Domain; time: number }[],
): void {
  const timers = fired.map(({ key, domain, time }) => ({ key, domain, time }));
  expect(timers.map(({ domain, time }) => `${domain} ${time}`)).toEqual(
    expected.map(({ domain, time }) => `${domain} ${time}`),
  );
  expect(multisetOf(timers)).toEqual(multisetOf(expected));
}
