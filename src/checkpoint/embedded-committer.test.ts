import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import type { StateBackend } from '../state/backend.js';
import { memory } from '../state/memory-backend.js';
import { forEachRecord, SlabWriter } from '../state/slab.js';
import { checkRecord, EmbeddedCommitter } from './embedded-committer.js';
import type { JobRecord } from './job-record.js';
import type { FrozenSlab, SlabKind } from './store-slabs.js';

const everything = { from: 0, to: 128 };

describe('a commit', () => {
  test('is seen by the next one to open the store', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    expect(committer.read()).toBeUndefined();
    committer.write('top', slab('slots', 8, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    const next = new EmbeddedCommitter(backend, { where: 'm' });
    expect(next.read()?.epoch).toBe(1);
    expect(contents(next, 'top')).toEqual({ 'slots 8': { a: 1 } });
    expect([...next.uids()]).toEqual(['top']);
  });

  test('what was written ahead and not committed is seen by nobody, and swept at open', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', slab('slots', 8, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    committer.write('top', slab('slots', 8, { a: 2 }));
    const next = new EmbeddedCommitter(backend, { where: 'm' });
    expect(contents(next, 'top')).toEqual({ 'slots 8': { a: 1 } });
    expect(backend.keys('slab/').length).toBe(2);
    next.cleanAll();
    expect(backend.keys('slab/').length).toBe(1);
    next.write('top', slab('slots', 8, { a: 3 }));
    next.commit(record({ epoch: 2 }));
    expect(contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top')).toEqual({
      'slots 8': { a: 3 },
    });
  });

  test('slab numbers are never taken twice, also behind unreferenced ones', async () => {
    const backend = await open();
    for (let life = 0; life < 4; life += 1) {
      const committer = new EmbeddedCommitter(backend, { where: 'm' });
      const before = new Set(backend.keys('slab/'));
      committer.write('top', slab('slots', 8, { a: life }));
      const after = backend.keys('slab/').filter((key) => !before.has(key));
      expect(after.length).toBe(1);
    }
  });
});

describe('merging', () => {
  test('keeps the slabs of a bucket bounded, and what they say', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    const expected: Record<string, number> = {};
    for (let epoch = 1; epoch <= 60; epoch += 1) {
      const key = `k${epoch % 7}`;
      if (epoch % 5 === 0) {
        committer.write('top', slab('slots', 8, { [key]: undefined }));
        delete expected[key];
      } else {
        committer.write('top', slab('slots', 8, { [key]: epoch }));
        expected[key] = epoch;
      }
      committer.commit(record({ epoch }));
      committer.clean();
      expect(backend.keys('slab/').length).toBeLessThanOrEqual(9);
      expect(contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top')).toEqual({
        'slots 8': expected,
      });
    }
  });

  test('old slabs stay until the commit that replaces them is done', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    for (let epoch = 1; epoch <= 8; epoch += 1) {
      committer.write('top', slab('slots', 8, { [`k${epoch}`]: epoch }));
      committer.commit(record({ epoch }));
      committer.clean();
    }
    committer.write('top', slab('slots', 8, { k9: 9 }));
    const crashed = contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top');
    expect(Object.keys(crashed['slots 8'] ?? {}).length).toBe(8);
    committer.commit(record({ epoch: 9 }));
    expect(backend.keys('slab/').length).toBe(9);
    committer.clean();
    expect(backend.keys('slab/').length).toBe(1);
    const merged = contents(new EmbeddedCommitter(backend, { where: 'm' }), 'top');
    expect(Object.keys(merged['slots 8'] ?? {}).length).toBe(9);
  });

  test('a damaged older slab is found, and the bucket named', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    for (let epoch = 1; epoch <= 8; epoch += 1) {
      committer.write('top', slab('slots', 8, { a: epoch }));
      committer.commit(record({ epoch }));
    }
    const [key] = backend.keys('slab/');
    const bytes = backend.get(key as string) as Uint8Array;
    bytes[8] = (bytes[8] ?? 0) ^ 1;
    backend.commit([{ key: key as string, value: bytes }]);
    expect(refusal(() => committer.write('top', slab('slots', 8, { a: 9 }))).code).toBe(
      'STATE_DAMAGED',
    );
  });
});

