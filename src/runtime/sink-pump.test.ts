import { describe, expect, test } from 'vitest';
import { callback, iterable, map, pipeline, run, unchecked, type Source } from '../index.js';
import { sourceChunk } from '../connectors/source-chunk.js';
import { simulatedWorld } from '../testing/index.js';
import { SinkPump } from './sink-pump.js';
import { Wake } from './wake.js';

function pumpInto(written: unknown[][]): SinkPump {
  return new SinkPump({
    uid: 'out',
    writer: {
      write: (values) => void written.push([...values]),
      prepare: () => Promise.resolve(undefined),
      publish: () => Promise.resolve(),
      close: () => Promise.resolve(),
    },
    pressure: { isFull: false },
    wake: new Wake(),
    failed: () => undefined,
  });
}

describe('what a sink pump holds', () => {
  test('goes on at the first rest', () => {
    const written: unknown[][] = [];
    const pump = pumpInto(written);
    pump.element('a', 1);
    pump.afterRound(false, 0);
    expect(written).toEqual([['a']]);
  });

  test('goes on after 100 ms in which the task never rests, counted anew for each batch', async () => {
    const written: unknown[][] = [];
    const pump = pumpInto(written);
    pump.afterRound(true, 0);
    pump.element('a', 1);
    pump.afterRound(true, 1000);
    pump.element('b', 2);
    pump.afterRound(true, 1099);
    expect(written).toEqual([]);
    pump.afterRound(true, 1100);
    await Promise.resolve();
    expect(written).toEqual([['a', 'b']]);
    pump.element('c', 3);
    pump.afterRound(true, 1150);
    pump.afterRound(true, 1249);
    expect(written).toHaveLength(1);
    pump.afterRound(true, 1250);
    await Promise.resolve();
    expect(written).toEqual([['a', 'b'], ['c']]);
  });

  test('goes on when the clock was set back, instead of waiting for it', () => {
    const written: unknown[][] = [];
    const pump = pumpInto(written);
    pump.element('a', 1);
    pump.afterRound(true, 5000);
    pump.afterRound(true, 4000);
    expect(written).toEqual([['a']]);
  });
});

test('a steady stream of single elements reaches a callback long before the next epoch', async () => {
  const world = simulatedWorld({ seed: 1 });
  const delays: number[] = [];
  const outcome = await world.live((runtime) => {
    const { clock } = runtime;
    let at = 0;
    /** One element per read, always at once: the task never rests. */
    const steady: Source<number> = {
      ...iterable([0]),
      open: () =>
        Promise.resolve({
          close: () => Promise.resolve(),
          async read() {
            at += 1;
            if (at > 2000) return undefined;
            const chunk = sourceChunk(
              { name: 'steady', unit: 'element' },
              { values: [clock.now()], positions: [at] },
            );
            return { chunk, cursor: at };
          },
        }),
    };
    const same = pipeline('same', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
    const to = callback<number>((sent) => void delays.push(clock.now() - sent), {
      uid: 'print',
      allowDuplicates: true,
    });
    return run(same, { from: steady, to, checkpoint: '1h', runtime }).done;
  });
  expect(outcome.crashed).toBe(false);
  expect(delays).toHaveLength(2000);
  expect(Math.max(...delays)).toBeLessThan(150);
});
