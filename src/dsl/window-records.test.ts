import { describe, expect, test } from 'vitest';
import {
  count,
  defineTrigger,
  elements,
  eventTime,
  globalWindow,
  keyBy,
  mapState,
  pipeline,
  unchecked,
  valueState,
  window,
} from '../index.js';
import { cellsSpec, putCell } from '../state/handles.js';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import { testHarness } from '../testing/index.js';
import {
  WindowRecord,
  sameState,
  timersOf,
  windowsOfKeySpec,
  type WindowsOfKey,
} from './window-records.js';

const ofWindow = { told: mapState<string, number>() };
const spec = windowsOfKeySpec({ seen: valueState(0) }, ofWindow);

describe('the windows of a key', () => {
  test('come back from their stored form as they were', () => {
    const live = spec.create();
    putCell(live.cells, 0, 7);
    const full = recordOf(-Infinity, Infinity, { last: 'x' });
    full.put([1, undefined, 'two']);
    full.eventTimers.push(5, Infinity);
    full.processingTimers.push(-3);
    full.goesSilently = true;
    live.windows.push(full, recordOf(10, 20, undefined));
    const back = stored(live);
    expect(back.cells).toEqual(live.cells);
    expect(back.windows).toEqual(live.windows);
    expect(back.windows[0]).toBeInstanceOf(WindowRecord);
  });

  test('know contents that are undefined from none', () => {
    const live = spec.create();
    const [some, none] = [recordOf(0, 1, 0), recordOf(1, 2, 0)];
    some.put(undefined);
    live.windows.push(some, none);
    expect(stored(live).windows.map(({ hasContents }) => hasContents)).toEqual([true, false]);
  });

  test('share nothing with their stored form', () => {
    const live = spec.create();
    const record = recordOf(0, 10, 0);
    record.eventTimers.push(9);
    live.windows.push(record);
    const packed = spec.pack(live);
    const back = spec.unpack(packed);
    record.eventTimers.push(5);
    expect(back.windows[0]?.eventTimers).toEqual([9]);
  });

  test('are nothing without windows and without states of the key', () => {
    const live = spec.create();
    expect(spec.isEmpty(live)).toBe(true);
    putCell(live.cells, 0, 0);
    expect(spec.isEmpty(live)).toBe(false);
    putCell(live.cells, 0, undefined);
    live.windows.push(recordOf(0, 10, undefined));
    expect(spec.isEmpty(live)).toBe(false);
  });

  test('find their states by name, so that others may come and go', () => {
    const live = spec.create();
    putCell(live.cells, 0, 7);
    const more = windowsOfKeySpec({ fresh: valueState(0), seen: valueState(0) }, {});
    const back = more.unpack(decodeValue(encodeValue(spec.pack(live))));
    expect([back.cells.c0, back.cells.c1]).toEqual([undefined, 7]);
  });
});

describe('a window', () => {
  test('that is purged has no contents, but timers and state', () => {
    const record = recordOf(0, 10, 'state');
    record.put(5);
    record.eventTimers.push(9);
    record.purge();
    expect(record).toMatchObject({
      hasContents: false,
      contents: undefined,
      state: 'state',
      eventTimers: [9],
    });
  });

  test('loses a timer of one domain, and only that', () => {
    const record = recordOf(0, 10, 0);
    record.eventTimers.push(1, 2);
    record.processingTimers.push(1);
    record.removeTimer('event', 1);
    record.removeTimer('event', 7);
    expect([timersOf(record, 'event'), timersOf(record, 'processing')]).toEqual([[2], [1]]);
  });
});

describe('what a trigger remembers is the same as at first', () => {
  const pairs: readonly (readonly [unknown, unknown, boolean])[] = [
    [undefined, undefined, true],
    [NaN, NaN, true],
    [0, 0, true],
    [0, -0, false],
    [0, 1, false],
    ['', undefined, false],
    [null, undefined, false],
    [[], [], true],
    [[1, [2]], [1, [2]], true],
    [[1], [1, undefined], false],
    [{}, {}, true],
    [{ a: { b: 1 } }, { a: { b: 1 } }, true],
    [{ a: { b: 1 } }, { a: { b: 2 } }, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ];

  test.each(pairs)('%o and %o: %s', (a, b, same) => {
    expect([sameState(a, b), sameState(b, a)]).toEqual([same, same]);
  });

  test('is not known of a map, a set or a date, so the window stays', () => {
    expect(sameState(new Map([[1, 2]]), new Map())).toBe(false);
    expect(sameState(new Set([1]), new Set())).toBe(false);
    expect(sameState(new Date(1), new Date(2))).toBe(false);
    expect(sameState({ seen: new Map([[1, 2]]) }, { seen: new Map() })).toBe(false);
  });

  test.each([
    [
      'a map',
      () => new Map<string, number>(),
      (all: Map<string, number>, n: string) => all.set(n, 1),
    ],
    ['a set', () => new Set<string>(), (all: Set<string>, n: string) => all.add(n)],
  ] as const)('%s outlives that its window is emptied', (_name, create, add) => {
    const trigger = defineTrigger<string, Map<string, number> | Set<string>>({
      name: 'third',
      create,
      element(value, { state }) {
        add(state as never, value);
        return state.size === 3 ? 'fire' : 'purge';
      },
    });
    const t = testHarness(
      pipeline('p', unchecked<string>(), (texts) =>
        texts.pipe(
          eventTime({ timestamp: () => 0 }),
          keyBy(() => 'k'),
          window(globalWindow(), elements<string>(), { uid: 'w', trigger }),
        ),
      ),
    );
    t.push('x').push('y').checkpoint();
    t.crash().push('z');
    expect(t.output().map(({ value }) => value)).toEqual([['z']]);
  });
});

test('a window emptied of everything leaves no key behind', () => {
  const t = testHarness(
    pipeline('p', unchecked<number>(), (n$) =>
      n$.pipe(
        eventTime({ timestamp: () => 0 }),
        keyBy((n) => n),
        window(globalWindow(), count(), {
          uid: 'w',
          trigger: defineTrigger<number, { n: number[] }>({
            name: 'resets',
            create: () => ({ n: [] }),
            element(n, context) {
              context.state.n.push(n);
              context.state = { n: [] };
              return 'fireAndPurge';
            },
          }),
        }),
      ),
    ),
  );
  for (let n = 0; n < 20; n += 1) t.push(n);
  expect([t.output().length, t.stateSize(), t.timers()]).toEqual([20, 0, 0]);
});

function recordOf(start: number, end: number, trigger: unknown): WindowRecord {
  return new WindowRecord({ start, end, trigger, cells: cellsSpec(ofWindow).create() });
}

/** Through the codec and back, as at a restart. */
function stored(live: WindowsOfKey): WindowsOfKey {
  return spec.unpack(decodeValue(encodeValue(spec.pack(live))));
}
