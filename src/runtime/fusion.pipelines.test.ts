import { Subject } from 'rxjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  count,
  eventTime,
  filter,
  keyBy,
  map,
  outputTag,
  pipeline,
  process,
  session,
  stream,
  tumbling,
  unchecked,
  valueState,
  window,
  type Key,
  type PipelineDefinition,
} from '../index.js';
import { testHarness } from '../testing/index.js';

interface Play {
  readonly key: Key;
  readonly at: number;
}

type Ends = PipelineDefinition<{ readonly input: Play }, { readonly output: unknown }>;

const late = outputTag<Play>('late');

afterEach(() => vi.unstubAllGlobals());

const pipelines: Readonly<Record<string, Ends>> = {
  'stateless steps': pipeline('p', unchecked<Play>(), (plays) =>
    stream(plays).pipe(
      map(({ key, at }) => ({ key, at: at === 7 ? failing() : at * 2 })),
      filter(({ at }) => at % 3 !== 0),
      map(({ key, at }) => `${String(key)} ${at === 20 ? failing() : at}`),
    ),
  ),
  'a window behind all of them': pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      filter(({ at }) => at !== 13),
      map((play) => (play.at === 14 ? failing() : play)),
      eventTime({ timestamp: ({ at }) => (at === 15 ? NaN : at), outOfOrderness: 3, every: 0 }),
      filter(({ at }) => at !== 16),
      keyBy(({ key }) => (key === 'none' ? failing() : key)),
      window(tumbling({ size: 5 }), count(), { uid: 'w', late }),
    ),
  ),
  'sessions that end and begin within a chunk': pipeline('p', unchecked<Play>(), (plays) =>
    plays.pipe(
      eventTime({ timestamp: ({ at }) => at, outOfOrderness: 3, every: 0 }),
      keyBy(({ key }) => key),
      window(session({ gap: 2 }), count(), { uid: 'w', late }),
    ),
  ),
  'states that are cleared and written again': pipeline('p', unchecked<Play>(), (plays) =>
    stream(plays).pipe(
      keyBy(({ key }) => key),
      process({
        uid: 'x',
        state: { sum: valueState(0) },
        element({ at }: Play, { key, state: { sum } }) {
          sum.set(sum.get() + at);
          const said = `${String(key)} ${sum.get()}`;
          if (sum.get() > 12) sum.clear();
          return [said];
        },
      }),
    ),
  ),
  'a keyBy between two others': pipeline('p', unchecked<Play>(), (plays) =>
    stream(plays).pipe(
      keyBy(({ key }) => key),
      filter(({ at }) => at % 2 === 0),
      keyBy(({ at }) => [at % 4, 'composite']),
      process({ uid: 'x', element: ({ at }: Play, { key }) => [`${String(key)} ${at}`] }),
    ),
  ),
};

const plays: readonly Play[] = Array.from({ length: 200 }, (_, index) => ({
  key: index % 11 === 5 ? 'none' : index % 7 === 3 ? index % 3 : `k${(index * 5) % 4}`,
  at: Math.floor(index / 4) + ((index * 7) % 9),
}));

describe.each(Object.keys(pipelines))('%s', (name) => {
  const definition = pipelines[name] as Ends;

  test('gives the same with and without code made from text', () => {
    const fused = outcome(definition, 'one by one');
    expect(fused.outputs.length).toBeGreaterThan(5);
    forbidCode();
    expect(outcome(definition, 'one by one')).toEqual(fused);
  });

  test('gives the same one by one and in chunks of any size', () => {
    const single = outcome(definition, 'one by one');
    for (const size of [1, 3, 64, 65, 200]) expect(outcome(definition, size)).toEqual(single);
    forbidCode();
    expect(outcome(definition, 65)).toEqual(single);
  });

  test('gives the same over a crash in the middle, but for the order among keys of one time', () => {
    const sorted = ({ outputs, late: lates, dead, kept }: Outcome): unknown => [
      outputs.map((output) => JSON.stringify(output)).toSorted(),
      ...[lates, dead, kept],
    ];
    const single = outcome(definition, 'one by one');
    expect(sorted(outcome(definition, 30, { crashesAt: 90 }))).toEqual(sorted(single));
  });
});

describe('a subscription without code made from text', () => {
  test('gives each element out before `next` returns, and its errors at once', () => {
    forbidCode();
    const source$ = new Subject<number>();
    const seen: unknown[] = [];
    source$
      .pipe(
        map((n) => n * 2),
        filter((n) => n !== 4),
        map((n) => (n === 6 ? failing() : n)),
      )
      .subscribe({ next: (n) => seen.push(n), error: (error) => seen.push(String(error)) });
    source$.next(1);
    source$.next(2);
    expect(seen).toEqual([2]);
    source$.next(3);
    expect(seen).toEqual([2, expect.stringMatching(/USER_FUNCTION_FAILED.*operator "map-2"/)]);
  });
});

interface Outcome {
  readonly outputs: readonly unknown[];
  readonly late: readonly unknown[];
  readonly dead: readonly unknown[];
  readonly counters: unknown;
  readonly kept: number;
}

function outcome(
  definition: Ends,
  size: number | 'one by one',
  { crashesAt = Infinity } = {},
): Outcome {
  const t = testHarness(definition, { onFailure: 'collect' });
  if (size === 'one by one') for (const play of plays) t.push(play);
  else
    for (let from = 0; from < plays.length; from += size) {
      t.pushChunk(plays.slice(from, from + size));
      if (from === crashesAt - size) t.checkpoint();
      if (from === crashesAt) t.crash();
    }
  const counters = t.counters();
  return {
    outputs: t.output(),
    late: t.late(),
    dead: t.dead(),
    counters: structuredClone(
      Object.fromEntries(Object.entries(counters).map(([uid, of]) => [uid, { ...of }])),
    ),
    kept: t.stateSize(),
  };
}

function forbidCode(): void {
  vi.stubGlobal('Function', function forbidden() {
    throw new EvalError('forbidden');
  });
}

function failing(): never {
  throw new Error('deep');
}
