/**
 * The laws that every `StateBackend` must keep, as one suite: memory, LMDB and the simulated disk run through it.
 *
 * The test runner is handed in, so that this module can be published without depending on one. Required laws are the
 * contract of `src/state/backend.ts`. Optional ones are good manners; a backend without them says why.
 */
import { TidemarkError } from '../core/errors.js';
import type { StateBackend, StateBackendFactory } from '../state/backend.js';

/** The part of a test runner that the suite uses; those of vitest and jest fit. */
export interface BackendTestRunner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
  readonly expect: (actual: unknown) => { toEqual(expected: unknown): void };
}

export interface BackendSuiteOptions {
  /** Optional laws that this backend does not keep, each with the reason. Default: none. */
  readonly without?: Readonly<Partial<Record<keyof typeof optionalLaws, string>>>;
  /** How many histories the property over whole lives of a store tries. Default: 50. */
  readonly runs?: number;
}

interface Trial {
  /** Makes the factory of an empty store of its own; it may be called several times. */
  readonly make: () => StateBackendFactory | Promise<StateBackendFactory>;
  readonly expect: BackendTestRunner['expect'];
  readonly runs: number;
}

type Law = (trial: Trial) => Promise<void>;

/** Registers the laws. `make` is called once per law, and once per run of the property. */
export function stateBackendSuite(
  name: string,
  make: Trial['make'],
  { describe, test, expect }: BackendTestRunner,
  { without = {}, runs = 50 }: BackendSuiteOptions = {},
): void {
  const trial: Trial = { make, expect, runs };
  const optional = Object.entries(optionalLaws).filter(([law]) => !Object.hasOwn(without, law));
  describe(`state backend contract: ${name}`, () => {
    for (const [fact, law] of [...Object.entries(requiredLaws), ...optional])
      test(fact, () => law(trial));
  });
}

