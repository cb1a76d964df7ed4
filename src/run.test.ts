import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  connect,
  iterable,
  keyBy,
  memory,
  pipeline,
  process,
  run,
  TidemarkError,
  unchecked,
  type RunOptions,
} from './index.js';

const same = pipeline('same', unchecked<number>(), (n$) => n$);
const two = pipeline('two', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) => ({
  left: a,
  right: b,
}));
const good = { from: iterable([1]), to: collect<number>({ uid: 'out' }) };

describe('options', () => {
  test('all that are wrong are named in one error', () => {
    const error = refusal({
      ...good,
      parallelism: 0,
      maxParallelism: 40_000,
      guarantee: 'twice',
      checkpoint: { every: true, records: -1 },
      deadLettersMax: { share: 2 },
      signal: {},
      typo: 1,
    });
    expect(error.code).toBe('OPTIONS_INVALID');
    for (const name of ['parallelism', 'maxParallelism', 'guarantee', 'deadLettersMax', 'signal'])
      expect(error.expected + error.got).toContain(name);
    expect(error.got).toContain('unknown option "typo"');
    expect(error.where).toContain('run("same")');
  });

  test.each([
    ['parallelism', 1.5],
    ['parallelism', '3'],
    ['maxParallelism', 0],
    ['checkpoint', { recrods: 5 }],
    ['checkpoint', { records: 0 }],
    ['state', {}],
    ['checkpoint', { bytes: 0 }],
    ['checkpoint', { bytes: '5 apples' }],
    ['restart', {}],
    ['restart', 'fixedDelay'],
    ['signals', 'SIGTERM'],
    ['checkpointTimeout', 'for ever'],
    ['checkpointTimeout', 0],
    ['execution', 'bulk'],
    ['deadLetters', {}],
    ['deadLettersMax', { inARow: 0 }],
    ['logger', 1],
    ['runtime', {}],
    ['from', undefined],
    ['to', undefined],
    ['from', 5],
  ])('%s: %j is refused', (name, value) => {
    expect(refusal({ ...good, [name]: value }).code).toBe('OPTIONS_INVALID');
  });

  test.each(['1 hour', '5', -1, 0.5, NaN])('a checkpoint every %s is refused', (every) => {
    for (const checkpoint of [every, { every }])
      expect(['DURATION_INVALID', 'OPTIONS_INVALID']).toContain(
        refusal({ ...good, checkpoint }).code,
      );
  });

  test('a pause between checkpoints that is no duration is refused', () => {
    const checkpoint = { minPause: 'a while' };
    expect(refusal({ ...good, checkpoint }).code).toBe('DURATION_INVALID');
  });

  test.each([undefined, null, 'same', {}, iterable([1])])('%j is no pipeline', (definition) => {
    expect(() => run(definition as never, good as never)).toThrow(
      'OPTIONS_INVALID: expected a pipeline',
    );
  });

  test('more shards than key groups are refused', () => {
    const error = refusal({ ...good, parallelism: 8, maxParallelism: 4 });
    expect(error.code).toBe('OPTIONS_INVALID');
  });
});

describe('sources and sinks by name', () => {
  test.each<[string, unknown]>([
    ['a bare source for two inputs', iterable([1])],
    ['a missing one', { a: iterable([1]) }],
    ['an unknown one', { a: iterable([1]), b: iterable([1]), c: iterable([1]) }],
    ['something else', { a: iterable([1]), b: 5 }],
    ['nothing', {}],
  ])('%s is refused', (_name, from) => {
    const error = refusal({ from, to: { left: collect({ uid: 'out' }) } }, two);
    expect(error).toMatchObject({ code: 'OPTIONS_INVALID', where: 'run("two").from' });
    expect(error.expected).toContain('a, b');
  });

  test('sinks of unknown outputs, or none at all, are refused', () => {
    const from = { a: iterable([1]), b: iterable([2]) };
    for (const to of [{ middle: collect({ uid: 'out' }) }, {}, collect({ uid: 'out' })])
      expect(refusal({ from, to }, two)).toMatchObject({ where: 'run("two").to' });
  });

  test('an output may go without a sink', async () => {
    const out = collect<number>({ uid: 'out' });
    await run(two, { from: { a: iterable([1]), b: iterable([2]) }, to: { right: out } }).done;
    expect(out.values).toEqual([2]);
  });

  test('inputs and outputs may be called like the methods of sources and sinks', async () => {
    const odd = pipeline('odd', { splits: unchecked<number>() }, ({ splits }) => ({
      recover: splits,
    }));
    const out = collect<number>({ uid: 'out' });
    await run(odd, { from: { splits: iterable([1]) }, to: { recover: out } }).done;
    expect(out.values).toEqual([1]);
  });
});

