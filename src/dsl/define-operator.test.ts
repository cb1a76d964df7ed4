import { of, type Observable } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  defineOperator,
  defineTwoInputOperator,
  eventTime,
  keyBy,
  map,
  pipeline,
  process,
  stream,
  unchecked,
  type OperatorDefinition,
} from '../index.js';
import type { OperatorNode } from '../core/graph.js';
import type { KeyedStateSpec, OperatorContext } from '../core/operator.js';
import { testHarness } from '../testing/index.js';

const passing = (definition: Partial<OperatorDefinition> = {}): OperatorDefinition => ({
  operator: 'passing',
  create: ({ output }) => ({ element: (value, timestamp) => output.element(value, timestamp) }),
  ...definition,
});

const state: KeyedStateSpec<{ n: number }> = {
  create: () => ({ n: 0 }),
  pack: ({ n }) => n,
  unpack: (packed) => ({ n: packed as number }),
  isEmpty: ({ n }) => n === 0,
};

describe('a definition', () => {
  test('has harmless defaults', () => {
    const { edge } = stream(of(1)).pipe(defineOperator<number, number>(passing()));
    expect((edge.from as OperatorNode).spec).toMatchObject({
      operator: 'passing',
      uid: undefined,
      inputs: 1,
      keyed: false,
      needsEventTime: false,
      keepsKey: false,
      sideOutputs: [],
      facts: {},
    });
  });

  test('makes one operator per run', () => {
    let made = 0;
    const step = defineOperator<number, number>({
      ...passing(),
      create(context) {
        made += 1;
        return passing().create(context);
      },
    });
    const n$ = of(1, 2).pipe(step);
    expect(made).toBe(0);
    n$.subscribe();
    n$.subscribe();
    expect(made).toBe(2);
  });

  test('a step may be piped many times', () => {
    const step = defineOperator<number, number>(passing());
    const seen: number[] = [];
    of(1)
      .pipe(step, step, step)
      .subscribe((n) => seen.push(n));
    expect(seen).toEqual([1]);
  });
});

describe('what the context offers', () => {
  test('keyed state, timers and the key, with state found again after a crash', () => {
    const step = defineOperator<string, string>({
      operator: 'counting',
      uid: 'c',
      keyed: true,
      state,
      create(context: OperatorContext) {
        const store = context.keyedState<{ n: number }>();
        const cell = context.keyCell(0);
        return {
          element(value, timestamp) {
            const slot = store.slot(cell.key);
            store.touch(slot);
            slot.live.n += 1;
            context.output.element(`${String(value)}${slot.live.n}`, timestamp);
          },
        };
      },
    });
    const t = testHarness(
      pipeline('p', unchecked<string>(), (text$) =>
        text$.pipe(
          keyBy((text) => text),
          step,
        ),
      ),
    );
    t.push('a').checkpoint();
    t.push('a').crash().push('b');
    expect(t.output()).toEqual(['a1', 'a2', 'b1']);
    expect(t.state('c', 'a')).toBe(2);
  });

  test('close is called once, also after an error', () => {
    const closes: string[] = [];
    const step = (fails: boolean): ((source: never) => ReturnType<typeof map>) =>
      defineOperator<number, number>({
        ...passing(),
        create: () => ({
          element() {
            if (fails) throw new Error('broken');
          },
          close: () => void closes.push(fails ? 'failed' : 'done'),
        }),
      }) as never;
    of(1)
      .pipe(step(false) as never)
      .subscribe();
    let error: unknown;
    of(1)
      .pipe(step(true) as never)
      .subscribe({ error: (thrown: unknown) => (error = thrown) });
    expect(closes).toEqual(['done', 'failed']);
    expect(error).toMatchObject({ message: 'broken' });
  });

  test('the output watermark may be held back', () => {
    const held = defineOperator<number, number>({
      ...passing(),
      create: ({ output }) => ({
        element: (value, timestamp) => output.element(value, timestamp),
        outputWatermark: (watermark) => Math.min(watermark, 10),
      }),
    });
    const t = testHarness(
      pipeline('p', unchecked<number>(), (n$) =>
        n$.pipe(
          eventTime({ timestamp: (n) => n, every: 0 }),
          held,
          keyBy(() => 'k'),
          process({ uid: 'x', element: (n) => [n] }),
        ),
      ),
    );
    t.push(5);
    expect(t.watermarkOf('x')).toBe(4);
    t.push(50);
    expect(t.watermarkOf('x')).toBe(10);
  });
});

describe('two inputs', () => {
  test('come in apart, and may be one stream', () => {
    const both = (second: Observable<number>) =>
      defineTwoInputOperator<number, number, string>(second, {
        operator: 'both',
        create: ({ output }) => ({
          element: (value, timestamp) => output.element(`first ${String(value)}`, timestamp),
          second: (value, timestamp) => output.element(`second ${String(value)}`, timestamp),
        }),
      });
    const seen: string[] = [];
    of(1)
      .pipe(both(of(2)))
      .subscribe((text) => seen.push(text));
    const n$ = stream(of(3));
    n$.pipe(both(n$)).subscribe((text) => seen.push(text));
    expect(seen).toEqual(['first 1', 'second 2', 'first 3', 'second 3']);
  });
});

describe('what is refused', () => {
  test('state without a uid, and wrong uids, when the step is made', () => {
    expect(() => defineOperator(passing({ state }))).toThrow(/UID_INVALID.*uid of passing/);
    expect(() => defineOperator(passing({ uid: 'a/b' }))).toThrow('UID_INVALID');
  });

  test('keyed on an unkeyed stream, event time on one without, when it is piped', () => {
    const keyed = defineOperator<number, number>(passing({ keyed: true, uid: 'k' }));
    expect(() => of(1).pipe(keyed)).toThrow(/KEY_MISSING.*passing "k"/);
    const timed = defineOperator<number, number>(passing({ needsEventTime: true }));
    expect(() => of(1).pipe(timed)).toThrow(/TIME_MISSING.*passing/);
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        keyed as never,
      ),
    ).not.toThrow();
    expect(() => of(1).pipe(eventTime({ timestamp: (n) => n }), timed)).not.toThrow();
  });

  test('a second keyed input without a key', () => {
    const step = defineTwoInputOperator<number, number, number>(
      of(1),
      passing({ keyed: true, uid: 'k' }),
    );
    expect(() =>
      of(1).pipe(
        keyBy((n) => n),
        step as never,
      ),
    ).toThrow('KEY_MISSING');
  });

  test('only steps that pass elements through keep the key', () => {
    const keeps = defineOperator<number, number>(passing({ keepsKey: true }));
    const loses = defineOperator<number, number>(passing());
    const keyed = defineOperator<number, number>(passing({ keyed: true, uid: 'k' }));
    const n$ = of(1).pipe(keyBy((n) => n));
    expect(() => n$.pipe(keeps as never, keyed)).not.toThrow();
    expect(() => n$.pipe(loses as never, keyed)).toThrow('KEY_MISSING');
  });
});
