import { expect, test } from 'vitest';
import {
  count,
  eventTime,
  explain,
  filter,
  keyBy,
  outputTag,
  pipeline,
  sliding,
  topK,
  unchecked,
  window,
} from '../index.js';

interface Play {
  readonly song: string;
  readonly at: number;
}

const late = outputTag<Play>('late');
const trending = pipeline('trending', unchecked<Play>(), (plays) => {
  const counts = plays.pipe(
    eventTime({ timestamp: (play) => play.at }),
    filter((play) => play.song !== ''),
    keyBy((play) => play.song),
    window(sliding({ size: '1h', slide: '5m' }), count(), {
      uid: 'plays',
      allowedLateness: '1m',
      late,
    }),
  );
  return {
    chart: counts.pipe(topK(10, { uid: 'chart', by: (r) => r.value, per: (r) => r.window.end })),
    late: counts.side(late),
  };
});

test('the text names every step with its properties, and where outputs leave', () => {
  expect(String(explain(trending)).split('\n')).toEqual([
    'pipeline "trending"',
    '  input      input',
    '  eventTime  eventTime  event time',
    '  filter     filter     event time',
    '  keyBy      keyBy      event time, keyed, shuffle',
    '  plays      window     event time, state: sliding 1h / 5m, count, 1m late, sides: late',
    '  keyBy-2    keyBy      event time, keyed, shuffle',
    '  chart      topK       event time, state: best 10',
    '  chart      <- chart',
    '  late       <- plays#late',
  ]);
});

test('the JSON form holds the same facts as plain values', () => {
  const plain = JSON.parse(JSON.stringify(explain(trending))) as ReturnType<typeof explain>;
  expect(plain.steps.map(({ name }) => name)).toContain('plays');
  expect(plain.outputs).toEqual({ chart: 'chart', late: 'plays#late' });
  expect(plain.stages).toEqual([
    { name: 'sources', tasks: 'one', steps: ['input', 'eventTime', 'filter', 'keyBy'] },
    { name: 'plays', tasks: 'one per shard', steps: ['plays', 'keyBy-2'] },
    { name: 'chart', tasks: 'one per shard', steps: ['chart'] },
  ]);
});

test('the Mermaid form draws state as cylinders and shuffles as thick arrows', () => {
  const lines = explain(trending).toMermaid().split('\n');
  expect(lines[0]).toBe('flowchart LR');
  expect(lines).toContain('  n4[("window plays<br>sliding 1h / 5m, count, 1m late")]');
  expect(lines).toContain('  n3 ==> n4');
  expect(lines).toContain('  n4 --> out_late(["late"])');
});
