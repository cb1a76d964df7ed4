/** `ingest`: what was acknowledged is delivered once to an exactly-once job, and the log stays bounded. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  collect,
  eventTime,
  keyBy,
  map,
  nodeRuntime,
  pipeline,
  process,
  restarts,
  run,
  unchecked,
} from '../index.js';
import { lmdb } from '../state/lmdb-backend.js';
import { simulatedDisk } from '../testing/simulated-disk.js';
import { ingest } from './ingest.js';

const scratch = fs.mkdtempSync(join(tmpdir(), 'tidemark-ingest-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));
let directories = 0;
const newDirectory = (): string => join(scratch, `log-${(directories += 1)}`);

const copied = pipeline('copied', unchecked<number>(), (n$) => n$.pipe(map((n) => n)));
const runtime = nodeRuntime();

describe('a push', () => {
  test('resolves when the value is on disk, and a job gets it', async () => {
    const directory = newDirectory();
    const first = ingest(unchecked<number>(), { directory });
    await Promise.all([first.push(1), first.push(2)]);
    await first.close();
    const again = ingest(unchecked<number>(), { directory });
    await again.push(3);
    await again.end();
    const out = collect<number>({ uid: 'out' });
    await run(copied, { from: again, to: out }).done;
    expect(out.values).toEqual([1, 2, 3]);
    await again.close();
  });

  test('of a value that the schema refuses rejects and touches nothing', async () => {
    const log = ingest(z.object({ n: z.number() }), { directory: simulatedDisk() });
    const bad = { n: 'one' } as unknown as { n: number };
    await expect(log.push(bad)).rejects.toMatchObject({ code: 'RECORD_INVALID' });
    await log.push({ n: 1 });
    expect(log.status()).toMatchObject({ last: 1, pending: 0 });
  });

  test('of a value that cannot be encoded rejects and leaves its neighbours', async () => {
    const log = ingest(unchecked<unknown>(), { directory: simulatedDisk() });
    const pushed = [log.push('a'), log.push({ deep: [() => 1] }), log.push('b')];
    const results = await Promise.allSettled(pushed);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(pushed[1]).rejects.toMatchObject({ code: 'VALUE_NOT_ENCODABLE' });
    await log.end();
    const reader = await log.open('0', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual(['a', 'b']);
    expect(await reader.read()).toBeUndefined();
  });

  test('logs what the schema gives, as it was when it was pushed', async () => {
    const schema = z.object({ n: z.number().default(7) });
    const log = ingest(schema, { directory: simulatedDisk() });
    const value = { n: 1, junk: true };
    const pushed = [log.push(value), log.push({})];
    value.n = 2;
    await Promise.all(pushed);
    const reader = await log.open('0', undefined, runtime);
    expect((await reader.read())?.chunk.values).toEqual([{ n: 1 }, { n: 7 }]);
  });
});

describe('a job', () => {
  test('that waits for a push stops at once, and goes on from its position', async () => {
    const state = simulatedDisk();
    const log = ingest(unchecked<number>(), { directory: simulatedDisk() });
    const out = collect<number>({ uid: 'out' });
    for (const value of [1, 2, 3]) {
      const job = run(copied, { from: log, to: out, state });
      await log.push(value);
      await firstValueFrom(job.status$.pipe(filter(({ records }) => records === value)));
      await job.stop();
      expect((await job.done).phase).toBe('stopped');
    }
    expect(out.values).toEqual([1, 2, 3]);
    while (log.status().trimmed < 3) await runtime.clock.turn();
    expect(log.status()).toMatchObject({ last: 3, bytes: 0 });
    await log.close();
  });

  test('that fails and is started again within its run reads on from its last commit', async () => {
    const log = ingest(unchecked<number>(), { directory: newDirectory() });
    let failures = 1;
    const fragile = pipeline('fragile', unchecked<number>(), (n$) =>
      n$.pipe(
        keyBy(() => 0),
        process({
          uid: 'fragile',
          element(n: number) {
            if (n === 30 && failures-- > 0) throw new Error('not yet');
            return [n];
          },
        }),
      ),
    );
    const out = collect<number>({ uid: 'out' });
    const job = run(fragile, {
      ...{ from: log, to: out, state: lmdb(newDirectory()), checkpoint: { records: 10 } },
      restart: restarts.fixedDelay({ attempts: 3, delay: 0 }),
    });
    const values = Array.from({ length: 50 }, (_, n) => n);
    for (const value of values) await log.push(value);
    await log.end();
    await job.done;
    expect(out.values).toEqual(values);
    expect(failures).toBeLessThan(1);
    await log.close();
  });

  test('trims the log behind its epochs, so that it stays bounded over many of them', async () => {
    const log = ingest(unchecked<string>(), { directory: newDirectory(), maxBytes: 20_000 });
    const texts = pipeline('texts', unchecked<string>(), (t$) => t$.pipe(map((t) => t.length)));
    const out = collect<number>({ uid: 'out' });
    const job = run(texts, { from: log, to: out, checkpoint: { records: 50 } });
    let bytesMax = 0;
    for (let turn = 0; turn < 100; turn += 1) {
      await Promise.all(Array.from({ length: 20 }, () => log.push('x'.repeat(200))));
      bytesMax = Math.max(bytesMax, log.status().bytes);
    }
    await log.end();
    const { epoch } = await job.done;
    expect(out.values).toHaveLength(2000);
    expect([epoch > 20, bytesMax <= 20_000, bytesMax > 2000]).toEqual([true, true, true]);
    await log.close();
    const backend = await lmdb(directoryOfLast()).open();
    expect(backend.keys('').filter((key) => key.startsWith('trim/')).length).toBeLessThan(2);
    expect(backend.keys('log/').length).toBeLessThan(100);
    await backend.close();
  });

  test('judges maxFuture by the time when a value was logged', async () => {
    const log = ingest(unchecked<number>(), { directory: simulatedDisk() });
    const timed = pipeline('timed', unchecked<number>(), (at$) =>
      at$.pipe(
        eventTime({ timestamp: (at) => at, maxFuture: '1h' }),
        map((at) => at),
      ),
    );
    const now = runtime.clock.now();
    for (const at of [now, now + 7_200_000]) await log.push(at);
    await log.end();
    const out = collect<number>({ uid: 'out' });
    const { deadSamples } = await run(timed, {
      ...{ from: log, to: out, deadLettersMax: { share: 1 } },
    }).done;
    expect(out.values).toEqual([now]);
    expect(deadSamples.map(({ position }) => position)).toEqual(['ingest sequence 2']);
    expect(deadSamples[0]?.reason).toMatch(/TIMESTAMP_IN_FUTURE/);
  });
});

describe('reading', () => {
  test('from any cursor gives exactly the rest, in chunks, with positions and append times', async () => {
    const log = ingest(unchecked<number>(), { directory: simulatedDisk(), name: 'plays' });
    const before = runtime.clock.now();
    await Promise.all(Array.from({ length: 3000 }, (_, n) => log.push(n)));
    await log.end();
    const sizes: number[] = [];
    const reader = await log.open('0', undefined, runtime);
    for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
      const { values, positions, timestamps, origin } = next.chunk;
      sizes.push(values.length);
      expect(origin).toEqual({ name: 'plays', unit: 'sequence' });
      expect(positions).toEqual(values.map((value) => Number(value) + 1));
      expect(timestamps.every((at) => at >= before && at <= runtime.clock.now())).toBe(true);
      expect((next.cursor as { sequence: number }).sequence).toBe(positions.at(-1));
    }
    expect(sizes).toEqual([1024, 1024, 952]);
    await reader.close();
    const last = { log: (await cursorOf(log)).log, sequence: 2500 };
    const again = await log.open('0', last, runtime);
    expect((await again.read())?.chunk.values[0]).toBe(2500);
  });

  test('is refused where the cursor does not fit the log', async () => {
    const log = ingest(unchecked<number>(), { directory: simulatedDisk() });
    // Two groups, so that the first can be trimmed alone.
    await log.push(1);
    await log.push(2);
    const { log: id } = await cursorOf(log);
    const opening = (cursor: unknown, split = '0') => log.open(split, cursor, runtime);
    await expect(opening(17)).rejects.toThrow(
      /SOURCE_CHANGED: expected a position in an ingest log, got 17/,
    );
    await expect(opening({ log: 'other', sequence: 1 })).rejects.toThrow(
      /SOURCE_CHANGED: expected the log other/,
    );
    await expect(opening({ log: id, sequence: 3 })).rejects.toThrow(
      /SOURCE_CHANGED: expected values up to 3/,
    );
    await expect(opening(undefined, '1')).rejects.toThrow(
      /SOURCE_CHANGED: expected the only split/,
    );
    const reader = await log.open('0', { log: id, sequence: 1 }, runtime);
    await expect(opening(undefined)).rejects.toMatchObject({ code: 'STATE_IN_USE' });
    while (log.status().trimmed < 1) await runtime.clock.turn();
    await reader.close();
    await expect(opening({ log: id, sequence: 0 })).rejects.toThrow(
      /SOURCE_CHANGED: expected values from 1 on/,
    );
    // Without a position it begins with what is left.
    const rest = await log.open('0', undefined, runtime);
    expect((await rest.read())?.chunk.values).toEqual([2]);
  });
});

describe('a log', () => {
  test('that is full rejects or lets wait, until a job makes room', async () => {
    const full = { maxBytes: 500, whenFull: 'reject' } as const;
    const log = ingest(unchecked<string>(), { directory: simulatedDisk(), ...full });
    await log.push('x'.repeat(300));
    await expect(log.push('y'.repeat(300))).rejects.toMatchObject({ code: 'INGEST_FULL' });
    const waiting = ingest(unchecked<string>(), { directory: simulatedDisk(), maxBytes: 500 });
    await waiting.push('x'.repeat(300));
    const second = waiting.push('y'.repeat(300));
    await runtime.clock.turn();
    expect(waiting.status()).toMatchObject({ waiting: 1, last: 1 });
    const reader = await waiting.open('0', undefined, runtime);
    reader.committed?.((await reader.read())?.cursor);
    await second;
    expect((await reader.read())?.chunk.values).toEqual(['y'.repeat(300)]);
  });

  test('that is closed finishes the group under way, and rejects what waits and what comes', async () => {
    const log = ingest(unchecked<string>(), { directory: simulatedDisk(), maxBytes: 500 });
    await log.push('first');
    const pushes = ['second', 'x'.repeat(300)].map((value) => log.push(value));
    const reader = await log.open('0', undefined, runtime);
    await reader.read();
    const results = Promise.allSettled([...pushes, reader.read()]);
    const closing = [log.close(), log.close()];
    expect((await results).map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'rejected'],
    ]);
    await Promise.all(closing);
    await expect(pushes[1]).rejects.toMatchObject({ code: 'INGEST_CLOSED' });
    await expect(log.push('late')).rejects.toMatchObject({ code: 'INGEST_CLOSED' });
    await expect(log.end()).rejects.toMatchObject({ code: 'INGEST_CLOSED' });
  });

  test('that has ended stays ended, and takes what was pushed before it was known', async () => {
    const directory = simulatedDisk();
    const log = ingest(unchecked<number>(), { directory });
    void log.push(1);
    await Promise.all([log.end(), log.end()]);
    await log.close();
    const again = ingest(unchecked<number>(), { directory });
    await expect(again.push(2)).rejects.toMatchObject({ code: 'INGEST_CLOSED' });
    await again.end();
    expect(again.status()).toMatchObject({ last: 1 });
    await again.close();
  });

  test('whose disk fails tells everybody, and goes on when it takes values again', async () => {
    const disk = simulatedDisk();
    const log = ingest(unchecked<number>(), { directory: disk });
    await log.push(1);
    const reader = await log.open('0', undefined, runtime);
    await reader.read();
    const reading = reader.read();
    disk.crash(() => 0.9);
    const results = await Promise.allSettled([log.push(2), reading, log.end()]);
    const codes = results.map((result) => (result as { reason?: { code: string } }).reason?.code);
    expect(codes).toEqual(['STATE_WRITE_FAILED', 'STATE_WRITE_FAILED', 'STATE_WRITE_FAILED']);
    await reader.close();
    await log.push(3);
    await Promise.all([log.push(4), log.end()]);
    const again = await log.open('0', undefined, runtime);
    expect((await again.read())?.chunk.values).toEqual([1, 3, 4]);
    expect(await again.read()).toBeUndefined();
    await log.close();
  });

  test('in a directory that is held, is no log, or is damaged, is refused by name', async () => {
    const directory = newDirectory();
    const log = ingest(unchecked<string>(), { directory, name: 'plays' });
    await log.push('in the log');
    const other = ingest(unchecked<string>(), { directory });
    await expect(other.push('x')).rejects.toMatchObject({ code: 'STATE_IN_USE' });
    await log.close();
    const data = join(directory, 'data.mdb');
    const bytes = fs.readFileSync(data);
    for (let at = bytes.indexOf('in the log'); at >= 0; at = bytes.indexOf('in the log', at + 1))
      bytes[at + 3] = (bytes[at + 3] ?? 0) ^ 4;
    fs.writeFileSync(data, bytes);
    const damaged = ingest(unchecked<string>(), { directory, name: 'plays' });
    await expect(damaged.push('x')).rejects.toThrow(/STATE_DAMAGED.*at ingest "plays", .*log\/0/);
    const strange = simulatedDisk();
    const backend = await strange.open();
    backend.commit([{ key: 'job', value: Uint8Array.of(1) }]);
    await backend.close();
    const refused = ingest(unchecked<string>(), { directory: strange });
    await expect(refused.push('x')).rejects.toThrow(
      /STATE_DAMAGED: expected the directory of a log/,
    );
  });
});

test('wrong options are refused at once, all of them', () => {
  const options = { directory: '', maxPending: 0, whenFull: 'drop', maxByte: 1 };
  expect(() => ingest(unchecked(), options as never)).toThrow(
    /OPTIONS_INVALID.*directory.*maxPending.*whenFull.*maxByte/s,
  );
});

const directoryOfLast = (): string => join(scratch, `log-${directories}`);

async function cursorOf(log: ReturnType<typeof ingest>): Promise<{ log: string }> {
  const reader = await log.open('0', undefined, runtime);
  const chunk = await reader.read();
  await reader.close();
  return chunk?.cursor as { log: string };
}
