import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { windowsOfKeySpec } from '../dsl/window-records.js';
import {
  collect,
  iterable,
  keyBy,
  listState,
  mapState,
  pipeline,
  process,
  reducingState,
  run,
  unchecked,
  valueState,
} from '../index.js';
import type { StateDeclaration } from '../state/handles.js';
import { memory } from '../state/memory-backend.js';

interface Order {
  readonly key: string;
  readonly set?: unknown;
}

/** One release after the other on the same state; each is given orders, and says what the state is then. */
class Releases {
  readonly state = memory();
  readonly #orders: Order[] = [];

  async run(it: StateDeclaration<unknown>, orders: readonly Order[]): Promise<unknown[]> {
    const out = collect<unknown>({ uid: 'out' });
    const definition = pipeline('schemas', unchecked<Order>(), (order$) =>
      order$.pipe(
        keyBy((order) => order.key),
        process({
          uid: 'keeper',
          state: { it },
          element(order, { state }) {
            const handle = state.it as { get(): unknown; set?(value: unknown): void };
            if ('set' in order) handle.set?.(order.set);
            return [handle.get()];
          },
        }),
      ),
    );
    this.#orders.push(...orders);
    const source = iterable([...this.#orders]);
    const job = run(definition, {
      to: out,
      state: this.state,
      from: {
        ...source,
        async open(split, cursor, runtime) {
          const reader = await source.open(split, cursor, runtime);
          return {
            async read() {
              const chunk = await reader.read();
              if (chunk !== undefined) return chunk;
              void job.stop();
              return new Promise<never>(() => undefined);
            },
            close: () => reader.close(),
          };
        },
      },
    });
    await job.done;
    return out.values;
  }
}

const first = z.object({ n: z.int() });
const wider = z.object({ n: z.number(), note: z.string().default('none') });
const other = z.object({ text: z.string() });
const kept = (schema: z.ZodType, migrate?: (old: never, version: number) => unknown) =>
  valueState<unknown>(undefined, { schema, ...(migrate === undefined ? {} : { migrate }) });

const writeA = [{ key: 'a', set: { n: 1 } }];
const lookAtA = [{ key: 'a' }];

describe('the schema of a state, over releases', () => {
  test('equal: values are taken as they are', async () => {
    const releases = new Releases();
    await releases.run(kept(first), writeA);
    expect(await releases.run(kept(first), lookAtA)).toEqual([{ n: 1 }]);
  });

  test('compatible: values are parsed on their first read', async () => {
    const releases = new Releases();
    await releases.run(kept(first), writeA);
    expect(await releases.run(kept(wider), lookAtA)).toEqual([{ n: 1, note: 'none' }]);
  });

  test('incompatible: refused before anything is touched, with what differs', async () => {
    const releases = new Releases();
    await releases.run(kept(first), writeA);
    await expect(releases.run(kept(other), lookAtA)).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      got: '$.text: was missing, is required string',
      where: 'memory, state "it" of "keeper"',
      hint: expect.stringContaining('migrate') as string,
    });
    expect(await releases.run(kept(first), [])).toEqual([{ n: 1 }]);
  });

  test('migrate: is given old values only, each with the number of its schema, over several releases', async () => {
    const releases = new Releases();
    await releases.run(kept(first), [...writeA, { key: 'b', set: { n: 2 } }]);
    const toText = ({ n }: { n: number }) => ({ text: `n ${n}` });
    const second = await releases.run(kept(other, toText), [
      { key: 'a', set: { text: 'new' } },
      { key: 'b' },
    ]);
    expect(second).toEqual([{ text: 'new' }, { text: 'n 2' }]);
    // The key b was only looked at, so it is still of the first schema on disk.
    const seen: unknown[] = [];
    const third = kept(z.object({ size: z.int() }), (value: never, version) => {
      seen.push([version, value]);
      return { size: version };
    });
    expect(await releases.run(third, [...lookAtA, { key: 'b' }])).toEqual([
      { size: 1 },
      { size: 0 },
    ]);
    expect(seen).toHaveLength(2);
    expect(seen).toEqual(
      expect.arrayContaining([
        [1, { text: 'new' }],
        [0, { n: 2 }],
      ]),
    );
  });

  test('a schema may come later, go, and come back', async () => {
    const releases = new Releases();
    await releases.run(valueState<unknown>(), [...writeA, { key: 'b', set: 'no object' }]);
    await expect(releases.run(kept(first), [])).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      got: expect.stringContaining('$: ') as string,
    });
    await releases.run(valueState<unknown>(), [{ key: 'b', set: { n: 5 } }]);
    expect(await releases.run(kept(first), [{ key: 'b' }])).toEqual([{ n: 5 }]);
    expect(await releases.run(valueState<unknown>(), [{ key: 'b' }])).toEqual([{ n: 5 }]);
    expect(await releases.run(kept(wider), [{ key: 'b' }])).toEqual([{ n: 5, note: 'none' }]);
    // The way back is one too: there may be values now that the narrower schema does not take.
    await expect(releases.run(kept(first), [])).rejects.toMatchObject({
      got: '$.n: was number, is integer',
    });
  });

  test('what a migrate function throws, or gives of another shape, is refused', async () => {
    const releases = new Releases();
    await releases.run(kept(first), writeA);
    const failing = kept(other, () => {
      throw new Error('no way');
    });
    await expect(releases.run(failing, [])).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      got: 'Error: no way',
    });
    await expect(
      releases.run(
        kept(other, () => ({ text: 7 })),
        [],
      ),
    ).rejects.toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      got: expect.stringContaining('$.text') as string,
    });
  });

  test('holds for elements of lists, values of maps, accumulators, and beside a TTL', async () => {
    const ttl = { after: '1d', time: 'processing' } as const;
    const add = (value: unknown) => [{ key: 'a', set: value }];
    for (const options of [{}, { ttl }]) {
      const list = (schema: z.ZodType) =>
        settable(listState<unknown>({ ...options, schema }), 'add');
      const lists = new Releases();
      await lists.run(list(first), add({ n: 1 }));
      expect(await lists.run(list(wider), lookAtA)).toEqual([[{ n: 1, note: 'none' }]]);

      const map = (schema: z.ZodType) =>
        settable(mapState<string, unknown>({ ...options, schema }), 'map');
      const maps = new Releases();
      await maps.run(map(first), add({ n: 1 }));
      expect(await maps.run(map(wider), lookAtA)).toEqual([{ n: 1, note: 'none' }]);

      const reduced = (schema: z.ZodType) =>
        settable(
          reducingState<unknown>((_, last) => last, { ...options, schema }),
          'add',
        );
      const reductions = new Releases();
      await reductions.run(reduced(first), add({ n: 1 }));
      expect(await reductions.run(reduced(wider), lookAtA)).toEqual([{ n: 1, note: 'none' }]);

      const value = (schema: z.ZodType) => valueState<unknown>(undefined, { ...options, schema });
      const values = new Releases();
      await values.run(value(first), add({ n: 1 }));
      expect(await values.run(value(wider), lookAtA)).toEqual([{ n: 1, note: 'none' }]);
      // A new schema number and stamps that come and go stand in one key.
      await values.run(value(wider), [{ key: 'a', set: { n: 2, note: 'x' } }]);
      expect(await values.run(kept(wider), lookAtA)).toEqual([{ n: 2, note: 'x' }]);
      await expect(values.run(kept(other), [])).rejects.toMatchObject({
        code: 'STATE_INCOMPATIBLE',
      });
    }
  });
});