describe('buckets', () => {
  test('are given by uid and key group, slots before timers', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    committer.write('top', slab('processing', 16, { p: 1 }));
    committer.write('top', slab('event', 16, { e: 1 }));
    committer.write('top', slab('slots', 17, { a: 1 }));
    committer.write('top', slab('slots', 24, { b: 1 }));
    committer.write('scope/top', slab('slots', 16, { other: 1 }));
    committer.commit(record({ epoch: 1 }));
    const kinds = [...committer.buckets('top', everything)].map(({ kind }) => kind);
    expect(kinds).toEqual(['slots', 'slots', 'event', 'processing']);
    expect(contents(committer, 'top', { from: 2, to: 3 })).toEqual({
      'slots 17': { a: 1 },
      'event 16': { e: 1 },
      'processing 16': { p: 1 },
    });
    expect(contents(committer, 'top', { from: 3, to: 4 })).toEqual({ 'slots 24': { b: 1 } });
    expect(contents(committer, 'top', { from: 4, to: 4 })).toEqual({});
    expect(contents(committer, 'scope/top')).toEqual({ 'slots 16': { other: 1 } });
    expect([...committer.uids()].sort()).toEqual(['scope/top', 'top']);
  });

  test('any split of the key groups gives every bucket once', async () => {
    const committer = new EmbeddedCommitter(await open(), { where: 'm' });
    for (let group = 0; group < 16; group += 1)
      committer.write('top', slab('slots', (group << 3) | (group % 8), { [`g${group}`]: 1 }));
    committer.commit(record({ epoch: 1 }));
    for (const cuts of [
      [0, 16],
      [0, 5, 16],
      [0, 1, 2, 15, 16],
    ]) {
      const found = cuts
        .slice(1)
        .flatMap((to, at) => Object.keys(contents(committer, 'top', { from: cuts[at] ?? 0, to })));
      expect(new Set(found).size).toBe(16);
      expect(found.length).toBe(16);
    }
  });

  test('a missing slab is damage, named by operator and bucket', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'dir' });
    committer.write('top', slab('slots', 8, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    backend.discard(backend.keys('slab/'));
    const error = refusal(() => contents(new EmbeddedCommitter(backend, { where: 'dir' }), 'top'));
    expect(error).toMatchObject({
      code: 'STATE_DAMAGED',
      got: 'no slab 1',
      where: 'dir, slots of "top", bucket 8',
    });
  });
});

describe('a store that lies', () => {
  test('slabs without the record of an epoch are damage', async () => {
    const backend = await open();
    const committer = new EmbeddedCommitter(backend, { where: 'm' });
    committer.write('top', slab('slots', 8, { a: 1 }));
    committer.commit(record({ epoch: 1 }));
    backend.discard(['job']);
    expect(refusal(() => new EmbeddedCommitter(backend, { where: 'm' }).read()).code).toBe(
      'STATE_DAMAGED',
    );
  });

  test('slabs that nobody refers to are no damage: a first epoch that was never committed', async () => {
    const backend = await open();
    new EmbeddedCommitter(backend, { where: 'm' }).write('top', slab('slots', 8, { a: 1 }));
    expect(new EmbeddedCommitter(backend, { where: 'm' }).read()).toBeUndefined();
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

function slab(
  kind: SlabKind,
  bucket: number,
  rows: Readonly<Record<string, number | undefined>>,
): FrozenSlab {
  const writer = new SlabWriter();
  for (const [key, value] of Object.entries(rows))
    writer.append(
      new TextEncoder().encode(key),
      value === undefined ? undefined : Uint8Array.of(value),
    );
  return { kind, bucket, bytes: writer.finish() };
}

/** What the buckets of a uid say, the last record of each key. */
function contents(
  committer: EmbeddedCommitter,
  uid: string,
  groups = everything,
): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {};
  for (const { kind, slabs, where } of committer.buckets(uid, groups)) {
    const rows: Record<string, number> = (found[`${kind} ${where.split(' ').at(-1)}`] = {});
    for (const bytes of slabs)
      forEachRecord(bytes, 'x', (key, value) => {
        const name = new TextDecoder().decode(key.take());
        if (value === undefined) delete rows[name];
        else rows[name] = value.u8();
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
