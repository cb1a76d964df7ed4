import { describe, expect, test } from 'vitest';
import {
  broadcast,
  connect,
  eventTime,
  keyBy,
  map,
  pipeline,
  process,
  unchecked,
  union,
  type PipelineDefinition,
} from '../index.js';
import type { Chunk, Flow } from '../core/flow.js';
import type { InputNode } from '../core/graph.js';
import { KeyedStore } from '../state/slots.js';
import { FlowQueue } from './channel.js';
import { planOf } from './plan.js';
import { Task } from './task.js';

const both = pipeline('both', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
  a.pipe(
    union(b),
    map((n) => n),
  ),
);

const timed = pipeline('timed', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
  a.pipe(
    union(b),
    eventTime({ timestamp: (n) => n, every: 0 }),
    keyBy(() => 'k'),
    process({
      uid: 'x',
      element(n: number, { timers }) {
        timers.setEventTime(n);
        return [`element ${n}`];
      },
      timer: ({ time }) => [`timer ${time}`],
    }),
  ),
);

const ruled = pipeline('ruled', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
  a.pipe(
    keyBy((n) => n),
    connect(broadcast(b), { uid: 'x', first: (n) => [`${n}`], second: (n) => [`rule ${n}`] }),
  ),
);

describe('barriers', () => {
  test('what stands behind the barrier of one input waits for that of the other', () => {
    const bench = workbench(both);
    bench.send(0, chunk([1]), barrier(1), chunk([2]), barrier(2));
    bench.send(1, chunk([10]));
    bench.run();
    expect(bench.log).toEqual(['1', '10']);
    bench.send(1, chunk([11]), barrier(1), chunk([12]), barrier(2));
    bench.run();
    expect(bench.log).toEqual(['1', '10', '11', 'frozen 1', '2', '12', 'frozen 2']);
  });

  test('at least once nothing waits, and the task freezes at the last barrier', () => {
    const bench = workbench(both, { align: false });
    bench.send(0, chunk([1]), barrier(1), chunk([2]));
    bench.send(1, chunk([10]));
    bench.run();
    expect(bench.log).toEqual(['1', '2', '10']);
    bench.send(1, barrier(1));
    bench.run();
    expect(bench.log.at(-1)).toBe('frozen 1');
  });

  test('come through ended inputs', () => {
    const bench = workbench(both);
    bench.send(0, { kind: 'end' }, barrier(1));
    bench.send(1, chunk([10]), barrier(1), { kind: 'end' }, barrier(2));
    bench.send(0, barrier(2));
    bench.run();
    expect(bench.log).toEqual(['10', 'frozen 1', 'end', 'frozen 2']);
    expect(bench.task.hasEnded).toBe(true);
  });

  test('reach the sinks before the job hears of the freeze', () => {
    const bench = workbench(both, { logBarriers: true });
    bench.send(0, chunk([1]), barrier(1));
    bench.send(1, barrier(1));
    bench.run();
    expect(bench.log).toEqual(['1', 'barrier 1', 'frozen 1']);
  });
});

describe('the input with the lowest watermark', () => {
  test('is taken first, chosen again when a watermark has moved', () => {
    const bench = workbench(timed);
    bench.send(0, chunk([5]), chunk([50]), chunk([60]));
    bench.send(1, chunk([7]), chunk([55]));
    bench.run();
    expect(bench.log.filter((text) => text.startsWith('element'))).toEqual([
      'element 5',
      'element 7',
      'element 50',
      'element 55',
      'element 60',
    ]);
  });

  test('a broadcast one without event time is taken before all others', () => {
    const bench = workbench(ruled);
    bench.send(0, chunk([1]), chunk([2]));
    bench.send(1, chunk([10]), chunk([11]));
    bench.run();
    expect(bench.log).toEqual(['rule 10', 'rule 11', '1', '2']);
  });

  test('ties go by declaration', () => {
    const bench = workbench(both);
    bench.send(1, chunk([10]));
    bench.send(0, chunk([1]));
    bench.run();
    expect(bench.log).toEqual(['1', '10']);
  });
});

describe('a walk', () => {
  test('is finished before the next element enters', () => {
    const bench = workbench(timed);
    bench.send(1, { kind: 'end' });
    bench.run();
    bench.send(0, chunk([5, 3, 9, 20, 21]), { kind: 'end' });
    bench.run();
    expect(bench.log).toEqual([
      'element 5',
      'element 3',
      'element 9',
      'timer 3',
      'timer 5',
      'element 20',
      'timer 9',
      'element 21',
      'timer 20',
      'timer 21',
      'end',
    ]);
  });

  test('is cut into bounded slices, with nothing lost between them', () => {
    const bench = workbench(timed);
    const many = Array.from({ length: 5000 }, (_, n) => 10_000 - n);
    for (let at = 0; at < many.length; at += 1000) bench.send(0, chunk(many.slice(at, at + 1000)));
    bench.run();
    expect(bench.log.length).toBe(5000);
    bench.send(0, { kind: 'end' });
    bench.send(1, { kind: 'end' });
    let steps = 0;
    let before = bench.log.length;
    while (bench.task.step()) {
      expect(bench.log.length - before).toBeLessThanOrEqual(1024 + 1);
      before = bench.log.length;
      steps += 1;
    }
    expect(steps).toBeGreaterThanOrEqual(5);
    expect(bench.log.filter((text) => text.startsWith('timer')).length).toBe(5000);
    expect(bench.log.at(-1)).toBe('end');
  });

  test('in one slice of a subscription fires everything', () => {
    const bench = workbench(timed, { sliced: false });
    bench.task.signal(1, { kind: 'end' });
    for (let n = 3000; n > 0; n -= 1) bench.task.push(0, n, NaN, n);
    bench.task.signal(0, { kind: 'end' });
    expect(bench.log.filter((text) => text.startsWith('timer')).length).toBe(3000);
  });
});

