import { describe, expect, test } from 'vitest';
import { TidemarkError } from '../core/errors.js';
import type { CliStream } from './io.js';
import { ReaderLeft, Speech, shown } from './speech.js';

class Recorder implements CliStream {
  text = '';
  isTTY = false;
  columns = 20;
  writable = true;
  accepts = true;
  readonly listeners = new Map<string, Set<() => void>>();

  write(text: string): boolean {
    this.text += text;
    return this.accepts;
  }

  on(event: string, listener: () => void): void {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: () => void): void {
    this.listeners.get(event)?.delete(listener);
  }

  emit(event: string): void {
    for (const listener of this.listeners.get(event) ?? []) listener();
  }
}

function speech(options: { json?: boolean; verbose?: boolean; isTTY?: boolean } = {}): {
  speech: Speech;
  stdout: Recorder;
  stderr: Recorder;
} {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  stderr.isTTY = options.isTTY === true;
  const { json = false, verbose = false } = options;
  return { stdout, stderr, speech: new Speech({ stdout, stderr, json, verbose }) };
}

const error = new TidemarkError('STATE_IN_USE', {
  ...{ expected: 'a', got: 'b', where: 'c', hint: 'd', cause: new Error('inner') },
});

describe('answers', () => {
  test('stand on standard output, as text or as facts', async () => {
    const [text, json] = [speech(), speech({ json: true })];
    for (const { speech: one } of [text, json]) await one.answer({ type: 'x', n: 1n }, 'one');
    expect([text.stdout.text, json.stdout.text]).toEqual([
      'one\n',
      '{"type":"x","n":{"$bigint":"1"}}\n',
    ]);
  });

  test('wait for a slow reader, and leave no listener behind', async () => {
    const { speech: one, stdout } = speech();
    stdout.accepts = false;
    let isSaid = false;
    const answer = one.answer({ type: 'x' }, 'x').then(() => (isSaid = true));
    await Promise.resolve();
    expect(isSaid).toBe(false);
    stdout.emit('drain');
    await answer;
    expect([...stdout.listeners.values()].map(({ size }) => size)).toEqual([0, 0]);
  });

  test('end when the reader has left', async () => {
    const { speech: one, stdout } = speech();
    stdout.writable = false;
    await expect(one.answer({ type: 'x' }, 'x')).rejects.toBeInstanceOf(ReaderLeft);
  });
});

describe('progress', () => {
  test('is redrawn on a terminal, never longer than it, and gives way to a note', () => {
    const { speech: one, stderr } = speech({ isTTY: true });
    one.progress({ type: 'progress' }, 'x'.repeat(50));
    one.note({ type: 'y' }, 'done');
    expect(stderr.text).toBe(`\r\u001B[K${'x'.repeat(19)}\r\u001B[Kdone\n`);
  });

  test('is a line elsewhere, also on a terminal that asked for JSON', () => {
    for (const options of [{}, { isTTY: true, json: true }]) {
      const { speech: one, stderr } = speech(options);
      one.progress({ type: 'progress' }, 'half');
      expect(stderr.text).toMatch(/^(?:half|{"type":"progress"})\n$/);
    }
  });
});

describe('errors', () => {
  test('are code, sentence, cause and hint', () => {
    const { speech: one, stderr } = speech();
    one.error(error);
    expect(stderr.text).toBe(
      'STATE_IN_USE: expected a, got b, at c.\n  Cause: Error: inner\n  d\n',
    );
  });

  test('do not say a cause twice', () => {
    const { speech: one, stderr } = speech();
    const cause = new Error('Invalid length 5');
    const said = { expected: 'a', got: 'Invalid length 5', where: 'c', hint: 'd', cause };
    one.error(new TidemarkError('STATE_DAMAGED', said));
    expect(stderr.text).toBe('STATE_DAMAGED: expected a, got Invalid length 5, at c.\n  d\n');
  });

  test('have their stack on demand, and the one of what caused them', () => {
    const { speech: one, stderr } = speech({ verbose: true });
    one.error(error);
    expect(stderr.text).toMatch(/\n {4}at [^]*caused by Error: inner\n {4}at /);
  });

  test('of strangers are told, too', () => {
    const [text, json] = [speech(), speech({ json: true })];
    for (const { speech: one } of [text, json]) one.error(new TypeError('x is no function'));
    expect(text.stderr.text).toMatch(/^UNEXPECTED: TypeError: x is no function\n/);
    expect(JSON.parse(json.stderr.text)).toMatchObject({ type: 'error', code: 'UNEXPECTED' });
  });

  test('of another copy of the package are known by their shape', () => {
    const { speech: one, stderr } = speech({ json: true });
    one.error(
      Object.assign(new Error('m'), { code: 'X', expected: 'a', got: 'b', where: 'c', hint: 'd' }),
    );
    expect(JSON.parse(stderr.text)).toMatchObject({ code: 'X', hint: 'd' });
  });
});

test('a job is heard when it warns, and otherwise only when everything is asked for', () => {
  const [calm, verbose] = [speech(), speech({ verbose: true })];
  for (const { speech: one } of [calm, verbose]) {
    one.logger().info({ a: 1 }, 'opened');
    one.logger().warn({ at: 5n }, 'late');
  }
  expect(calm.stderr.text).toBe('warn: late {"at":{"$bigint":"5"}}\n');
  expect(verbose.stderr.text).toMatch(/^info: opened/);
});

test('values of state do not move the cursor', () => {
  expect(shown('a\u001B[2Jb\u009B2J')).toBe('"a\\u001b[2Jb\\u009b2J"');
});
