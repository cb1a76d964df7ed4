import { describe, expect, test } from 'vitest';
import type { Random } from '../core/clock.js';
import { TidemarkError } from '../core/errors.js';
import { stateBackendSuite } from './backend-suite.js';
import { simulatedDisk } from './simulated-disk.js';

stateBackendSuite('simulatedDisk', () => simulatedDisk(), { describe, test, expect });

const losesAll: Random = () => 0.9;
const keepsAll: Random = () => 0.1;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('a crash of simulatedDisk', () => {
  test('leaves what was committed', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.commit([
      { key: 'a', value: bytes(1) },
      { key: 'b', value: bytes(2) },
    ]);
    backend.commit([{ key: 'a', value: undefined }]);
    disk.crash(losesAll);
    const reopened = await disk.open();
    expect(reopened.keys('')).toEqual(['b']);
    expect(reopened.get('b')).toEqual(bytes(2));
  });

  test('leaves what was flushed', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.writeAhead('slab', bytes(1));
    await backend.flushed();
    disk.crash(losesAll);
    expect((await disk.open()).get('slab')).toEqual(bytes(1));
  });

  test('loses and keeps each value written ahead on its own', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    for (const key of ['a', 'b', 'c']) backend.writeAhead(key, bytes(1));
    const chances = [0.1, 0.9, 0.4];
    disk.crash(() => chances.shift() ?? 1);
    expect((await disk.open()).keys('')).toEqual(['a', 'c']);
  });

  test('falling between the call of flushed and its answer may lose the values', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.writeAhead('slab', bytes(1));
    const flush = backend.flushed();
    disk.crash(losesAll);
    await expect(flush).rejects.toThrow('before the crash');
    expect((await disk.open()).keys('')).toEqual([]);
  });

  test('may bring back discarded keys until the next flush', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.commit([
      { key: 'a', value: bytes(1) },
      { key: 'b', value: bytes(2) },
    ]);
    backend.discard(['a']);
    await backend.flushed();
    backend.discard(['b']);
    expect(backend.keys('')).toEqual([]);
    disk.crash(keepsAll);
    expect((await disk.open()).keys('')).toEqual(['b']);
  });

  test('makes the open backend throw on every use but close', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    disk.crash(losesAll);
    const uses = [
      () => backend.writeAhead('a', bytes(1)),
      () => backend.commit([]),
      () => backend.get('a'),
      () => backend.keys(''),
      () => backend.discard(['a']),
    ];
    for (const use of uses) expect(use).toThrow(TidemarkError);
    await expect(backend.flushed()).rejects.toThrow('STATE_WRITE_FAILED');
    await backend.close();
  });

  test('in the middle of a close is no error, and frees the disk', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.writeAhead('slab', bytes(1));
    const closing = backend.close();
    disk.crash(losesAll);
    await closing;
    expect((await disk.open()).keys('')).toEqual([]);
  });

  test('frees the disk, and closing the dead backend does not free it again', async () => {
    const disk = simulatedDisk();
    const dead = await disk.open();
    disk.crash(losesAll);
    await disk.open();
    await dead.close();
    await expect(disk.open()).rejects.toThrow('STATE_IN_USE');
  });
});

describe('simulatedDisk', () => {
  test('a second open is refused until the first is closed', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    await expect(disk.open()).rejects.toThrow('STATE_IN_USE');
    await backend.close();
    await backend.close();
    await disk.open();
  });

  test('closing finishes what was written ahead', async () => {
    const disk = simulatedDisk();
    const backend = await disk.open();
    backend.writeAhead('slab', bytes(1));
    await backend.close();
    disk.crash(losesAll);
    expect((await disk.open()).keys('')).toEqual(['slab']);
  });

  test('a value written ahead cannot be read before it is flushed', async () => {
    const backend = await simulatedDisk().open();
    backend.writeAhead('slab', bytes(1));
    expect(backend.get('slab')).toBeUndefined();
    await backend.flushed();
    expect(backend.get('slab')).toEqual(bytes(1));
  });

  test('bytes are copied on the way in and on the way out, those of a Node buffer too', async () => {
    const backend = await simulatedDisk().open();
    const value = Buffer.from([1]);
    backend.commit([{ key: 'a', value }]);
    value[0] = 9;
    backend.get('a')?.fill(7);
    expect(backend.get('a')).toEqual(bytes(1));
  });
});
