import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { DiskRoom } from './lmdb-room.js';

vi.mock('node:fs', { spy: true });
afterEach(() => vi.restoreAllMocks());

function free(bytes: number, blocks = 1e6): void {
  const facts = { bavail: bytes / 512, bsize: 512, blocks };
  vi.mocked(fs.statfsSync).mockReturnValue(facts as fs.StatsFs);
}

test('what fits is granted, with one look at the disk for many small values', () => {
  const room = new DiskRoom(tmpdir());
  free(1e9);
  for (let value = 0; value < 1000; value += 1) room.take(1000);
  expect(vi.mocked(fs.statfsSync).mock.calls.length).toBe(1);
});

test('what does not fit is refused before it is written, and is taken once there is room', () => {
  const room = new DiskRoom(tmpdir());
  free(1_000_000);
  expect(() => room.take(200_000)).toThrowError(
    expect.objectContaining({ code: 'STATE_WRITE_FAILED', got: '1000000 free bytes' }),
  );
  free(10_000_000);
  room.take(200_000);
});

test('the disk is looked at again before the room that it had is used up', () => {
  const room = new DiskRoom(tmpdir());
  free(4_000_000);
  const taken = (): number => {
    let bytes = 0;
    try {
      for (; bytes < 8_000_000; bytes += 10_000) {
        room.take(10_000);
        free(4_000_000 - bytes);
      }
    } catch {
      return bytes;
    }
    return Infinity;
  };
  expect(taken()).toBeLessThan(3_500_000);
});

test('a file system that tells nothing is taken at its word', () => {
  free(0, 0);
  new DiskRoom(tmpdir()).take(1e9);
});
