import { describe, expect, test } from 'vitest';
import { BarrierAligner } from './aligner.js';

const EPOCHS = 3;

/** One item on an input: an element of an epoch, or the barrier that ends it. */
type Item = { readonly kind: 'element' | 'barrier'; readonly epoch: number };

/** What each input carries: per epoch one element, then the barrier. */
const script: readonly Item[] = Array.from({ length: EPOCHS }, (_, index) => index + 1).flatMap(
  (epoch): Item[] => [
    { kind: 'element', epoch },
    { kind: 'barrier', epoch },
  ],
);

interface State {
  /** How many items of each input have been taken. */
  readonly at: readonly number[];
  readonly log: readonly string[];
}

/** Replays a history on a fresh machine, checking every answer against what the laws say. */
function play(inputs: number, align: boolean, history: readonly number[]): BarrierAligner {
  const aligner = new BarrierAligner({ inputs, align });
  const epochOf = new Array<number>(inputs).fill(0);
  let frozen = 0;
  const at = new Array<number>(inputs).fill(0);
  for (const input of history) {
    const item = script[at[input] ?? 0] as Item;
    at[input] = (at[input] ?? 0) + 1;
    // Whoever drives the machine takes nothing from a held input; an element of the next epoch would be one.
    law(!aligner.holds(input), 'what is taken is not held', history);
    law(!align || item.epoch === frozen + 1, 'only one epoch enters', history);
    if (item.kind === 'element') continue;
    epochOf[input] = item.epoch;
    const isLast = epochOf.every((epoch) => epoch >= item.epoch);
    const answer = aligner.on(input, item.epoch);
    law(answer === (isLast ? 'freeze' : 'hold'), 'the last barrier freezes', history);
    if (isLast) frozen = item.epoch;
    law(aligner.isAligning === !isLast, 'it aligns between first and last barrier', history);
    for (let other = 0; other < inputs; other += 1) {
      const isHeld = align && epochOf[other] === frozen + 1;
      law(aligner.holds(other) === isHeld, 'held is who has brought the barrier', history);
    }
  }
  return aligner;
}

/** Plainer than `expect`, which would take most of the time of the hundred thousand answers. */
function law(holds: boolean, text: string, history: readonly number[]): void {
  if (!holds) throw new Error(`${text}: broken by ${history.join(' ')}`);
}

/** All histories that an aligning task can see: any unheld input that has something left may be next. */
function histories(inputs: number): number {
  let count = 0;
  const visit = (history: readonly number[]): void => {
    const aligner = play(inputs, true, history);
    const at = Array.from(
      { length: inputs },
      (_, input) => history.filter((i) => i === input).length,
    );
    const next = at.flatMap((taken, input) =>
      taken < script.length && !aligner.holds(input) ? [input] : [],
    );
    if (next.length > 0) return next.forEach((input) => visit([...history, input]));
    // Nothing can be stuck: when no input may be taken, all have been taken to their end.
    expect(at).toEqual(at.map(() => script.length));
    expect(aligner.isAligning).toBe(false);
    count += 1;
  };
  visit([]);
  return count;
}

describe('aligned, in every interleaving', () => {
  // Per epoch 2 items of each input in any order: (2n)! / 2^n, and the epochs do not mix.
  test.each([
    [1, 1],
    [2, 6 ** EPOCHS],
  ])('%d inputs, three epochs: %d histories, none mixes epochs or gets stuck', (inputs, count) => {
    expect(histories(inputs)).toBe(count);
  });

  test('three inputs: each of the 90 orders of an epoch, three epochs in a row', () => {
    const orders = ordersOf(3);
    expect(orders.length).toBe(90);
    for (const first of orders)
      for (const second of orders) play(3, true, [...first, ...second, ...(orders[0] ?? [])]);
  });
});

describe('at least once', () => {
  test('nothing is held, and the last barrier still freezes', () => {
    for (const order of ordersOf(3)) {
      const aligner = play(3, false, [...order, ...order, ...order]);
      expect(aligner.isAligning).toBe(false);
    }
  });

  test('elements behind a barrier go on while others are waited for', () => {
    const aligner = new BarrierAligner({ inputs: 2, align: false });
    expect(aligner.on(0, 1)).toBe('hold');
    expect(aligner.holds(0)).toBe(false);
    expect(aligner.isAligning).toBe(true);
    expect(aligner.on(1, 1)).toBe('freeze');
  });
});

describe('what cannot be is a bug', () => {
  test.each([true, false])('a second barrier of one epoch on one input (align: %s)', (align) => {
    const aligner = new BarrierAligner({ inputs: 2, align });
    aligner.on(0, 1);
    expect(() => aligner.on(0, 1)).toThrow('one barrier per epoch');
    expect(() => aligner.on(0, 2)).toThrow('one barrier per epoch');
  });

  test('another epoch while one is aligned', () => {
    const aligner = new BarrierAligner({ inputs: 2, align: true });
    aligner.on(0, 1);
    expect(() => aligner.on(1, 2)).toThrow('one epoch is aligned at a time: 1, not 2');
  });
});

test('a single input is never held', () => {
  const aligner = new BarrierAligner({ inputs: 1, align: true });
  for (let epoch = 1; epoch < 5; epoch += 1) {
    expect(aligner.on(0, epoch)).toBe('freeze');
    expect(aligner.holds(0)).toBe(false);
  }
});

/** All orders in which the two items of each input may be taken in one epoch. */
function ordersOf(inputs: number): number[][] {
  const orders: number[][] = [];
  const visit = ({ at, log }: State): void => {
    if (log.length === 2 * inputs) orders.push(log.map(Number));
    for (let input = 0; input < inputs; input += 1)
      if ((at[input] ?? 0) < 2)
        visit({ at: at.with(input, (at[input] ?? 0) + 1), log: [...log, String(input)] });
  };
  visit({ at: new Array<number>(inputs).fill(0), log: [] });
  return orders;
}
