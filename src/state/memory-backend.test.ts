/** Memory keeps the contract of backends, and its factory is the disk. */
import { describe, expect, test } from 'vitest';
import { stateBackendSuite } from '../testing/backend-suite.js';
import { memory } from './memory-backend.js';

stateBackendSuite('memory', memory, { describe, test, expect });

describe('memory', () => {
  test('each factory is a store of its own', async () => {
    const [one, other] = [await memory().open(), await memory().open()];
    one.commit([{ key: 'a', value: Uint8Array.of(1) }]);
    expect(other.keys('')).toEqual([]);
  });

  test('it has no directory, and says what it is', () => {
    expect(memory()).toMatchObject({ description: 'memory', directory: undefined });
  });

  test('it keeps plain bytes, also of a Node buffer, whose slices share memory', async () => {
    const backend = await memory().open();
    const given = Buffer.from('ab');
    backend.writeAhead('a', given);
    given.fill(0);
    expect(backend.get('a')).toEqual(Uint8Array.of(97, 98));
  });
});
