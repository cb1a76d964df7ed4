import { expect, test } from 'vitest';
import { systemClock } from '../core/clock.js';
import { silentLogger, type Logger } from '../core/runtime.js';
import { nodeFiles } from './node-files.js';
import { nodeRuntime } from './node-runtime.js';

test('nodeRuntime stands on the real clock and file system, and is silent by default', async () => {
  const runtime = nodeRuntime();
  expect(runtime).toMatchObject({ clock: systemClock, files: nodeFiles, log: silentLogger });
  const chance = runtime.random();
  expect(chance >= 0 && chance < 1).toBe(true);
  await runtime.at('epoch.committed');
});

test('nodeRuntime hands out the logger itself, not a copy', () => {
  const log: Logger = { ...silentLogger };
  expect(nodeRuntime({ log }).log).toBe(log);
});

test('nodeRuntime refuses a logger that lacks a level', () => {
  const { debug, info, warn } = silentLogger;
  expect(() => nodeRuntime({ log: { debug, info, warn } as Logger })).toThrow('OPTIONS_INVALID');
  expect(() => nodeRuntime({ log: null as unknown as Logger })).toThrow('OPTIONS_INVALID');
});

test('nodeRuntime hears the signals of its process, until nobody listens any more', () => {
  const heard: string[] = [];
  const before = process.listenerCount('SIGTERM');
  const stop = nodeRuntime().signals?.on('SIGTERM', () => heard.push('SIGTERM'));
  process.emit('SIGTERM');
  stop?.();
  expect(heard).toEqual(['SIGTERM']);
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
