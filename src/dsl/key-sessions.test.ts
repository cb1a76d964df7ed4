import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import { KeySessions, keySessionsSpec, type Session } from './key-sessions.js';

describe('the sessions of a key', () => {
  test('are none at first', () => {
    const live = new KeySessions();
    expect([live.isEmpty, live.isSingle, live.sessions]).toEqual([true, false, []]);
  });

  test('replaced by one lie in the open', () => {
    const live = of(session(0, 10, 'a'));
    expect([live.isEmpty, live.isSingle, live.start, live.end, live.accumulator]).toEqual([
      false,
      true,
      0,
      10,
      'a',
    ]);
    expect(live.sessions).toEqual([live]);
  });

  test('replaced by several are all there, the newest in the open', () => {
    const live = of(session(0, 10, 'a'), session(20, 30, 'b'), session(40, 50, 'c'));
    expect(texts(live)).toEqual(['0-10 a', '20-30 b', '40-50 c']);
    expect([live.isSingle, live.start, live.accumulator]).toEqual([false, 40, 'c']);
  });

  test('replaced by nothing are none again', () => {
    const live = of(session(0, 10, 'a'), session(20, 30, 'b'));
    live.replace([]);
    expect([live.isEmpty, live.isSingle, live.accumulator, live.end]).toEqual([
      true,
      false,
      undefined,
      NaN,
    ]);
  });

  test('can be replaced by some of themselves', () => {
    const live = of(session(0, 10, 'a'), session(20, 30, 'b'), session(40, 50, 'c'));
    const [first, second, newest] = live.sessions as [Session, Session, Session];
    live.replace([first, newest]);
    expect(texts(live)).toEqual(['0-10 a', '40-50 c']);
    live.replace([first, second]);
    expect(texts(live)).toEqual(['0-10 a', '20-30 b']);
    live.replace(live.sessions.slice(0, 1));
    expect([texts(live), live.isSingle]).toEqual([['0-10 a'], true]);
  });

  test('that become older do not change with the newest one', () => {
    const live = of(session(0, 10, 'a'));
    live.replace([...live.sessions, session(20, 30, 'b')]);
    live.end = 35;
    live.accumulator = 'B';
    expect(texts(live)).toEqual(['0-10 a', '20-35 B']);
  });
});

describe('the stored form', () => {
  const spec = keySessionsSpec();

  test.each([
    [[]],
    [[session(-5, 5, undefined)]],
    [[session(0, 10, { n: 1 }), session(20, 30, [2]), session(40, 50, 'c')]],
  ])('gives %j back', (sessions) => {
    const live = of(...sessions);
    live.wake = 9;
    const back = spec.unpack(decodeValue(encodeValue(spec.pack(live))));
    expect(back).toBeInstanceOf(KeySessions);
    expect(
      back.sessions.map(({ start, end, accumulator }) => session(start, end, accumulator)),
    ).toEqual(sessions);
    expect(back.wake).toBe(Infinity);
  });

  test('of a key without sessions is nothing worth keeping', () => {
    expect(spec.isEmpty(spec.create())).toBe(true);
    expect(spec.isEmpty(of(session(0, 10, undefined)))).toBe(false);
  });
});

function of(...sessions: readonly Session[]): KeySessions {
  const live = new KeySessions();
  live.replace(sessions);
  return live;
}

function session(start: number, end: number, accumulator: unknown): Session {
  return { start, end, accumulator };
}

function texts(live: KeySessions): string[] {
  return live.sessions.map(
    ({ start, end, accumulator }) => `${start}-${end} ${String(accumulator)}`,
  );
}
