import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import type { StateBackend } from '../state/backend.js';
import { memory } from '../state/memory-backend.js';
import { partStart } from '../state/places.js';
import { RunWriter } from '../state/run-writer.js';
import { forEachRecord } from '../state/slab.js';
import { checkRecord, EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import type { FrozenPiece, SlabKind } from './store-slabs.js';

const everything = { from: 0, to: 128 };

describe('a commit', () => {
  test('is seen by the next one to open the store', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    expect(committer.read()).toBeUndefined();
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    const next = new EmbeddedCommitter(backend, { where: 'm' });
    expect(next.read()?.epoch).toBe(1);
    expect(contents(next, 'top')).toEqual({ slots: { a: 1 } });
    expect([...next.uids()]).toEqual(['top']);
  });

  test('what was written ahead and not committed is seen by nobody, and swept at open', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    committer.write('top', piece('slots', 1, { a: 2 }));
    const next = new EmbeddedCommitter(backend, { where: 'm' });
    expect(contents(next, 'top')).toEqual({ slots: { a: 1 } });
    expect(backend.keys('slab/').length).toBe(4);
    next.cleanAll();
    expect(backend.keys('slab/').length).toBe(2);
    next.write('top', piece('slots', 1, { a: 3 }));
    next.commit(record({ epoch: 2 }));
    expect(contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top')).toEqual({
      slots: { a: 3 },
    });
  });

  test('what a commit has made superfluous and a crash has left is swept at the next open', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    for (let epoch = 1; epoch <= 5; epoch += 1) {
      committer.write('top', piece('slots', 1, { a: epoch }));
      if (epoch === 5) committer.compactAll();
      committer.commit(record({ epoch }));
    }
    expect(backend.keys('slab/').length).toBe(12);
    new EmbeddedCommitter(backend, { where: 'm' }).cleanAll();
    expect(backend.keys('slab/').length).toBe(4);
    const next = new EmbeddedCommitter(backend, { where: 'm' });
    expect(contents(next, 'top')).toEqual({ slots: { a: 5 } });
  });
});

describe('merging', () => {
  test('keeps the runs of a part bounded, and what they say', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    const expected: Record<string, number> = {};
    for (let epoch = 1; epoch <= 60; epoch += 1) {
      const key = `k${epoch % 7}`;
      if (epoch % 5 === 0) {
        committer.write('top', piece('slots', 1, { [key]: undefined }));
        delete expected[key];
      } else {
        committer.write('top', piece('slots', 1, { [key]: epoch }));
        expected[key] = epoch;
      }
      committer.compactAll();
      committer.commit(record({ epoch }));
      committer.clean();
      expect(committer.runs.runsOf({ uid: 'top', kind: 'slots', part: 1 }).length).toBeLessThan(10);
      expect(contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top')).toEqual({
        slots: expected,
      });
    }
  });

  test('old runs stay until the commit that replaces them is done, and while somebody holds them', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    for (let epoch = 1; epoch <= 4; epoch += 1) {
      committer.write('top', piece('slots', 1, { [`k${epoch}`]: epoch }));
      committer.commit(record({ epoch }));
      committer.clean();
    }
    const held = committer.runs.hold();
    committer.write('top', piece('slots', 1, { k5: 5 }));
    committer.compactAll();
    const crashed = contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top');
    expect(Object.keys(crashed['slots'] ?? {}).length).toBe(4);
    committer.commit(record({ epoch: 5 }));
    committer.clean();
    const options = { groups: everything, maxParallelism: 128, parts: held.parts };
    expect([...committer.runs.records('top', 'slots', options)].length).toBe(4);
    held.release();
    committer.clean();
    expect(backend.keys('slab/').length).toBe(4);
    const merged = contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top');
    expect(Object.keys(merged['slots'] ?? {}).length).toBe(5);
  });

  test('tombstones stay while something older lies below, and go with it', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, 1]));
    const epochs = [
      many,
      { k1: undefined },
      { k2: undefined },
      { k3: undefined },
      { k4: 2 },
      { k5: 2 },
    ];
    for (const [epoch, rows] of epochs.entries()) {
      committer.write('top', piece('slots', 1, rows));
      committer.compactAll();
      committer.commit(record({ epoch }));
    }
    const name = { uid: 'top', kind: 'slots', part: 1 } as const;
    expect(committer.runs.runsOf(name).length).toBe(3);
    expect(Object.keys(contents(committer, 'top')['slots'] ?? {}).length).toBe(497);
  });

  test('a part that has lost its last key keeps nothing but what came since', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    const epochs = [{ a: 1 }, { a: 2 }, { a: 3 }, { a: undefined }, { b: 1 }];
    for (const [epoch, rows] of epochs.entries()) {
      committer.write('top', piece('slots', 1, rows));
      committer.compactAll();
      committer.commit(record({ epoch }));
    }
    expect(committer.runs.runsOf({ uid: 'top', kind: 'slots', part: 1 }).length).toBe(1);
    expect(contents(committer, 'top')).toEqual({ slots: { b: 1 } });
  });

  test('a damaged block is found, and the part named', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    const key = backend.keys('slab/').find((name) => name.split('/').length === 4);
    const bytes = backend.get(key as string) as Uint8Array;
    bytes[8] = (bytes[8] ?? 0) ^ 1;
    backend.commit([{ key: key as string, value: bytes }]);
    expect(refusal(() => contents(committer, 'top'))).toMatchObject({
      code: 'STATE_DAMAGED',
      where: 'm, slots of "top", part 1',
    });
  });
});

