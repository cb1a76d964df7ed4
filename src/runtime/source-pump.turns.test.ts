/** Several splits at a time, one after another: what the next one holds is not late because another input was faster. */
import { expect, test } from 'vitest';
import {
  asyncMap,
  collect,
  count,
  eventTime,
  iterable,
  keyBy,
  pipeline,
  run,
  tumbling,
  unchecked,
  window,
  type Source,
} from '../index.js';

const SPLITS = ['0', '1', '2', '3'];
const PER_SPLIT = 6;

/** Times ascend from split to split. Each takes some turns of the loop to end, by which it is known who reads which. */
function ascending(turnsAtEnd: readonly number[]): Source<number> {
  return {
    name: 'ascending',
    replayable: true,
    discovery: { openMax: 2, everyMs: Infinity },
    splits: () => Promise.resolve(SPLITS),
    async open(split, cursor, runtime) {
      const first = Number(split) * 10;
      const values = Array.from({ length: PER_SPLIT }, (_, index) => first + index);
      const reader = await iterable(values).open('0', cursor, runtime);
      return {
        async read() {
          const next = await reader.read();
          const turns = next === undefined ? (turnsAtEnd[Number(split)] ?? 0) : 0;
          for (let turn = 0; turn < turns; turn += 1) await runtime.clock.turn();
          return next;
        },
        close: () => reader.close(),
      };
    },
  };
}

const counted = pipeline('counted', unchecked<number>(), (at$) =>
  at$.pipe(
    eventTime({ timestamp: (at) => at, every: 0 }),
    // It holds the task, so that all splits are read before the second one has been worked on.
    asyncMap((at) => new Promise<number>((done) => setTimeout(() => done(at), 1)), {
      uid: 'slow',
      capacity: 1,
    }),
    keyBy(() => 'all'),
    window(tumbling({ size: 10 }), count(), { uid: 'count' }),
  ),
);

test.each([[[0, 0, 0, 0]], [[4, 1, 20, 20_000]], [[1, 4, 20, 20_000]], [[20, 1, 1, 1]]])(
  'nothing is late when the splits end after %j turns',
  async (turns) => {
    const out = collect<{ readonly value: number }>({ uid: 'out' });
    const { late } = await run(counted, { from: ascending(turns), to: out }).done;
    expect(late).toBe(0);
    expect(out.values.map(({ value }) => value)).toEqual(SPLITS.map(() => PER_SPLIT));
  },
);
