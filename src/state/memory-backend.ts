/**
 * The backend that is read in one minute: a map that outlives its backends, so that a second `open` finds what the
 * first has left, like a restart. The process is its disk.
 */
import { TidemarkError, assert } from '../core/errors.js';
import type { StateBackend, StateBackendFactory } from './backend.js';

/** State in memory, for tests and for jobs that may forget. Each call is a store of its own. */
export function memory(): StateBackendFactory {
  const content = new Map<string, Uint8Array>();
  let isOpen = false;
  return {
    description: 'memory',
    directory: undefined,
    async open() {
      if (isOpen) throw inUse();
      isOpen = true;
      return openBackend(content, () => {
        isOpen = false;
      });
    },
  };
}

/** Bytes are copied on their way in and out: the caller may reuse what it gave, and change what it got. */
function openBackend(content: Map<string, Uint8Array>, release: () => void): StateBackend {
  let isClosed = false;
  const store = (): Map<string, Uint8Array> => {
    assert(!isClosed, 'a closed backend is not used');
    return content;
  };
  return {
    writeAhead: (key, value) => void store().set(key, new Uint8Array(value)),
    flushed: async () => void store(),
    commit(batch) {
      const map = store();
      // Everything is copied before anything is applied, so that what fails on the way has changed nothing.
      const copies = batch.map(({ key, value }) => [key, value && new Uint8Array(value)] as const);
      for (const [key, value] of copies)
        if (value === undefined) map.delete(key);
        else map.set(key, value);
    },
    get: (key) => store().get(key)?.slice(),
    keys: (prefix) => [...store().keys()].filter((key) => key.startsWith(prefix)).toSorted(),
    discard(keys) {
      const map = store();
      for (const key of keys) map.delete(key);
    },
    async close() {
      if (!isClosed) release();
      isClosed = true;
    },
  };
}

function inUse(): TidemarkError {
  return new TidemarkError('STATE_IN_USE', {
    expected: 'a store that nobody holds',
    got: 'one that is open in this process',
    where: 'memory',
    hint: 'Close the other run first, or give each run a memory() of its own.',
  });
}
