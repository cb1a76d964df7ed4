import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { iterable, map, nodeRuntime, pipeline, run, stdout, unchecked } from '../index.js';
import type { SinkWriter } from '../core/connector.js';

const same = pipeline('same', unchecked<unknown>(), (n$) => n$.pipe(map((n) => n)));
const instance = { job: 'job', uid: 'stdout', instance: 0, guarantee: 'at-least-once' } as const;

/** A stream that takes text, and asks before it takes more. */
function streamInto(text: string[], take: () => Promise<void> = () => Promise.resolve()): Writable {
  return new Writable({
    highWaterMark: 1,
    construct: (done) => done(),
    async write(chunk, _encoding, done) {
      text.push(String(chunk));
      const refusal = await take().catch((error: Error) => error);
      done(refusal instanceof Error ? refusal : null);
    },
  });
}

const open = (sink: ReturnType<typeof stdout>): Promise<SinkWriter> =>
  sink.open(instance, nodeRuntime());

describe('stdout', () => {
  test.each([
    ['jsonl', {}, '{"n":1}\n"x\\ny"\n'],
    ['text', { format: 'text' as const }, '{"n":1}\nx\ny\n'],
    ['an encode', { encode: (_: unknown, time: number) => String(time) }, '5\n6\n'],
  ])('writes a line per value: %s', async (_, options, expected) => {
    const text: string[] = [];
    const writer = await open(stdout({ stream: streamInto(text), ...options }));
    await writer.write([{ n: 1 }, 'x\ny'], [5, 6]);
    expect(text.join('')).toBe(expected);
  });

  test('a write settles when the stream has taken it: the pressure of a pipe', async () => {
    const text: string[] = [];
    let release: () => void = () => undefined;
    const stream = streamInto(text, () => new Promise((resolve) => (release = resolve)));
    const writer = await open(stdout({ stream }));
    let isWritten = false;
    const writing = Promise.resolve(writer.write([1], [NaN])).then(() => (isWritten = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([text, isWritten]).toEqual([['1\n'], false]);
    release();
    await writing;
    expect(isWritten).toBe(true);
  });

  test('a stream that breaks ends the job with SINK_CLOSED, and never the process', async () => {
    const stream = streamInto([], () =>
      Promise.reject(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
    );
    const job = run(same, {
      from: iterable([1, 2]),
      to: stdout({ stream, allowDuplicates: true }),
      parallelism: 16,
    });
    await expect(job.done).rejects.toMatchObject({ code: 'SINK_CLOSED', retryable: false });
    expect(stream.listenerCount('error')).toBe(1);
  });

  test('leaves no listener behind on a sound stream, whatever the number of writers', async () => {
    const stream = streamInto([]);
    const sink = stdout({ stream });
    const writers = await Promise.all(Array.from({ length: 20 }, () => open(sink)));
    expect(stream.listenerCount('error')).toBe(1);
    for (const writer of [...writers, ...writers]) await writer.close();
    expect(stream.listenerCount('error')).toBe(0);
  });

  test('values that are no line are refused', async () => {
    const writer = await open(stdout({ stream: streamInto([]) }));
    expect(() => writer.write([undefined], [NaN])).toThrow(/SINK_FAILED.*gave undefined/);
    expect(() => writer.write([1n], [NaN])).toThrow(/SINK_FAILED.*BigInt/);
  });

  test('is at least once: refused in an exactly-once job that does not allow repeats', () => {
    const to = stdout({ stream: streamInto([]) });
    expect(() => run(same, { from: iterable([1]), to })).toThrow(/SINK_TOO_WEAK.*"stdout"/);
    expect(() => stdout({ stream: {} as Writable })).toThrow(/OPTIONS_INVALID.*a writable stream/);
    expect(() => stdout({ uid: 'a/b' })).toThrow(/UID_INVALID/);
  });
});

test('a real pipe whose reader goes away ends the job with a coded error', async () => {
  const index = fileURLToPath(new URL('../index.ts', import.meta.url));
  const script = `
    import { iterable, map, pipeline, run, stdout, unchecked } from ${JSON.stringify(index)};
    function* many() { for (let n = 0; n < 1e7; n += 1) yield 'line ' + n; }
    const same = pipeline('same', unchecked(), (n$) => n$.pipe(map((n) => n)));
    run(same, { from: iterable(many), to: stdout({ allowDuplicates: true }) }).done.then(
      () => { process.exitCode = 3; },
      (error) => { console.error(error.code); process.exitCode = 7; },
    );`;
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['lmdb', 'csv-parse'],
    write: false,
    logLevel: 'silent',
  });
  const child = spawn(process.execPath, ['-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(outputFiles[0]?.text);
  let complaint = '';
  child.stderr.on('data', (part) => (complaint += String(part)));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [status] = (await once(child, 'close')) as [number];
  expect([complaint.trim(), status]).toEqual(['SINK_CLOSED', 7]);
}, 30_000);