describe('what an exactly-once job refuses', () => {
  const once = function* (): Generator<number> {
    yield 1;
  };
  const weak = callback<number>(() => undefined, { uid: 'weak' });

  test('a source that cannot be read again', async () => {
    expect(refusal({ ...good, from: iterable(once()) }).code).toBe('SOURCE_NOT_REPLAYABLE');
    const at = { ...good, from: iterable(once()), guarantee: 'at-least-once' } as const;
    expect((await run(same, at).done).phase).toBe('finished');
  });

  test('a sink that may repeat, unless it says that this is fine', async () => {
    const error = refusal({ ...good, to: weak });
    expect(error.code).toBe('SINK_TOO_WEAK');
    expect(error.got).toContain('"weak"');
    const allowed = callback<number>(() => undefined, { uid: 'weak', allowDuplicates: true });
    expect((await run(same, { ...good, to: allowed }).done).phase).toBe('finished');
    const at = { ...good, to: weak, guarantee: 'at-least-once' } as const;
    expect((await run(same, at).done).phase).toBe('finished');
  });

  test('also as one of several, and for the dead letters', () => {
    expect(refusal({ ...good, to: [good.to, weak] }).code).toBe('SINK_TOO_WEAK');
    expect(refusal({ ...good, deadLetters: weak }).code).toBe('SINK_TOO_WEAK');
  });
});

describe('uids', () => {
  const keyed = pipeline('keyed', unchecked<number>(), (n$) =>
    n$.pipe(
      keyBy((n) => n),
      process<number, number, number>({ uid: 'x', element: (n) => [n] }),
    ),
  );
  const rejection = async (options: unknown): Promise<unknown> => {
    try {
      await run(keyed, options as RunOptions<{ input: number }, { output: number }>).done;
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test('two sinks of one uid are refused', async () => {
    const to = [collect<number>({ uid: 'out' }), collect<number>({ uid: 'out' })];
    expect(await rejection({ ...good, to })).toMatchObject({ code: 'UID_DUPLICATE' });
  });

  test('a sink and an operator of one uid are refused', async () => {
    expect(await rejection({ ...good, to: collect({ uid: 'x' }) })).toMatchObject({
      code: 'UID_DUPLICATE',
    });
  });

  test('the sink of the dead letters counts among them', async () => {
    expect(await rejection({ ...good, deadLetters: collect({ uid: 'out' }) })).toMatchObject({
      code: 'UID_DUPLICATE',
    });
  });
});

test('the state is left free by a run that was refused', async () => {
  const state = memory();
  const bad = pipeline('bad', { a: unchecked<number>(), b: unchecked<number>() }, ({ a, b }) =>
    a.pipe(
      keyBy((n) => n),
      connect(b.pipe(keyBy((n) => n)), { uid: 'out', first: () => [1], second: () => [1] }),
    ),
  );
  const from = { a: iterable([1]), b: iterable([1]) };
  const { done } = run(bad, { from, to: collect<number>({ uid: 'out' }), state });
  await expect(done).rejects.toMatchObject({ code: 'UID_DUPLICATE' });
  expect((await run(same, { ...good, state }).done).phase).toBe('finished');
});

test('a rejection that nobody looks at does not end the process', async () => {
  const failing = iterable((): Iterable<number> => {
    throw new Error('deep');
  });
  const { status$ } = run(same, { ...good, from: failing });
  const phases: string[] = [];
  await new Promise<void>((resolve) => {
    status$.subscribe({ next: ({ phase }) => phases.push(phase), complete: resolve });
  });
  expect(phases.at(-1)).toBe('failed');
});

function refusal(options: unknown, definition: unknown = same): TidemarkError {
  try {
    const { done } = run(definition as typeof same, options as typeof good);
    done.catch(() => undefined);
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
}