describe('a full sink', () => {
  test('stops the task in the middle of a chunk, and nothing is lost', () => {
    const bench = workbench(both, { sinkRoom: 2 });
    bench.send(0, chunk([1, 2, 3, 4, 5]));
    bench.run();
    expect(bench.log).toEqual(['1', '2']);
    expect(bench.task.isBlocked).toBe(true);
    bench.makeRoom(2);
    bench.run();
    expect(bench.log).toEqual(['1', '2', '3', '4']);
    bench.makeRoom(100);
    bench.run();
    expect(bench.log.at(-1)).toBe('5');
  });
});

describe('unreadable records', () => {
  test('are dead letters in the order of the input, each once, also when the chunk is cut', () => {
    const bench = workbench(both, { sinkRoom: 1 });
    const record = (before: number, position: number): object => ({
      before,
      position,
      raw: `raw ${position}`,
      reason: 'not JSON',
    });
    const unreadable = [record(0, 1), record(1, 3), record(1, 4), record(3, 7)] as never;
    bench.send(0, { ...chunk([2, 5, 6]), unreadable });
    for (let rounds = 0; rounds < 5; rounds += 1) {
      bench.run();
      bench.makeRoom(1);
    }
    expect(bench.log).toEqual([
      'dead split-0 element 1',
      '2',
      'dead split-0 element 3',
      'dead split-0 element 4',
      '5',
      '6',
      'dead split-0 element 7',
    ]);
    expect(bench.task.records).toBe(7);
    expect(bench.task.wiring.counters().get('a')).toMatchObject({ dead: 4 });
  });

  test('may be all that a chunk holds', () => {
    const bench = workbench(both);
    const unreadable = [{ before: 0, position: 1, raw: 'x', reason: 'y' }];
    bench.send(0, { ...chunk([]), unreadable });
    bench.run();
    expect(bench.log).toEqual(['dead split-0 element 1']);
  });
});

test('an input without elements ends at once', () => {
  const bench = workbench(both);
  bench.send(0, { kind: 'end' });
  bench.send(1, { kind: 'end' });
  bench.run();
  expect(bench.log).toEqual(['end']);
});

interface Bench {
  readonly task: Task;
  readonly log: string[];
  send(input: number, ...items: Flow[]): void;
  /** Steps until nothing is left to do. */
  run(): void;
  makeRoom(elements: number): void;
}

function workbench(
  definition: PipelineDefinition<unknown, unknown> | typeof both | typeof timed | typeof ruled,
  options: { align?: boolean; sliced?: boolean; sinkRoom?: number; logBarriers?: boolean } = {},
): Bench {
  const log: string[] = [];
  const { outputs } = definition;
  const plan = planOf(outputs, 1);
  const stage = plan.stages[0] as (typeof plan.stages)[number];
  const queues = [...definition.inputs.values()].map(() => new FlowQueue());
  let room = options.sinkRoom ?? Infinity;
  const pressure = { isFull: false };
  const sink = {
    get isFull() {
      return room <= 0;
    },
    element(value: unknown) {
      log.push(String(value));
      room -= 1;
      if (room <= 0) pressure.isFull = true;
    },
    barrier: (epoch: number) => void (options.logBarriers === true && log.push(`barrier ${epoch}`)),
    end: () => void log.push('end'),
  };
  const task = new Task(
    {
      name: 'all',
      plan,
      stage,
      shard: 0,
      maxParallelism: 128,
      inputs: [...definition.inputs.values()].map((node: InputNode, at) => ({
        kind: 'split',
        node,
        origin: { name: `split-${at}`, unit: 'element' },
        queue: queues[at] as FlowQueue,
      })),
      shuffles: [],
      sinks: new Map([['output', sink]]),
      pressure,
      host: {
        isGuarded: false,
        now: () => 0,
        stateOf: (_uid, spec) => new KeyedStore({ spec, maxParallelism: 128, durable: false }),
        late: () => undefined,
        dead: ({ position }) => void log.push(`dead ${position}`),
        frozen: (epoch) => void log.push(`frozen ${epoch}`),
      },
    },
    { sliced: options.sliced ?? true, align: options.align ?? true },
  );
  return {
    task,
    log,
    send: (input, ...items) => items.forEach((item) => queues[input]?.push(item)),
    run() {
      while (task.step());
    },
    makeRoom: (elements) => void (room = elements),
  };
}

function chunk(values: readonly unknown[]): Chunk {
  return {
    kind: 'chunk',
    values,
    timestamps: values.map(() => NaN),
    keys: [],
    positions: values.map((_, index) => index + 1),
    derivedKeys: [],
    origin: { name: 'split-0', unit: 'element' },
  };
}

function barrier(epoch: number): Flow {
  return { kind: 'barrier', epoch };
}
