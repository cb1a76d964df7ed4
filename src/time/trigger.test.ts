import { describe, expect, test } from 'vitest';
import { defineTrigger, type TriggerContext } from './trigger.js';

/** Nothing that a default part does may look at its context. */
const untouchable = new Proxy({} as TriggerContext<undefined>, {
  get(_target, name) {
    throw new Error(`looked at ${String(name)}`);
  },
  set(_target, name) {
    throw new Error(`changed ${String(name)}`);
  },
});

describe('a trigger of which only the name is defined', () => {
  const trigger = defineTrigger<number>({ name: 'silent' });

  test('goes on whatever comes, without a look at its context', () => {
    expect(trigger.element(1, untouchable)).toBe('continue');
    expect(trigger.eventTime(1, untouchable)).toBe('continue');
    expect(trigger.processingTime(1, untouchable)).toBe('continue');
    expect(trigger.clear(untouchable)).toBeUndefined();
  });

  test('remembers nothing', () => {
    expect(trigger.create()).toBeUndefined();
  });

  test('counts as one that fires, so that windows without an end take it', () => {
    expect(trigger.fires).toBe(true);
  });

  test('cannot merge, so that sessions refuse it', () => {
    expect(trigger.merge).toBeUndefined();
  });
});

describe('defineTrigger', () => {
  test('keeps what is defined, as it is', () => {
    const definition = {
      name: 'mine',
      fires: false,
      create: () => ({ seen: 0 }),
      element: () => 'fire' as const,
      eventTime: () => 'purge' as const,
      processingTime: () => 'fireAndPurge' as const,
      merge: () => undefined,
      clear: () => undefined,
    };
    expect(defineTrigger(definition)).toEqual(definition);
  });

  test.each(['element', 'eventTime', 'processingTime', 'merge', 'clear', 'create'])(
    'refuses a part %s that is not a function, and names it',
    (part) => {
      for (const wrong of ['fire', null, 1])
        expect(() => defineTrigger({ name: 'mine', [part]: wrong } as never)).toThrow(
          new RegExp(`OPTIONS_INVALID.*a function.*${part} of the trigger "mine"`),
        );
    },
  );

  test('takes a part that is given as undefined for one left out', () => {
    const trigger = defineTrigger({ name: 'mine', element: undefined, clear: undefined } as never);
    expect(trigger.element('x' as never, untouchable)).toBe('continue');
    expect(trigger.clear(untouchable)).toBeUndefined();
  });
});