describe('records', () => {
  test('are given by uid and key group, slots before timers', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    committer.write('top', piece('processing', 2, { ptimetime: 1 }));
    committer.write('top', piece('event', 2, { etimetime: 1 }));
    committer.write('top', piece('slots', 2, { a: 1 }));
    committer.write('top', piece('slots', 3, { b: 1 }));
    committer.write('scope/top', piece('slots', 2, { other: 1 }));
    committer.commit(record({ epoch: 1 }));
    const kinds = [...committer.buckets('top', everything)].map(({ kind }) => kind);
    expect(kinds).toEqual(['slots', 'event', 'processing']);
    expect(contents(committer, 'top', { from: 2, to: 3 })['slots']).toEqual({ a: 1 });
    expect(contents(committer, 'top', { from: 3, to: 4 })).toEqual({ slots: { b: 1 } });
    expect(contents(committer, 'top', { from: 4, to: 4 })).toEqual({});
    expect(contents(committer, 'scope/top')).toEqual({ slots: { other: 1 } });
    expect([...committer.uids()].sort()).toEqual(['scope/top', 'top']);
  });

  test('any split of the key groups gives every record once', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    for (let group = 0; group < 16; group += 1)
      committer.write('top', piece('slots', group, { [`g${group}`]: 1 }));
    committer.commit(record({ epoch: 1 }));
    for (const cuts of [
      [0, 16],
      [0, 5, 16],
      [0, 1, 2, 15, 16],
    ]) {
      const found = cuts
        .slice(1)
        .flatMap((to, at) =>
          Object.keys(contents(committer, 'top', { from: cuts[at] ?? 0, to })['slots'] ?? {}),
        );
      expect(new Set(found).size).toBe(16);
      expect(found.length).toBe(16);
    }
  });

  test('a missing block or run is damage, named by operator and part', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'dir' });
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    backend.discard(backend.keys('slab/1/1/'));
    const error = refusal(() => contents(new EmbeddedCommitter(backend, { where: 'dir' }), 'top'));
    expect(error).toMatchObject({
      code: 'STATE_DAMAGED',
      got: 'no block 0 of run 1/1',
      where: 'dir, slots of "top", part 1',
    });
  });
});

describe('a store that lies', () => {
  test('runs without the record of an epoch are damage', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    backend.discard(['job']);
    expect(refusal(() => new EmbeddedCommitter(backend, { where: 'm' }).read()).code).toBe(
      'STATE_DAMAGED',
    );
  });

  test('runs that nobody refers to are no damage: a first epoch that was never committed', async () => {
    const backend = await open();
    new EmbeddedCommitter(backend, { where: 'm' }).write('top', piece('slots', 1, { a: 1 }));
    expect(new EmbeddedCommitter(backend, { where: 'm' }).read()).toBeUndefined();
  });

  test.each(['refs/slots/1/top', 'runs'])('a changed "%s" is damage', async (key) => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', piece('slots', 1, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    const bytes = backend.get(key) as Uint8Array;
    bytes[2] = (bytes[2] ?? 0) ^ 1;
    backend.commit([{ key, value: bytes }]);
    const error = refusal(() => new EmbeddedCommitter(backend, { where: 'm' }));
    expect(error).toMatchObject({ code: 'STATE_DAMAGED', where: `m, ${key}` });
  });

  test('a record that does not match its checksum is damage', async () => {
    const backend = await open();
    new EmbeddedCommitter(backend, { where: 'm' }).commit(record({ epoch: 1 }));
    const bytes = backend.get('job') as Uint8Array;
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    backend.commit([{ key: 'job', value: bytes }]);
    const error = refusal(() => new EmbeddedCommitter(backend, { where: 'm' }).read());
    expect(error).toMatchObject({ code: 'STATE_DAMAGED', where: 'm, job record' });
  });
});

