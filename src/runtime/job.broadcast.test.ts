import { describe, expect, test } from 'vitest';
import { EmbeddedCommitter } from '../checkpoint/embedded-committer.js';
import { loadStore } from '../checkpoint/store-slabs.js';
import {
  broadcast,
  collect,
  connect,
  connectAll,
  filter,
  iterable,
  keyBy,
  mapState,
  memory,
  nodeRuntime,
  outputTag,
  pipeline,
  process,
  run,
  unchecked,
  valueState,
  type StateBackendFactory,
} from '../index.js';
import { entrySpec } from '../state/broadcast-state.js';
import { KeyedStore } from '../state/slots.js';

const told = outputTag<string>('told');

interface Rule {
  readonly id: number;
  readonly isLast?: boolean;
}

const RULES = 60;
const rules: readonly Rule[] = Array.from({ length: RULES }, (_, id) => ({
  id,
  isLast: id === RULES - 1,
}));
const words: readonly string[] = Array.from({ length: 40 }, (_, n) => `word ${n}`);

/** The rules come out of a keyed step of many shards, in no order; each key says in which order its shard met them. */
const derived = pipeline(
  'derived',
  { words: unchecked<string>(), rules: unchecked<Rule>() },
  (inputs) => {
    const rules$ = inputs.rules.pipe(
      keyBy(({ id }) => id),
      process({ uid: 'spread', element: (rule) => [rule] }),
      filter(({ id }) => id >= 0),
    );
    const met = inputs.words.pipe(
      keyBy((word) => word),
      connect(broadcast(rules$), {
        uid: 'met',
        state: { waits: valueState(false) },
        broadcastState: { order: mapState<number, number>() },
        sides: [told],
        first(word, { state, broadcastState: { order } }) {
          if (order.size === RULES) return [`${word}: ${[...order.keys()].join(' ')}`];
          state.waits.set(true);
          return [];
        },
        second({ id }, { broadcastState: { order }, side, visitKeys }) {
          order.set(id, order.size);
          side(told, `rule ${id}`);
          if (order.size === RULES) visitKeys();
          return [`rule ${id}`];
        },
        eachKey(_rule, { key, state, side, broadcastState: { order } }) {
          state.waits.clear();
          side(told, `visited ${key}`);
          return [`${key}: ${[...order.keys()].join(' ')}`];
        },
      }),
    );
    return { met, told: met.side(told) };
  },
);

describe('with four shards', () => {
  test('all of them meet a broadcast stream in the same order, wherever it comes from', async () => {
    const [met, side] = [collect<string>({ uid: 'met-out' }), collect<string>({ uid: 'told-out' })];
    const summary = await run(derived, {
      from: { words: iterable(words, { chunk: 3 }), rules: iterable(rules, { chunk: 4 }) },
      to: { met, told: side },
      state: memory(),
      checkpoint: { records: 9 },
      parallelism: 4,
    }).done;
    const orders = met.values.filter((text) => text.startsWith('word'));
    expect(orders.length).toBe(words.length);
    expect(new Set(orders.map((text) => text.replace(/.*: /, ''))).size).toBe(1);
    // What `second` returns and sends aside leaves once; what a key says, from the shard of the key.
    const once = rules.map(({ id }) => `rule ${id}`).toSorted();
    expect(met.values.filter((text) => text.startsWith('rule')).toSorted()).toEqual(once);
    expect(side.values.filter((text) => text.startsWith('rule')).toSorted()).toEqual(once);
    expect(summary.operators['met']).toMatchObject({ received: words.length + rules.length });
  });

  test('a checkpoint keeps one copy, and each shard of the next run has all of it', async () => {
    const state = memory();
    const counted = pipeline(
      'counted',
      { words: unchecked<string>(), rules: unchecked<string>() },
      (inputs) =>
        inputs.words.pipe(
          keyBy((word) => word),
          connect(broadcast(inputs.rules), {
            uid: 'counted',
            broadcastState: { rules: mapState<string, string>() },
            first: (word, context) => [`${word} ${context.broadcastState.rules.size}`],
            second: (rule, context) => context.broadcastState.rules.set(rule, 'x'.repeat(50)),
          }),
        ),
    );
    const ruleTexts = rules.map(({ id }) => `rule ${id}`);
    const life = async (parallelism: number): Promise<readonly string[]> => {
      const sink = collect<string>({ uid: 'out' });
      const job = run(counted, {
        from: { words: iterable(endless, { chunk: 10 }), rules: iterable(ruleTexts) },
        to: sink,
        state,
        checkpoint: { records: 50 },
        parallelism,
        maxParallelism: 128,
      });
      const hasAll = (): boolean =>
        sink.values.filter((text) => text.endsWith(` ${RULES}`)).length > 100;
      while (!hasAll()) await nodeRuntime().clock.turn();
      await job.stop();
      return sink.values;
    };
    await life(4);
    expect(await entriesIn(state)).toBe(RULES);
    for (const parallelism of [3, 1, 8, 2]) {
      const values = await life(parallelism);
      expect(values.filter((text) => !text.endsWith(` ${RULES}`))).toEqual([]);
    }
    expect(await entriesIn(state)).toBe(RULES);
  });
});

test('without keys one shard reads, and all is the same', async () => {
  const blocked = pipeline(
    'blocked',
    { words: unchecked<string>(), rules: unchecked<string>() },
    (inputs) =>
      inputs.words.pipe(
        connectAll(broadcast(inputs.rules), {
          uid: 'blocked',
          state: { words: valueState(0) },
          broadcastState: { rules: mapState<string, true>() },
          first(word, { state }) {
            state.words.set(state.words.get() + 1);
            return [`${word} ${state.words.get()}`];
          },
          second: (rule, { broadcastState }) => {
            broadcastState.rules.set(rule, true);
            return [`${rule} ${broadcastState.rules.size}`];
          },
        }),
      ),
  );
  for (const parallelism of [1, 4]) {
    const sink = collect<string>({ uid: 'out' });
    await run(blocked, {
      from: { words: iterable(words), rules: iterable(['x', 'y']) },
      to: sink,
      state: memory(),
      parallelism,
    }).done;
    expect(sink.values.filter((text) => text.startsWith('word'))).toEqual(
      words.map((word, n) => `${word} ${n + 1}`),
    );
    expect(sink.values.filter((text) => !text.startsWith('word'))).toEqual(['x 1', 'y 2']);
  }
});

function* endless(): Generator<string> {
  for (let n = 0; ; n += 1) yield `word ${n}`;
}

/** Entries of broadcast state in what is committed. */
async function entriesIn(state: StateBackendFactory): Promise<number> {
  const backend = await state.open();
  const committer = new EmbeddedCommitter(backend, { where: 'test' });
  const store = new KeyedStore<object>({ spec: entrySpec, maxParallelism: 128, durable: false });
  loadStore(store, committer.of('counted~broadcast'), { from: 0, to: 128 });
  await backend.close();
  return store.size;
}