const requiredLaws = {
  'a new store is empty': async ({ make, expect }) => {
    const backend = await (await make()).open();
    expect(backend.keys('')).toEqual([]);
    expect(backend.get('a')).toEqual(undefined);
    await backend.flushed();
    await backend.close();
  },
  'committed values survive reopening, and of two entries for one key the later counts': async (
    trial,
  ) => {
    const { expect } = trial;
    const { backend, reopen } = await opened(trial);
    backend.commit([put('a', 1), put('b', 2), put('c', 3)]);
    backend.commit([
      put('a', 8),
      put('b', 8),
      put('a', 9),
      { key: 'b', value: undefined },
      put('d', 4),
    ]);
    const later = await reopen();
    expect(later.keys('')).toEqual(['a', 'c', 'd']);
    expect(['a', 'b', 'c', 'd'].map((key) => later.get(key))).toEqual([
      ...[bytes(9), undefined, bytes(3), bytes(4)],
    ]);
    await later.close();
  },
  'what was written ahead and flushed is there, also after reopening': async (trial) => {
    const { backend, reopen } = await opened(trial);
    const keys = Array.from({ length: 1000 }, (_, index) => `slab/${index}`);
    for (const [index, key] of keys.entries()) backend.writeAhead(key, bytes(index % 256, index));
    await backend.flushed();
    trial.expect(backend.keys('slab/').length).toEqual(1000);
    backend.commit([put('slabs', 1)]);
    const later = await reopen();
    for (const [index, key] of keys.entries())
      trial.expect(later.get(key)).toEqual(bytes(index % 256, index));
    await later.close();
  },
  'write-aheads that nobody refers to are whole or gone, and can be discarded': async (trial) => {
    const { backend, reopen } = await opened(trial);
    backend.commit([put('a', 1)]);
    backend.writeAhead('slab/1', bytes(7, 7));
    const later = await reopen();
    const left = later.get('slab/1');
    trial.expect(left === undefined || sameBytes(left, bytes(7, 7))).toEqual(true);
    later.discard(['slab/1', 'slab/never']);
    await later.flushed();
    trial.expect(later.keys('')).toEqual(['a']);
    await later.close();
  },
  'what was discarded is gone after a flush, also after reopening': async (trial) => {
    const { backend, reopen } = await opened(trial);
    for (const key of ['slab/1', 'slab/2', 'slab/3']) backend.writeAhead(key, bytes(1));
    await backend.flushed();
    backend.discard(['slab/1', 'slab/3']);
    await backend.flushed();
    trial.expect(backend.keys('slab/')).toEqual(['slab/2']);
    const later = await reopen();
    trial.expect(later.keys('slab/')).toEqual(['slab/2']);
    await later.close();
  },
  'keys are listed by prefix, in the order of code units': async (trial) => {
    const { backend } = await opened(trial);
    const sorted = ['', 'B', 'a', 'a/1', 'a/10', 'a/2', 'ab', 'a\u{1f30a}', 'a\uffee', 'b', 'é'];
    backend.commit(sorted.toReversed().map((key) => put(key, 1)));
    for (const prefix of ['', 'a', 'a/', 'x'])
      trial.expect(backend.keys(prefix)).toEqual(sorted.filter((key) => key.startsWith(prefix)));
    await backend.close();
  },
  'bytes that were got belong to the caller': async (trial) => {
    const { backend } = await opened(trial);
    const large = new Uint8Array(100_000).fill(3);
    backend.commit([put('a', 1), { key: 'large', value: large }]);
    const [first, second] = [backend.get('a'), backend.get('large')];
    for (const got of [first, second]) got?.fill(9);
    trial.expect(backend.get('a')).toEqual(bytes(1));
    trial.expect(sameBytes(backend.get('large'), large)).toEqual(true);
    backend.commit([put('a', 2)]);
    await backend.close();
    trial.expect(first).toEqual(bytes(9));
  },
  'bytes that were given may be changed at once': async (trial) => {
    const { backend, reopen } = await opened(trial);
    const [ahead, committed] = [bytes(1, 2), bytes(3, 4)];
    backend.writeAhead('slab', ahead);
    backend.commit([{ key: 'a', value: committed }]);
    for (const given of [ahead, committed]) given.fill(9);
    await backend.flushed();
    trial.expect([backend.get('slab'), backend.get('a')]).toEqual([bytes(1, 2), bytes(3, 4)]);
    await (await reopen()).close();
  },
  'no byte and a million bytes are values like others': async (trial) => {
    const { backend, reopen } = await opened(trial);
    const million = Uint8Array.from({ length: 1_000_000 }, (_, index) => index % 251);
    backend.commit([put('none'), { key: 'million', value: million }]);
    backend.writeAhead('slab/none', bytes());
    backend.writeAhead('slab/million', million);
    await backend.flushed();
    const later = await reopen();
    for (const key of ['none', 'slab/none']) trial.expect(later.get(key)).toEqual(bytes());
    for (const key of ['million', 'slab/million'])
      trial.expect(sameBytes(later.get(key), million)).toEqual(true);
    await later.close();
  },
  'a second open is refused until the first has closed': async ({ make, expect }) => {
    const factory = await make();
    const backend = await factory.open();
    expect(await codeOf(() => factory.open())).toEqual('STATE_IN_USE');
    backend.commit([put('a', 1)]);
    await backend.close();
    const later = await factory.open();
    expect(later.get('a')).toEqual(bytes(1));
    await later.close();
  },
  'it may be closed twice, one after the other and at once': async (trial) => {
    const { backend, factory } = await opened(trial);
    backend.writeAhead('slab', bytes(1));
    await Promise.all([backend.close(), backend.close()]);
    await backend.close();
    // The next owner must not lose the store to a late close of the former one.
    const later = await factory.open();
    await backend.close();
    trial.expect(await codeOf(() => factory.open())).toEqual('STATE_IN_USE');
    await later.close();
  },
  'over whole lives it holds what a map would hold': async (trial) => {
    const { default: fc } = await import('fast-check');
    const small = fc.uint8Array({ maxLength: 4 });
    const name = fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c');
    const step: Parameters<typeof fc.array<Step>>[0] = fc.oneof(
      fc.record({
        does: fc.constant('commit' as const),
        batch: fc.array(fc.record({ key: name, value: fc.option(small, { nil: undefined }) })),
      }),
      fc.record({ does: fc.constant('writeAhead' as const), value: small }),
      fc.record({ does: fc.constant('discard' as const), index: fc.nat() }),
      fc.constantFrom({ does: 'flush' as const }, { does: 'reopen' as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), (steps) => live(trial, steps)),
      { numRuns: trial.runs },
    );
  },
} satisfies Record<string, Law>;

