import { EMPTY, NEVER, Subject, concat, from, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nodeRuntime } from './node-runtime.js';
import { simulatedDisk } from '../testing/simulated-disk.js';
import { ingest, type IngestOptions } from './ingest.js';

const logOf = (more: Partial<IngestOptions> = {}) =>
  ingest(z.number(), { directory: simulatedDisk(), ...more });

async function logged(log: ReturnType<typeof logOf>): Promise<unknown[]> {
  const reader = await log.open('0', undefined, nodeRuntime());
  const last = log.status().last;
  const values: unknown[] = [];
  while (values.length < last) values.push(...((await reader.read())?.chunk.values ?? []));
  await reader.close();
  return values;
}

describe('from', () => {
  test('logs what is emitted, and ends the log with the Observable', async () => {
    const log = logOf();
    expect(await log.from(from([1, 2, 3])).done).toBe(3);
    expect(await logged(log)).toEqual([1, 2, 3]);
    await expect(log.push(4)).rejects.toMatchObject({ code: 'INGEST_CLOSED' });
  });

  test('leaves the log open where it is told to, so that several feed it', async () => {
    const log = logOf();
    await Promise.all([log.from(of(1), { end: false }).done, log.from(EMPTY, { end: false }).done]);
    await log.push(2);
    expect(await logged(log)).toEqual([1, 2]);
  });

  test('fails with the Observable: what came before is logged, and the log goes on', async () => {
    const log = logOf();
    const cause = new Error('line is dead');
    const { done } = log.from(
      concat(
        of(1, 2),
        throwError(() => cause),
      ),
    );
    await expect(done).rejects.toMatchObject({ code: 'SOURCE_FAILED', cause });
    await log.push(3);
    expect(await logged(log)).toEqual([1, 2, 3]);
  });

  test('ends with the first invalid value, or hands it over', async () => {
    const values = of(1, 'two' as unknown as number, 3);
    await expect(logOf().from(values).done).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    const log = logOf();
    const refused: unknown[] = [];
    const invalid = (error: { code: string }, value: unknown) => refused.push(error.code, value);
    expect(await log.from(values, { invalid }).done).toBe(2);
    expect([refused, await logged(log)]).toEqual([
      ['RECORD_INVALID', 'two'],
      [1, 3],
    ]);
  });

  test('ends when the Observable is faster than the log, and unsubscribes', async () => {
    const log = logOf({ maxPending: 1, maxWaiting: 1 });
    await log.push(0);
    const subject = new Subject<number>();
    const { done } = log.from(subject);
    for (const value of [1, 2, 3, 4]) subject.next(value);
    await expect(done).rejects.toMatchObject({ code: 'INGEST_FULL' });
    expect(subject.observed).toBe(false);
    expect(await logged(log)).toEqual([0, 1, 2]);
  });

  test('can be stopped: it unsubscribes, and the log goes on', async () => {
    const log = logOf();
    const feeding = log.from(concat(of(1), NEVER));
    expect(await feeding.stop()).toBe(1);
    await log.push(2);
    expect(await logged(log)).toEqual([1, 2]);
  });
});
