/** State in memory: the backend that is read in one minute. */
import { TidemarkError } from '../core/errors.js';
import type { BatchEntry, StateBackend, StateBackendFactory } from './backend.js';

/** Keeps committed state in this object: a second run with it goes on where the first one ended. */
export function memory(): StateBackendFactory {
  const values = new Map<string, Uint8Array>();
  let isOpen = false;
  return {
    description: 'memory',
    directory: undefined,
    open() {
      if (isOpen)
        return Promise.reject(
          new TidemarkError('STATE_IN_USE', {
            expected: 'state that no other run holds',
            got: 'a run that is still open',
            where: 'memory()',
            hint: 'Wait for the other run to end, or give this one a memory() of its own.',
          }),
        );
      isOpen = true;
      const backend: StateBackend = {
        writeAhead: (key, value) => void values.set(key, value.slice()),
        flushed: () => Promise.resolve(),
        commit(batch: readonly BatchEntry[]) {
          for (const { key, value } of batch)
            if (value === undefined) values.delete(key);
            else values.set(key, value.slice());
        },
        get: (key) => values.get(key)?.slice(),
        keys: (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)).sort(),
        discard: (keys) => keys.forEach((key) => values.delete(key)),
        close() {
          isOpen = false;
          return Promise.resolve();
        },
      };
      return Promise.resolve(backend);
    },
  };
}
