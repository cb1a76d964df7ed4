import { describe, expect, test } from 'vitest';
import { decodeValue, encodeValue } from '../state/value-codec.js';
import { TimeOrigin } from '../time/time-origin.js';
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
    live.to = 35;
    live.accumulator = 'B';
    expect(texts(live)).toEqual(['0-10 a', '20-35 B']);
  });
});

test('stay what they are when their times are counted from elsewhere', () => {
  const origin = new TimeOrigin();
  origin.settle(1_436_918_400_000);
  const live = new KeySessions();
  live.open(origin, { start: 1_436_918_400_005, end: 1_436_918_410_005 }, 'a');
  expect([live.from, live.to, live.size]).toEqual([5, 10_005, 1]);
  live.countFrom(new TimeOrigin());
  expect([texts(live), live.from]).toEqual([['1436918400005-1436918410005 a'], 1_436_918_400_005]);
  live.clear();
  live.countFrom(origin);
  expect([live.isEmpty, live.start, live.end]).toEqual([true, NaN, NaN]);
});

describe('the stored form', () => {
  const spec = keySessionsSpec();

  test.each([
    [[]],
    [[session(-5, 5, undefined)]],
    [[session(0, 10, { n: 1 }), session(20, 30, [2]), session(40, 50, 'c')]],
  ])('gives %j back', (sessions) => {
    const live = of(...sessions);
    live.waits = true;
    const back = spec.unpack(decodeValue(encodeValue(spec.pack(live))));
    expect(back).toBeInstanceOf(KeySessions);
    expect(
      back.sessions.map(({ start, end, accumulator }) => session(start, end, accumulator)),
    ).toEqual(sessions);
    expect(back.waits).toBe(false);
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
