import { describe, expect, test } from 'vitest';
import {
  collect,
  count,
  elements,
  eventTime,
  evictors,
  first,
  iterable,
  keyBy,
  memory,
  pipeline,
  run,
  session,
  sliding,
  triggers,
  tumbling,
  unchecked,
  valueState,
  window,
  windowAll,
  type PipelineDefinition,
  type WindowSpec,
} from '../index.js';

type Numbers = PipelineDefinition<{ readonly input: number }, { readonly output: unknown }>;

const numbers = Array.from({ length: 40 }, (_, n) => n);
const states = {
  process: (value: unknown): unknown[] => [value],
  keyState: { seen: valueState(0) },
};
const forEver = { allowedLateness: Infinity, unbounded: true };

/** Pairs of windows that keep different things under one uid. */
const changes: Readonly<Record<string, readonly [Numbers, Numbers]>> = {
  'another size': [windowed(tumbling({ size: 10 })), windowed(tumbling({ size: 20 }))],
  'another offset': [windowed(tumbling({ size: 10 })), windowed(tumbling({ size: 10, offset: 1 }))],
  'another kind': [windowed(tumbling({ size: 10 })), windowed(session({ gap: 10 }))],
  'the clock for event time': [
    windowed(tumbling({ size: 10 })),
    windowed(tumbling({ size: 10, time: 'processing' })),
  ],
  'another aggregator': [
    windowed(tumbling({ size: 10 })),
    windowed(tumbling({ size: 10 }), {}, first()),
  ],
  'a trigger': [
    windowed(tumbling({ size: 10 })),
    windowed(tumbling({ size: 10 }), { trigger: triggers.eventTime() }),
  ],
  'another trigger': [
    windowed(tumbling({ size: 10 }), { trigger: triggers.count(2) }),
    windowed(tumbling({ size: 10 }), { trigger: triggers.count(3) }),
  ],
  'an evictor': [
    windowed(sliding({ size: 10, slide: 5 }), {}, elements()),
    windowed(sliding({ size: 10, slide: 5 }), { evictor: evictors.count(2) }, elements()),
  ],
  'lateness without end': [
    windowed(tumbling({ size: 10 })),
    windowed(tumbling({ size: 10 }), forEver),
  ],
  'lateness without end, on sessions': [
    windowed(session({ gap: 3 })),
    windowed(session({ gap: 3 }), forEver),
  ],
  'states of a key': [windowed(tumbling({ size: 10 })), windowed(tumbling({ size: 10 }), states)],
  'the whole stream for keys': [windowed(tumbling({ size: 10 })), overall(tumbling({ size: 10 }))],
};

describe('windows under the uid of other windows', () => {
  test.each(Object.keys(changes))('are refused at a restart, both ways: %s', async (name) => {
    const [one, other] = changes[name] as readonly [Numbers, Numbers];
    for (const [before, after] of [
      [one, other],
      [other, one],
    ] as const)
      expect(await restarted(before, after)).toMatchObject({
        code: 'STATE_INCOMPATIBLE',
        got: expect.stringMatching(/^one of kind window/),
      });
  });
});

describe('windows that keep the same', () => {
  const same: Readonly<Record<string, readonly [Numbers, Numbers]>> = {
    'nothing else': [windowed(tumbling({ size: 10 })), windowed(tumbling({ size: 10 }))],
    'another lateness': [
      windowed(tumbling({ size: 10 })),
      windowed(tumbling({ size: 10 }), { allowedLateness: 5 }),
    ],
    'another gap': [windowed(session({ gap: 3 })), windowed(session({ gap: () => 4 }))],
    'a function': [
      windowed(tumbling({ size: 10 })),
      windowed(tumbling({ size: 10 }), { process: (value: unknown) => [value] }),
    ],
    'other states': [
      windowed(tumbling({ size: 10 }), states),
      windowed(tumbling({ size: 10 }), { ...states, keyState: { other: valueState('') } }),
    ],
  };

  test.each(Object.keys(same))('go on at a restart: %s', async (name) => {
    const [before, after] = same[name] as readonly [Numbers, Numbers];
    expect(await restarted(before, after)).toMatchObject({ phase: 'finished' });
  });
});

/** What becomes of a job that is stopped in the middle and started again with another pipeline. */
async function restarted(before: Numbers, after: Numbers): Promise<unknown> {
  const state = memory();
  const options = { to: collect<unknown>({ uid: 'out' }), state, checkpoint: { records: 2 } };
  const endless = numbers.concat(Array.from({ length: 500 }, () => 39));
  const running = run(before, { ...options, from: iterable(endless, { chunk: 1 }) });
  for (let turn = 0; turn < 8; turn += 1) await new Promise((done) => void setImmediate(done));
  const { records } = await running.stop();
  expect(records).toBeGreaterThan(0);
  try {
    return await run(after, { ...options, from: iterable(endless, { chunk: 1 }) }).done;
  } catch (error) {
    return error;
  }
}

function windowed(
  spec: WindowSpec<number>,
  options: object = {},
  aggregator: unknown = count(),
): Numbers {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
      keyBy((n) => n % 3),
      window(spec, aggregator as never, { ...options, uid: 'w' } as never),
    ),
  ) as unknown as Numbers;
}

function overall(spec: WindowSpec<number>): Numbers {
  return pipeline('p', unchecked<number>(), (n$) =>
    n$.pipe(
      eventTime({ timestamp: (n) => n, outOfOrderness: '1d' }),
      windowAll(spec, count(), { uid: 'w' }),
    ),
  ) as unknown as Numbers;
}
