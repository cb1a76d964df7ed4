/** The real outside world of a job in Node: its clock, its chance, its file system, and a logger of the host. */
import { getHeapStatistics } from 'node:v8';
import { z } from 'zod';
import { systemClock, systemRandom } from '../core/clock.js';
import { silentLogger, type Logger, type Runtime, type Signals } from '../core/runtime.js';
import { checkOptions } from '../dsl/options.js';
import { nodeFiles } from './node-files.js';

export interface NodeRuntimeOptions {
  /** Takes what the job has to say; pino fits as it is. Default: silence, because the host owns the output. */
  readonly log?: Logger;
}

const levels = ['debug', 'info', 'warn', 'error'] as const;

const schema = z.strictObject({
  log: z.custom<Logger>(isLogger, { error: `a logger with ${levels.join(', ')}` }).optional(),
});

/**
 * The runtime that `run` uses unless another one is given. Its crash points resolve at once: only the simulator
 * stops there.
 *
 * @example
 * import { nodeRuntime } from 'tidemark';
 *
 * const runtime = nodeRuntime();
 * console.log(await runtime.files.exists('a file that is not there'));
 * // => false
 *
 * @throws TidemarkError OPTIONS_INVALID
 */
export function nodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  const { log = silentLogger } = checkOptions(schema, options, 'nodeRuntime()');
  return {
    clock: systemClock,
    random: systemRandom,
    files: nodeFiles,
    log,
    signals,
    heapLimit: getHeapStatistics().heap_size_limit,
    at: () => Promise.resolve(),
  };
}

const signals: Signals = {
  on(signal, callback) {
    // Without the arguments that Node adds.
    const listener = (): void => callback();
    process.on(signal, listener);
    return () => void process.off(signal, listener);
  },
};

function isLogger(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels.every((level) => typeof (value as Record<string, unknown>)[level] === 'function');
}
