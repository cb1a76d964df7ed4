import { expect, test } from 'vitest';
import type { Source } from '../core/connector.js';
import {
  broadcast,
  collect,
  connect,
  iterable,
  keyBy,
  mapState,
  nodeRuntime,
  pipeline,
  run,
  unchecked,
  valueState,
} from '../index.js';
import { memory } from '../state/memory-backend.js';
import { simulatedFiles } from '../testing/index.js';

const marked = (uid: string, renamedFrom?: string) =>
  pipeline('marked', { words: unchecked<string>(), rules: unchecked<string>() }, (input) =>
    input.words.pipe(
      keyBy((word) => word),
      connect(broadcast(input.rules), {
        uid,
        ...(renamedFrom === undefined ? {} : { renamedFrom }),
        state: { times: valueState(0) },
        broadcastState: { on: mapState<string, true>() },
        first(word: string, { state: { times }, broadcastState: { on } }) {
          times.set(times.get() + 1);
          return [`${word} ${times.get()} ${on.has(word)}`];
        },
        second: (rule: string, { broadcastState: { on } }) => on.set(rule, true),
      }),
    ),
  );

/** Gives these, and then nothing more for ever. */
function held<T>(values: readonly T[], reached: () => void): Source<T> {
  const source = iterable(values);
  return {
    ...source,
    async open(split, cursor, runtime) {
      const reader = await source.open(split, cursor, runtime);
      return {
        async read() {
          const next = await reader.read();
          if (next !== undefined) return next;
          reached();
          return new Promise<never>(() => undefined);
        },
        close: () => reader.close(),
      };
    },
  };
}

test.each([
  [1, 3],
  [3, 1],
  [2, 4],
])(
  'rules that were broadcast to %s shards are known to %s, under another uid',
  async (before, after) => {
    const runtime = { ...nodeRuntime(), files: simulatedFiles() };
    let left = 2;
    let reached = (): void => undefined;
    const allRead = new Promise<void>((resolve) => (reached = resolve));
    const count = (): void => {
      left -= 1;
      if (left === 0) reached();
    };
    const job = run(marked('old'), {
      from: { words: held(['a'], count), rules: held(['a', 'c', 'd'], count) },
      to: collect({ uid: 'out' }),
      parallelism: before,
      runtime,
    });
    await allRead;
    await job.stopWithSavepoint('/save');

    const out = collect<string>({ uid: 'out' });
    await run(marked('new', 'old'), {
      from: {
        words: iterable(['a', 'a', 'b', 'c', 'd']),
        rules: iterable(['a', 'c', 'd']),
      },
      to: out,
      state: memory(),
      resumeFrom: '/save',
      parallelism: after,
      runtime,
    }).done;
    expect(out.values.toSorted()).toEqual(['a 2 true', 'b 1 false', 'c 1 true', 'd 1 true']);
  },
);