/** The declaration of another kind, with a `set` that adds, and a `get` that gives the first. */
function settable(
  declaration: StateDeclaration<unknown>,
  kind: 'add' | 'map',
): StateDeclaration<unknown> {
  const given = declaration as unknown as StateDeclaration<
    Record<string, (...args: unknown[]) => unknown>
  >;
  return {
    ...given,
    handle(cursor, index) {
      const handle = given.handle(cursor, index);
      return kind === 'add'
        ? { get: () => handle['get']?.(), set: (value: unknown) => handle['add']?.(value) }
        : { get: () => handle['get']?.('k'), set: (value: unknown) => handle['set']?.('k', value) };
    },
  };
}

test('values of a window are under schemas too', async () => {
  const plan = windowsOfKeySpec(
    { it: kept(first) as never },
    { it: kept(wider) as never },
  ).evolution;
  expect([...(plan?.schemas.keys() ?? [])]).toEqual(['key.it', 'window.it']);
});

test('what is no schema is refused at once', () => {
  expect(() => valueState(0, { schema: {} as never })).toThrow('OPTIONS_INVALID');
  expect(() => valueState(0, { schema: z.number(), migrate: 7 as never })).toThrow(
    'OPTIONS_INVALID',
  );
  expect(() => valueState(0, { migrate: () => 7 })).toThrow('OPTIONS_INVALID');
});
