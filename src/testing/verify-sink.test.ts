import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import {
  callback,
  collect,
  partFiles,
  stdout,
  type PartFilesOptions,
  type Runtime,
  type Sink,
  type SinkWriter,
} from '../index.js';
import { silentLogger } from '../core/runtime.js';
import { seededRandom, simulatedFiles, verifySink, type SinkCase } from './index.js';
import { VirtualClock } from './virtual-clock.js';

const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
const rows = values.map((song) => ({ song }));

/** Part files on a disk that loses what was not synced. */
function partFilesCase(
  options: Partial<PartFilesOptions<unknown>>,
  seed: number,
): SinkCase<unknown> {
  const files = simulatedFiles();
  const random = seededRandom(seed);
  const runtime: Runtime = {
    clock: new VirtualClock(),
    random,
    files,
    log: silentLogger,
    at: () => Promise.resolve(),
  };
  return {
    runtime,
    sink: () => partFiles({ uid: 'out', directory: '/out', ...options }),
    crash: () => files.crash(random),
    async visible() {
      const seen: unknown[] = [];
      for (const name of await files.list('/out')) {
        if (name.startsWith('.')) continue;
        const text = Buffer.from(await files.read(`/out/${name}`)).toString();
        const lines = text.trim().split(/\r?\n/);
        if (options.format === 'csv') seen.push(...lines.slice(1).map((song) => ({ song })));
        else seen.push(...lines.map((line) => JSON.parse(line) as unknown));
      }
      return seen;
    },
  };
}

describe('our own sinks keep the contract:', () => {
  test.each<[string, Partial<PartFilesOptions<unknown>>]>([
    ['jsonl', {}],
    ['csv', { format: 'csv', columns: ['song'] }],
  ])('partFiles, %s, over power cuts', async (_, options) => {
    for (let seed = 1; seed <= 4; seed += 1) {
      const verified = await verifySink(() => partFilesCase(options, seed), { values: rows });
      expect(verified.map(({ guarantee }) => guarantee)).toEqual(['at-least-once', 'exactly-once']);
      for (const { schedules } of verified) expect(schedules).toBe(2 * 29 + 1);
    }
  });

  test('collect', async () => {
    const make = (): SinkCase<string> => {
      const sink = collect<string>({ uid: 'out' });
      return { sink: () => sink, visible: () => sink.values };
    };
    expect(await verifySink(make, { values })).toHaveLength(2);
  });

  test('callback and stdout, which are at-least-once and say so', async () => {
    const called = (): SinkCase<string> => {
      const seen: string[] = [];
      return {
        sink: () => callback((value: string) => void seen.push(value), { uid: 'out' }),
        visible: () => seen,
      };
    };
    const printed = (): SinkCase<string> => {
      const seen: unknown[] = [];
      const stream = new Writable({
        write(text, _encoding, done) {
          for (const line of String(text).trim().split('\n')) seen.push(JSON.parse(line));
          done();
        },
      });
      return { sink: () => stdout({ stream }), visible: () => seen };
    };
    for (const make of [called, printed])
      expect((await verifySink(make, { values })).map(({ guarantee }) => guarantee)).toEqual([
        'at-least-once',
      ]);
  });
});

/** A sink in memory that keeps the contract, with a way to break each part of it. */
function memoryCase(breaks: (sink: Sink<string>, seen: string[]) => Partial<Sink<string>> | void) {
  return (): SinkCase<string> => {
    const seen: string[] = [];
    const published = new Set<string>();
    const publish = async (prepared: unknown): Promise<void> => {
      const { name, held } = (prepared ?? { name: '', held: [] }) as {
        name: string;
        held: string[];
      };
      if (!published.has(name)) seen.push(...held);
      published.add(name);
    };
    const sink: Sink<string> = {
      uid: 'out',
      guarantee: 'two-phase',
      allowDuplicates: false,
      async recover(prepared) {
        for (const one of prepared) await publish(one);
      },
      async open({ instance }): Promise<SinkWriter> {
        let held: unknown[] = [];
        return {
          write: (batch) => void held.push(...batch),
          async prepare(epoch) {
            const prepared = { name: `${epoch}-${instance}`, held };
            held = [];
            return prepared;
          },
          publish,
          close: () => Promise.resolve(),
        };
      },
    };
    const broken = { ...sink, ...breaks(sink, seen) };
    return { sink: () => broken, visible: () => seen };
  };
}

/** The same sink with other writers. */
function withWriter(
  sink: Sink<string>,
  change: (writer: SinkWriter) => Partial<SinkWriter>,
): Partial<Sink<string>> {
  return {
    async open(...args) {
      const writer = await sink.open(...args);
      return { ...writer, ...change(writer) };
    },
  };
}

describe('verifySink notices a sink', () => {
  test('that is sound, and passes it', async () => {
    await expect(
      verifySink(
        memoryCase(() => undefined),
        { values },
      ),
    ).resolves.toHaveLength(2);
  });

  test.each<[string, Parameters<typeof memoryCase>[0], RegExp]>([
    [
      'that does not publish what the last commit holds',
      () => ({ recover: () => Promise.resolve() }),
      /to be visible, got an output without it.*crash behind the commit of epoch 1/,
    ],
    [
      'that shows what is not committed',
      (sink, seen) =>
        withWriter(sink, () => ({ write: (batch) => void seen.push(...(batch as string[])) })),
      /nothing of it visible before its commit/,
    ],
    [
      'that publishes twice',
      (sink, seen) =>
        withWriter(sink, () => ({
          publish: async (prepared) => void seen.push(...(prepared as { held: string[] }).held),
        })),
      /nothing new from publishing twice/,
    ],
    [
      'that prepares what no commit can hold',
      (sink) => withWriter(sink, () => ({ prepare: () => Promise.resolve(() => 1) })),
      /something that a commit can hold/,
    ],
    [
      'that loses what was written last',
      (sink) =>
        withWriter(sink, (writer) => ({
          write: (batch, times) => writer.write(batch.slice(1), times),
        })),
      /to be visible, got an output without it/,
    ],
    [
      'that says it is at least once but writes something else',
      (sink, seen) => ({
        guarantee: 'at-least-once',
        ...withWriter(sink, () => ({ write: () => void seen.push('foreign') })),
      }),
      /only what was written, got "foreign"/,
    ],
  ])('%s', async (_, breaks, message) => {
    await expect(verifySink(memoryCase(breaks), { values })).rejects.toThrow(message);
    await expect(verifySink(memoryCase(breaks), { values })).rejects.toMatchObject({
      code: 'CASE_FAILED',
    });
  });

  test('only with enough values', async () => {
    const few = verifySink(
      memoryCase(() => undefined),
      { values: ['a'] },
    );
    await expect(few).rejects.toThrow(/OPTIONS_INVALID.*at least 6 values/);
  });
});
