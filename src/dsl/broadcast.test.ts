import { Observable, Subject, of } from 'rxjs';
import * as rxjs from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  broadcast,
  connect,
  connectAll,
  explain,
  filter,
  keyBy,
  mapState,
  outputTag,
  pipeline,
  process,
  stream,
  unchecked,
  union,
  type DataStream,
} from '../index.js';
import { operatorsOf, planOf } from '../runtime/plan.js';

interface Rule {
  readonly word: string;
  readonly on: boolean;
}

/** Lets words through that are on. */
function chosen(rules$: Observable<Rule>) {
  return connect(broadcast(rules$), {
    uid: 'chosen',
    broadcastState: { on: mapState<string, true>() },
    first: (word: string, { broadcastState: { on } }) => (on.has(word) ? [word] : []),
    second({ word, on: isOn }, { broadcastState: { on } }) {
      if (isOn) on.set(word, true);
      else on.delete(word);
    },
  });
}

describe('a subscription', () => {
  test('reads broadcast inputs first, though they are declared last', () => {
    const seen: string[] = [];
    stream(of('a', 'b', 'a'))
      .pipe(
        keyBy((word) => word),
        chosen(of({ word: 'a', on: true })),
      )
      .subscribe((word) => seen.push(word));
    expect(seen).toEqual(['a', 'a']);
  });

  test('does so for declared inputs too, and behind other steps', () => {
    const order: string[] = [];
    const noted = <T>(name: string, ...values: T[]) =>
      new Observable<T>((subscriber) => {
        order.push(name);
        of(...values).subscribe(subscriber);
      });
    const p = pipeline(
      'p',
      { words: unchecked<string>(), more: unchecked<string>(), rules: unchecked<Rule>() },
      ({ words, more, rules }) =>
        words.pipe(
          union(more),
          keyBy((word) => word),
          chosen(rules.pipe(filter(({ word }) => word !== ''))),
        ),
    );
    const connection = p.connect({
      words: noted('words', 'a'),
      more: noted('more', 'b'),
      rules: noted('rules', { word: 'b', on: true }),
    });
    const seen: string[] = [];
    connection.outputs.output.subscribe((word) => seen.push(word));
    connection.start();
    expect(order).toEqual(['rules', 'words', 'more']);
    expect(seen).toEqual(['b']);
  });

  test('goes by rules as they come', () => {
    const words$ = new Subject<string>();
    const rules$ = new Subject<Rule>();
    const seen: string[] = [];
    stream(words$)
      .pipe(
        keyBy((word) => word),
        chosen(rules$),
      )
      .subscribe((word) => seen.push(word));
    words$.next('a');
    rules$.next({ word: 'a', on: true });
    words$.next('a');
    rules$.next({ word: 'a', on: false });
    words$.next('a');
    expect(seen).toEqual(['a']);
  });

  test('a stream may be broadcast and read by keys at the same time', () => {
    const source$ = new Subject<string>();
    const words$ = stream(source$);
    const seen: string[] = [];
    words$
      .pipe(
        keyBy((word) => word),
        connect(broadcast(words$), {
          uid: 'x',
          broadcastState: { words: mapState<string, number>() },
          first: (word, { broadcastState: { words } }) => [`${word} ${words.get(word)}`],
          second: (word, { broadcastState: { words } }) =>
            words.set(word, (words.get(word) ?? 0) + 1),
        }),
      )
      .subscribe((text) => seen.push(text));
    source$.next('a');
    source$.next('a');
    expect(seen.map((text) => text.split(' ')[0])).toEqual(['a', 'a']);
  });
});

describe('the plan', () => {
  const both = (rules: (input: DataStream<string>) => DataStream<string>) =>
    pipeline('p', { words: unchecked<string>(), rules: unchecked<string>() }, (input) =>
      input.words.pipe(
        keyBy((word) => word),
        connect(broadcast(rules(input.rules)), {
          uid: 'x',
          first: () => [],
          second: () => [],
        }),
      ),
    );

  test('what is broadcast goes through one task, and from there to every shard', () => {
    const { stages } = planOf(both((rules) => rules).outputs, 3);
    expect(
      stages.map(({ name, shards, shuffles }) => [name, shards, shuffles.map((each) => each.name)]),
    ).toEqual([
      ['sources', 1, []],
      ['broadcast', 1, ['broadcast']],
      ['x', 3, ['x/0', 'x/1']],
    ]);
  });

  test('also where it comes from many shards', () => {
    const rules = (input: DataStream<string>) =>
      input.pipe(
        keyBy((rule) => rule),
        process({ uid: 'y', element: (rule) => [rule] }),
      );
    const { stages } = planOf(both(rules).outputs, 3);
    expect(stages.map(({ name, shards }) => `${name} x${shards}`)).toEqual([
      'sources x1',
      'y x3',
      'broadcast x1',
      'x x3',
    ]);
  });

  test('its copies are part of what a restart must find again', () => {
    expect([...operatorsOf(both((rules) => rules).outputs)]).toEqual([
      ['x', 'connect broadcast'],
      ['x~broadcast', 'broadcast state'],
    ]);
  });

  test('explain says so', () => {
    const text = String(explain(both((rules) => rules)));
    expect(text).toMatch(/broadcast +broadcast$/m);
    expect(text).toMatch(/x +connect +state: broadcast$/m);
  });
});

describe('what is refused', () => {
  const handlers = { uid: 'x', first: (): string[] => [], second: (): string[] => [] };
  const rules$ = of('a');
  const keyed = of('a').pipe(keyBy((text) => text));

  test('a stream without a key on the first side', () => {
    expect(() => of('a').pipe(connect(broadcast(rules$), handlers) as never)).toThrow(
      'KEY_MISSING',
    );
  });

  test('what a stock operator has made of a DataStream', () => {
    expect(() => broadcast(keyed.pipe(rxjs.map((text) => text)))).toThrow('STREAM_LIFTED');
  });

  test('broadcast state that is no plain map', () => {
    const withTtl = { rules: mapState<string, string>({ ttl: { after: '1h' } }) };
    expect(() => connect(broadcast(rules$), { ...handlers, broadcastState: withTtl })).toThrow(
      'OPTIONS_INVALID',
    );
    const value = { rules: { ...mapState<string, string>(), kind: 'value' as const } };
    expect(() => connect(broadcast(rules$), { ...handlers, broadcastState: value })).toThrow(
      /OPTIONS_INVALID.*a state of kind value.*connect "x"/,
    );
  });

  test('a missing uid and async functions', () => {
    expect(() =>
      keyed.pipe(connect(broadcast(rules$), { ...handlers, uid: undefined } as never)),
    ).toThrow('UID_INVALID');
    for (const name of ['first', 'second', 'eachKey', 'timer'])
      expect(() =>
        connect(broadcast(rules$), { ...handlers, [name]: async () => [] } as never),
      ).toThrow('USER_FUNCTION_ASYNC');
    expect(() =>
      connectAll(broadcast(rules$), { ...handlers, first: async () => [] } as never),
    ).toThrow('USER_FUNCTION_ASYNC');
  });

  test('a side output that nobody declared', () => {
    const step = connect(broadcast(rules$), {
      ...handlers,
      second: (_rule, context) => context.side(outputTag('lost'), 1) as never,
    });
    const failures: unknown[] = [];
    keyed.pipe(step as never).subscribe({ error: (error: unknown) => failures.push(error) });
    expect(String(failures[0])).toMatch('OUTPUT_UNKNOWN');
  });
});
