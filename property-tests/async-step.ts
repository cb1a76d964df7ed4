/**
 * An `asyncMap` of a described pipeline: as plain data, as the real step, and when its calls are answered. It must give
 * what `map` gives, whenever that is.
 */
import { asyncMap, keyBy } from 'tidemark';
import type { AsyncCall, DataStream, Key, Runtime } from 'tidemark';
import { PendingCalls } from 'tidemark/testing';
import { keyChoice, mapped, type Item, type KeyChoice } from './description.js';

export interface AsyncStep {
  readonly step: 'asyncMap';
  readonly add: number;
  /** Its elements in flight are state of a key; undefined: of a shard. */
  readonly by?: KeyChoice | undefined;
  readonly ordered: boolean;
  readonly capacity: number;
}

/** Answers the call of an element, now or later. */
export type Answering = (
  item: Item,
  answer: () => Item,
  call: AsyncCall,
) => Item | PromiseLike<Item>;

export const atOnce: Answering = (_item, answer) => answer();

export function asynchronous(
  items: DataStream<Item>,
  step: AsyncStep,
  uid: string,
  answering: Answering,
): DataStream<Item> {
  const { by, ordered, capacity } = step;
  const options = { uid, ordered, capacity };
  const ask = (item: Item, call: AsyncCall): Item | PromiseLike<Item> =>
    answering(item, () => mapped(step, item), call);
  if (by === undefined) return items.pipe(asyncMap((item: Item, call) => ask(item, call), options));
  return items.pipe(
    keyBy<Item, Key>(keyChoice(by)),
    asyncMap((item: Item, call) => ask(item, call), options),
  );
}

/** Each element has a wait of its own, so that answers overtake each other: of some turns of promises, or of the clock. */
export function answersBy(runtime: Runtime | undefined): Answering {
  return (item, answer) => {
    const turns = Math.abs(item.n % 4);
    if (turns === 0) return answer();
    if (runtime === undefined) return afterTurns(turns, answer);
    const { clock } = runtime;
    return new Promise<void>((done) => {
      clock.setTimer(clock.now() + turns * 3, done);
    }).then(answer);
  };
}

async function afterTurns(turns: number, answer: () => Item): Promise<Item> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  return answer();
}

/** Somebody who answers when a test says so. */
export class Desk {
  readonly #pending = new PendingCalls<Item>();

  readonly answering: Answering = (_item, answer, call) => this.#pending.ask({ answer }, call);

  get isEmpty(): boolean {
    return this.#pending.open().length === 0;
  }

  /** Answers an open call, if there is any, by a number that may be higher than there are. */
  answer(which: number): void {
    const open = this.#pending.open() as { readonly answer: () => Item }[];
    const chosen = open[which % Math.max(1, open.length)];
    if (chosen === undefined) return;
    try {
      this.#pending.answer(chosen, chosen.answer());
    } catch (error) {
      this.#pending.fail(chosen, error);
    }
  }
}