const optionalLaws = {
  'a batch that cannot be read to its end changes nothing': async (trial) => {
    const { backend, reopen } = await opened(trial);
    backend.commit([put('a', 1)]);
    const broken = {
      key: 'b',
      get value(): Uint8Array {
        throw new RangeError('unreadable');
      },
    };
    trial.expect(await codeOf(() => backend.commit([put('a', 2), broken]))).toEqual('an error');
    const later = await reopen();
    trial.expect([later.keys(''), later.get('a')]).toEqual([['a'], bytes(1)]);
    await later.close();
  },
  'a closed backend refuses to be used': async (trial) => {
    const { backend } = await opened(trial);
    await backend.close();
    const reads = [() => backend.get('a'), () => backend.keys('')];
    const writes = [() => backend.commit([]), () => backend.writeAhead('a', bytes(1))];
    for (const use of [...reads, ...writes, () => backend.flushed()])
      trial.expect((await codeOf(use)) === 'no error').toEqual(false);
  },
  'keys of any characters are kept apart': async (trial) => {
    const { backend, reopen } = await opened(trial);
    const keys = ['\0', '\0\0', '\ud800', '\ufffd', 'x'.repeat(400), 'x'.repeat(401)];
    backend.commit(keys.map((key, index) => put(key, index)));
    const later = await reopen();
    trial.expect(keys.map((key) => later.get(key))).toEqual(keys.map((_, index) => bytes(index)));
    trial.expect(later.keys('')).toEqual(keys.toSorted());
    await later.close();
  },
} satisfies Record<string, Law>;

type Step =
  | { does: 'commit'; batch: { key: string; value: Uint8Array | undefined }[] }
  | { does: 'writeAhead'; value: Uint8Array }
  | { does: 'discard'; index: number }
  | { does: 'flush' | 'reopen' };

/** Lives through the steps beside a map. What was not flushed yet is not looked at, for it may be there or not. */
async function live({ make, expect }: Trial, steps: readonly Step[]): Promise<void> {
  const factory = await make();
  const model = new Map<string, Uint8Array>();
  const unsure = new Set<string>();
  let backend = await factory.open();
  for (const [number, step] of steps.entries()) {
    if (step.does === 'commit') {
      backend.commit(step.batch);
      for (const { key, value } of step.batch)
        if (value === undefined) model.delete(key);
        else model.set(key, value);
    } else if (step.does === 'writeAhead') {
      backend.writeAhead(`slab/${number}`, step.value);
      model.set(`slab/${number}`, step.value);
      unsure.add(`slab/${number}`);
    } else if (step.does === 'discard') {
      const slabs = [...model.keys()].filter((key) => key.startsWith('slab/'));
      const discarded = slabs.filter((_, index) => index % 3 === step.index % 3);
      backend.discard(discarded);
      for (const key of discarded) {
        model.delete(key);
        unsure.add(key);
      }
    } else {
      await (step.does === 'flush' ? backend.flushed() : backend.close());
      if (step.does === 'reopen') backend = await factory.open();
      unsure.clear();
    }
    const isSure = (key: string): boolean => !unsure.has(key);
    expect(backend.keys('').filter(isSure)).toEqual([...model.keys()].filter(isSure).toSorted());
    for (const [key, value] of model) if (isSure(key)) expect(backend.get(key)).toEqual(value);
  }
  await backend.close();
}

/** An open store, and how to close it and open it again. */
async function opened({ make }: Trial) {
  const factory = await make();
  const backend = await factory.open();
  const reopen = async (): Promise<StateBackend> => {
    await backend.close();
    return factory.open();
  };
  return { factory, backend, reopen };
}

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return 'no error';
  } catch (error) {
    return error instanceof TidemarkError ? error.code : 'an error';
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const put = (key: string, ...value: number[]) => ({ key, value: bytes(...value) });

/** Test runners compare large arrays element by element and take seconds for it. */
function sameBytes(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left?.length === right.length && left.every((byte, index) => byte === right[index]);
}