describe('checkRecord', () => {
  const job = {
    name: 'plays',
    operators: new Map([['top', 'topK']]),
    maxParallelism: undefined,
    where: 'm',
  };

  test('takes what belongs to the job', () => {
    expect(() => checkRecord(record({ epoch: 1 }), job)).not.toThrow();
    expect(() => checkRecord(record({ epoch: 1 }), { ...job, maxParallelism: 128 })).not.toThrow();
  });

  test('takes a pipeline that has gained an operator', () => {
    const operators = new Map([...job.operators, ['new', 'window']] as const);
    expect(() => checkRecord(record({ epoch: 1 }), { ...job, operators })).not.toThrow();
  });

  test('refuses the state of another job', () => {
    const error = refusal(() => checkRecord(record({ epoch: 1 }), { ...job, name: 'songs' }));
    expect(error).toMatchObject({ code: 'STATE_OF_ANOTHER_JOB', got: 'state of "plays"' });
  });

  test('refuses another maxParallelism, with both values', () => {
    const error = refusal(() => checkRecord(record({ epoch: 1 }), { ...job, maxParallelism: 64 }));
    expect(error).toMatchObject({ code: 'MAX_PARALLELISM_CHANGED', got: '64' });
    expect(error.expected).toContain('128');
  });

  test('refuses a pipeline whose operator is gone, or of another kind', () => {
    const gone = refusal(() => checkRecord(record({ epoch: 1 }), { ...job, operators: new Map() }));
    expect(gone).toMatchObject({ code: 'STATE_INCOMPATIBLE', got: 'a pipeline without it' });
    const changed = refusal(() =>
      checkRecord(record({ epoch: 1 }), { ...job, operators: new Map([['top', 'window']]) }),
    );
    expect(changed).toMatchObject({ code: 'STATE_INCOMPATIBLE', got: 'one of kind window' });
  });
});

function open(): Promise<StateBackend> {
  return memory().open();
}

function record(fields: Partial<JobRecord>): JobRecord {
  return {
    job: 'plays',
    epoch: 0,
    maxParallelism: 128,
    isFinished: false,
    splits: [],
    marks: new Map(),
    sinks: new Map(),
    operators: new Map([['top', 'topK']]),
    counters: new Map(),
    records: 0,
    ...fields,
  };
}

/** A run of one part, in one block. */
function piece(
  kind: SlabKind,
  part: number,
  rows: Readonly<Record<string, number | undefined>>,
): FrozenPiece {
  const writer = new RunWriter(kind === 'slots');
  let net = 0;
  for (const key of Object.keys(rows).sort()) {
    const value = rows[key];
    const payload = writer.begin(partStart(part));
    payload.bytes(new TextEncoder().encode(key));
    net += value === undefined ? -1 : 1;
    if (value !== undefined) {
      writer.endKey();
      payload.u8(value);
    }
    writer.end();
  }
  return { kind, part, ...writer.finish(net) };
}

/** What the buckets of a uid say, by kind. */
function contents(
  committer: EmbeddedCommitter,
  uid: string,
  groups = everything,
): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {};
  for (const { kind, slabs } of committer.buckets(uid, groups)) {
    const rows = (found[kind] ??= {});
    for (const bytes of slabs)
      forEachRecord(bytes, 'x', (key, value) => {
        const name = new TextDecoder().decode(key.take());
        rows[name] = kind === 'slots' ? (value?.u8() ?? NaN) : 1;
      });
  }
  return found;
}

function refusal(act: () => unknown): TidemarkError {
  try {
    act();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
