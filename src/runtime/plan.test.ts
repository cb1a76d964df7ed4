import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  connect,
  count,
  eventTime,
  filter,
  keyBy,
  map,
  pipeline,
  process,
  stream,
  topK,
  tumbling,
  unchecked,
  union,
  window,
  type DataStream,
} from '../index.js';
import { plainName, uidOf, type Outputs } from '../core/graph.js';
import { operatorsOf, planOf, type Plan } from './plan.js';

const chart = pipeline('chart', unchecked<{ song: string; at: number }>(), (plays) =>
  plays.pipe(
    filter(({ song }) => song !== ''),
    eventTime({ timestamp: ({ at }) => at }),
    keyBy(({ song }) => song),
    window(tumbling({ size: '1m' }), count(), { uid: 'plays' }),
    map((result) => result),
    topK(3, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
  ),
).outputs;

describe('one shard', () => {
  test('is one task, in the order of the graph', () => {
    const plan = planOf(chart, 1);
    expect(shape(plan)).toEqual(['all x1: input filter eventTime keyBy window map keyBy topK <- ']);
  });
});

describe('several shards', () => {
  test('each keyBy ends a stage', () => {
    expect(shape(planOf(chart, 3))).toEqual([
      'sources x1: input filter eventTime keyBy <- ',
      'plays x3: window map keyBy <- keyBy of sources',
      'top x3: topK <- keyBy of plays',
    ]);
  });

  test('a stage is named for the step behind its keyBy, so that another filter renames nothing', () => {
    const more = pipeline('chart', unchecked<{ song: string; at: number }>(), (plays) =>
      plays.pipe(
        filter(() => true),
        filter(() => true),
        eventTime({ timestamp: ({ at }) => at }),
        keyBy(({ song }) => song),
        window(tumbling({ size: '1m' }), count(), { uid: 'plays' }),
        topK(3, { uid: 'top', by: (r) => r.value, per: (r) => r.window.end }),
      ),
    ).outputs;
    const names = (outputs: Outputs): string[] => planOf(outputs, 3).stages.map(({ name }) => name);
    expect(names(more)).toEqual(names(chart));
  });

  test('connect has a stage of its own, fed by both keyBys', () => {
    const keyed = (n$: DataStream<number>) => n$.pipe(keyBy((n) => n));
    const outputs = pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
      keyed(a).pipe(connect(keyed(b), { uid: 'x', first: () => [], second: () => [] })),
    ).outputs;
    const plan = planOf(outputs, 2);
    expect(
      plan.stages.map(({ name, shuffles }) => [name, shuffles.map((each) => each.name)]),
    ).toEqual([
      ['sources', []],
      ['x', ['x/0', 'x/1']],
    ]);
  });

  test.each([
    ['on the first side', true, false],
    ['on the second side', false, true],
    ['on both sides', true, true],
  ])('connect is in one stage also behind a filter %s', (_name, first, second) => {
    const p = pipeline('p', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) => {
      const left = a.pipe(keyBy((n) => n));
      const right = b.pipe(keyBy((n) => n));
      const keep = filter<typeof left extends DataStream<infer T> ? T : never>(() => true);
      return (first ? left.pipe(keep) : left).pipe(
        connect(second ? right.pipe(keep) : right, { uid: 'x', first: () => [], second: () => [] }),
      );
    });
    const plan = planOf(p.outputs, 3);
    const holders = plan.stages.filter(({ nodes }) => nodes.some((node) => uidOf(node) === 'x'));
    expect(holders.length).toBe(1);
  });

  test('a keyed stream read twice is dealt out once', () => {
    const p = pipeline('p', unchecked<number>(), (n$) => {
      const keyed = n$.pipe(keyBy((n) => n, { uid: 'by-n' }));
      return keyed.pipe(
        process({ uid: 'a', element: () => [1] }),
        union(keyed.pipe(process({ uid: 'b', element: () => [2] }))),
      );
    });
    expect(shape(planOf(p.outputs, 2))).toEqual([
      'sources x1: input keyBy <- ',
      'by-n x2: process process union <- keyBy of sources',
    ]);
  });

  test('a stateless step behind a union runs in each stage that feeds it', () => {
    const p = pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy((n) => n),
        process({ uid: 'a', element: (n: number) => [n] }),
        union(n$),
        map((n) => n),
        keyBy((n) => n),
        process({ uid: 'b', element: () => [1] }),
      ),
    );
    expect(shape(planOf(p.outputs, 2)).map((text) => text.split(' <-')[0])).toEqual([
      'sources x1: input keyBy union map keyBy',
      'a x2: process union map keyBy',
      'b x2: process',
    ]);
  });

  test('a stateful step is in one stage only, whatever feeds it', () => {
    const plan = planOf(chart, 5);
    for (const uid of operatorsOf(chart).keys())
      expect(
        plan.stages.filter(({ nodes }) => nodes.some((node) => uidOf(node) === uid)).length,
      ).toBe(1);
  });

  test('a bare keyBy as output stays with its source', () => {
    const p = pipeline('p', unchecked<number>(), (n$) => n$.pipe(keyBy((n) => n)));
    expect(shape(planOf(p.outputs, 3))).toEqual(['sources x1: input keyBy <- ']);
  });
});

test('the kinds of stateful operators, by uid; stateless steps have none', () => {
  const kinds = operatorsOf(chart);
  expect([...kinds.keys()]).toEqual(['plays', 'top']);
  expect(kinds.get('plays')).toMatch(/^window\b/);
  expect(kinds.get('top')).toMatch(/^topK\b/);
  expect([...operatorsOf({ output: stream(of(1)).pipe(map((n) => n)).edge })]).toEqual([]);
});

function shape({ stages }: Plan): string[] {
  return stages.map(({ name, shards, nodes, shuffles }) => {
    const feeders = shuffles.map(({ node, from }) => `${plainName(node)} of ${from.name}`);
    return `${name} x${shards}: ${nodes.map(plainName).join(' ')} <- ${feeders.join(', ')}`;
  });
}
