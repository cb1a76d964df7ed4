import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Recorder, brokenPipe, demo } from './demo.testing.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-trending-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const day = ['--events', '20000', '--json'];
const durable = (...more: string[]): string[] => [
  ...day,
  '--state',
  join(directory, 'state'),
  ...more,
];

describe('a durable job', () => {
  test('says what it promises, and prints what a job in memory prints', async () => {
    const inMemory = await demo(day);
    const { code, out, err } = await demo(durable());
    expect(code).toBe(0);
    expect(out.text).toBe(inMemory.out.text);
    expect(err.text).toContain('allowDuplicates');
  });

  test('that has finished says so, and prints nothing again', async () => {
    await demo(durable());
    const { code, out, err } = await demo(durable());
    expect([code, out.text]).toEqual([0, '']);
    expect(err.text).toContain('Already finished');
  });

  test('that was interrupted goes on where it stopped, also on other shards', async () => {
    const whole = await demo(day);
    const first = await demo(durable(), { interrupt: (press) => afterTurns(20, press) });
    expect(first.code).toBe(130);
    expect(first.err.text).toContain('Stopped');
    const second = await demo(durable('--parallelism', '2'));
    expect(second.code).toBe(0);
    expect(second.err.text).toMatch(/Resumed after epoch \d+/);
    expect(first.out.text + second.out.text).toBe(whole.out.text);
  });

  test('whose reader left tells again what was not committed', async () => {
    const whole = await demo(day);
    const stdout = new Recorder();
    stdout.onWrite = (text) => (text.length + stdout.text.length > 5000 ? brokenPipe() : undefined);
    expect((await demo(durable(), { stdout })).code).toBe(0);
    const { out } = await demo(durable());
    expect(whole.out.text.endsWith(out.text)).toBe(true);
    expect(stdout.text.length + out.text.length).toBeGreaterThanOrEqual(whole.out.text.length);
  });

  test('refuses the state of another question', async () => {
    await demo(durable());
    const { code, err } = await demo(durable('--top', '3'));
    expect(code).toBe(2);
    expect(err.text).toMatch(/STATE_OF_ANOTHER_JOB: .*another question/);
  });

  test('names its dead and late records like any other', async () => {
    const path = join(directory, 'views.jsonl');
    const line = (at: number): string => `{"k":"a","at":${at}}\n`;
    writeFileSync(path, `${line(7_200_000)}{"k":\n${line(14_400_000)}${line(1000)}`);
    const { err } = await demo([
      ...['--input', path, '--time', 'at', '--key', 'k', '--json'],
      ...['--state', join(directory, 'state')],
    ]);
    expect(err.text).toMatch(/views\.jsonl line 2: RECORD_UNREADABLE: .*not JSON/);
    expect(err.text).toMatch(/views\.jsonl line 4: 1970-01-01 00:00:01/);
  });
});

/** Presses in the middle of the run: it takes a turn or more for each of its twenty chunks. */
function afterTurns(turns: number, press: () => void): void {
  if (turns === 0) press();
  else setImmediate(() => afterTurns(turns - 1, press));
}
