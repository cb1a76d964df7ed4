/**
 * Law 4: watermarks never go back, nor do epochs, also across a crash.
 *
 * Family: an observer in the pipeline, and the reference of generators and of inputs that meet. It can see a watermark
 * made of the newest element instead of the highest, one that is held back by a silent input or falls when that input
 * comes back, one that is sent too often or too rarely, and one that is forgotten by a checkpoint.
 */
import fc from 'fast-check';
import { keyBy, pipeline, process, unchecked, union } from 'tidemark';
import type { Sink } from 'tidemark';
import { testHarness } from 'tidemark/testing';
import { describe, expect } from 'vitest';
import { times } from './arbitraries.js';
import { cases } from './cases.js';
import { withTime } from './build.js';
import { deaths, shardCounts } from './deaths.js';
import { inputNames, type Item, type TimeChoice } from './description.js';
import { probe } from './probe.js';
import { referenceValve, type InputAction } from './reference-valve.js';
import { check } from './settings.js';
import { inWorld } from './worlds.js';

type Action = InputAction | { readonly kind: 'checkpoint' } | { readonly kind: 'crash' };

const input = fc.constantFrom(0 as const, 1 as const);
const moment = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 2000 }) },
);

const inputActions = fc.oneof<fc.Arbitrary<InputAction>[]>(
  fc.record({ kind: fc.constant('element' as const), input, at: moment }),
  fc.record({ kind: fc.constant('element' as const), input, at: moment }),
  fc.record({ kind: fc.constant('force' as const), input, to: moment }),
  fc.record({ kind: fc.constant('idle' as const), input }),
);

/** Both inputs, or the first alone beside a second that is silent from the beginning. */
const histories: fc.Arbitrary<InputAction[]> = fc.oneof(
  fc.array(inputActions, { maxLength: 30, size: 'max' }),
  fc
    .array(inputActions, { maxLength: 20, size: 'max' })
    .map((actions): InputAction[] => [
      { kind: 'idle', input: 1 },
      ...actions.map((action): InputAction => ({ ...action, input: 0 })),
    ]),
);

describe('watermarks never go back', () => {
  check(
    'over two inputs, elements out of order, silence and force',
    fc.property(histories, times, (actions, time) => {
      const seen: number[] = [];
      const harness = testHarness(meeting(time, seen));
      const expected = referenceValve(actions, time);
      for (const [index, action] of actions.entries()) {
        perform(harness, action);
        expect(seen.at(-1) ?? -Infinity, `action ${index}`).toBe(expected[index]);
      }
      for (const [index, watermark] of seen.entries())
        expect(watermark).toBeGreaterThan(seen[index - 1] ?? -Infinity);
    }),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'over checkpoints and crashes',
    fc.property(
      fc.array(
        fc.oneof<fc.WeightedArbitrary<Action>[]>(
          { weight: 4, arbitrary: inputActions },
          { weight: 1, arbitrary: fc.constantFrom({ kind: 'checkpoint' }, { kind: 'crash' }) },
        ),
        { maxLength: 40, size: 'max' },
      ),
      times,
      (actions, time) => {
        const harness = testHarness(meeting(time, []));
        const performed: InputAction[] = [];
        for (const action of actions) {
          if (action.kind === 'checkpoint') harness.checkpoint();
          else if (action.kind === 'crash') harness.crash();
          else {
            perform(harness, action);
            performed.push(action);
          }
        }
        // Each element says by which watermark it was judged, and a crash must not make anybody forget.
        const expected = [-Infinity, ...referenceValve(performed, time)];
        const judged = performed.flatMap(({ kind }, index) =>
          kind === 'element' ? [expected[index]] : [],
        );
        expect(harness.output()).toEqual(judged);
      },
    ),
    { runs: 600, timeoutMs: 60_000 },
  );

  check(
    'nor do epochs, over the deaths of a job',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      fc.array(deaths, { minLength: 1, maxLength: 4 }),
      shardCounts,
      fc.nat(),
      async ({ description, items }, planned, shards, seed) => {
        const told: Told[] = [];
        const observe = (sink: Sink<Item>): Sink<Item> => observed(sink, told);
        const options = { deaths: planned, shards, seed, records: 4, chunk: 3, observe };
        await inWorld(description, [[items]], options);
        expectNoWayBack(told);
      },
    ),
    { runs: 100, timeoutMs: 60_000 },
  );
});

/** What the actions need of a harness. */
interface Feeding {
  push(value: Item, where: { readonly input: string }): unknown;
  watermark(to: number, where: { readonly input: string }): unknown;
  idle(where: { readonly input: string }): unknown;
}

/** Two inputs that meet in front of an observer and a step with state, which says what watermark it sees. */
function meeting(time: TimeChoice, seen: number[]) {
  const types = { first: unchecked<Item>(), second: unchecked<Item>() };
  return pipeline('meeting', types, ({ first, second }) =>
    withTime(first, { time }).pipe(
      union(withTime(second, { time })),
      probe((sight) => {
        if ('watermark' in sight) seen.push(sight.watermark);
      }),
      keyBy(({ at }) => at % 3),
      process({ uid: 'judge', element: (_ticket, { watermark }) => [watermark] }),
    ),
  );
}

function perform(harness: Feeding, action: InputAction): void {
  const where = { input: inputNames[action.input] };
  if (action.kind === 'element') harness.push(ticket(action.at), where);
  else if (action.kind === 'force') harness.watermark(action.to, where);
  else harness.idle(where);
}

function ticket(at: number): Item {
  return { key: '', n: at, at, ids: [] };
}

/** What a sink is told of epochs. */
interface Told {
  readonly what: 'recover' | 'prepare' | 'published';
  readonly epoch: number;
  /** Which writer of the sink, where it is one of them that was told. */
  readonly writer?: number;
}

function observed(sink: Sink<Item>, told: Told[]): Sink<Item> {
  return {
    ...sink,
    recover(prepared, run, runtime) {
      told.push({ what: 'recover', epoch: run.epoch });
      return sink.recover(prepared, run, runtime);
    },
    async open(instance, runtime) {
      const writer = await sink.open(instance, runtime);
      let prepared = 0;
      return {
        write: (values, timestamps) => writer.write(values, timestamps),
        prepare(epoch) {
          told.push({ what: 'prepare', epoch, writer: instance.instance });
          prepared = epoch;
          return writer.prepare(epoch);
        },
        async publish(one) {
          await writer.publish(one);
          told.push({ what: 'published', epoch: prepared, writer: instance.instance });
        },
        close: () => writer.close(),
      };
    },
  };
}

/** A job begins behind the last epoch that became visible, and each of its writers goes on one by one. */
function expectNoWayBack(told: readonly Told[]): void {
  let visible = 0;
  let recovered = 0;
  let lasts = new Map<number | undefined, number>();
  for (const { what, epoch, writer } of told) {
    if (what === 'recover') {
      expect(epoch).toBeGreaterThanOrEqual(visible);
      recovered = epoch;
      lasts = new Map();
    } else if (what === 'prepare') {
      expect(epoch).toBe((lasts.get(writer) ?? recovered) + 1);
      lasts.set(writer, epoch);
    } else {
      expect(epoch).toBeGreaterThanOrEqual(visible);
      visible = epoch;
    }
  }
}
