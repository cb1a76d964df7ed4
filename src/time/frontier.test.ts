import { describe, expect, test } from 'vitest';
import { Frontier, type Feeder } from './frontier.js';

const END = Infinity;

/** A node over some inputs, advanced as far as it may each time it is asked. */
class Valve {
  readonly frontier: Frontier;

  constructor(inputs: number, hasSides = false) {
    const feeders = Array.from({ length: inputs }, (_, input): Feeder => ({
      input,
      side: hasSides ? input : 0,
    }));
    this.frontier = new Frontier({ inputs, layout: [feeders] });
  }

  at(input: number, watermark: number): number {
    this.frontier.setInput(input, watermark);
    return this.walk();
  }

  idle(input: number, idle = true): number {
    this.frontier.setInputIdle(input, idle);
    return this.walk();
  }

  walk(): number {
    const due = this.frontier.due(0);
    this.frontier.advanced(0, due, due);
    this.frontier.settleIdle(0);
    return due;
  }
}

describe('a node with several inputs', () => {
  test('waits for all of them, and is at the minimum', () => {
    const valve = new Valve(3);
    expect(valve.at(0, 10)).toBe(-Infinity);
    expect(valve.at(1, 5)).toBe(-Infinity);
    expect(valve.at(2, 7)).toBe(5);
    expect(valve.at(1, 8)).toBe(7);
  });

  test('a lower watermark of an input is dropped', () => {
    const valve = new Valve(1);
    expect(valve.at(0, 10)).toBe(10);
    expect(valve.at(0, 4)).toBe(10);
    expect(valve.frontier.inputWatermark(0)).toBe(10);
  });

  test('an idle input is not waited for', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    expect(valve.at(1, 3)).toBe(3);
    expect(valve.idle(1)).toBe(10);
    expect(valve.at(0, 20)).toBe(20);
  });

  test('an input that has said nothing yet may be idle too', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    expect(valve.idle(1)).toBe(10);
  });

  test('an input that comes back behind is not waited for until it has caught up', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.idle(1);
    expect(valve.at(1, 4)).toBe(10);
    expect(valve.at(0, 20)).toBe(20);
    expect(valve.at(1, 19)).toBe(20);
    expect(valve.at(1, 21)).toBe(20);
    expect(valve.at(0, 30)).toBe(21);
  });

  test('an input that comes back before its first watermark is not waited for either', () => {
    const valve = new Valve(3);
    valve.at(0, 10);
    valve.at(1, 7);
    expect(valve.idle(2)).toBe(7);
    expect(valve.idle(2, false)).toBe(7);
    expect(valve.at(1, 9)).toBe(9);
    expect(valve.at(2, 8)).toBe(9);
    expect(valve.at(2, 9)).toBe(9);
    expect(valve.at(1, 20)).toBe(9);
  });

  test('nobody has overtaken an input that comes back before there is a watermark', () => {
    const valve = new Valve(2);
    valve.idle(0);
    valve.idle(0, false);
    expect(valve.at(1, 10)).toBe(-Infinity);
    expect(valve.at(0, 4)).toBe(4);
  });

  test('the last one to count speaks for itself, whoever else is active behind', () => {
    const valve = new Valve(3);
    valve.at(0, 10);
    valve.at(1, 7);
    for (const input of [2, 0, 1]) valve.idle(input);
    expect(valve.walk()).toBe(10);
    const other = new Valve(3);
    other.at(0, 10);
    other.at(1, 7);
    expect(other.idle(2)).toBe(7);
    other.idle(2, false);
    other.idle(0);
    expect(other.idle(1)).toBe(7);
    expect(other.idle(0, false)).toBe(10);
  });

  test('an input that catches up exactly counts again', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.idle(1);
    valve.at(1, 10);
    expect(valve.at(0, 30)).toBe(10);
  });

  test('when all are idle the furthest one speaks', () => {
    const valve = new Valve(3);
    valve.at(0, 10);
    valve.at(1, 5);
    valve.at(2, 7);
    valve.idle(0);
    valve.idle(1);
    expect(valve.idle(2)).toBe(10);
    expect(valve.frontier.isIdle(0)).toBe(true);
  });

  test('when all are idle and none has spoken nothing moves', () => {
    const valve = new Valve(2);
    valve.idle(0);
    expect(valve.idle(1)).toBe(-Infinity);
  });

  test('the watermark never goes back when the furthest comes back and stays behind', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.at(1, 5);
    valve.idle(0);
    valve.idle(1);
    expect(valve.idle(1, false)).toBe(10);
    expect(valve.at(1, 6)).toBe(10);
    expect(valve.at(1, 12)).toBe(12);
    expect(valve.frontier.isIdle(0)).toBe(false);
  });

  test('a watermark ends idleness, also one that is dropped', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.idle(0);
    valve.at(0, 3);
    expect(valve.frontier.isInputIdle(0)).toBe(false);
  });

  test('an ended input is not waited for, and only all ends are the end', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    expect(valve.at(1, END)).toBe(10);
    expect(valve.at(0, 15)).toBe(15);
    expect(valve.at(0, END)).toBe(END);
  });

  test('an ended and an idle input: the idle one speaks, and the end does not', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.at(1, END);
    expect(valve.idle(0)).toBe(10);
    expect(valve.at(0, 12)).toBe(12);
  });

  test('an output is idle when all inputs that have not ended are', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.at(1, END);
    valve.idle(0);
    expect(valve.frontier.isIdle(0)).toBe(true);
  });

  test('an output whose inputs have all ended is not idle', () => {
    const valve = new Valve(1);
    valve.at(0, END);
    expect(valve.frontier.isIdle(0)).toBe(false);
  });
});

describe('what keeps a node from a time', () => {
  const holding = ({ frontier }: Valve, time: number): unknown[] =>
    frontier.holding(0, time).map(({ feeder }) => ('input' in feeder ? feeder.input : feeder));

  test('is every input that is not there yet, the furthest behind first', () => {
    const valve = new Valve(4);
    [10, 5, 7, 20].map((watermark, input) => valve.at(input, watermark));
    expect(holding(valve, 20)).toEqual([1, 2, 0]);
    expect(holding(valve, 7)).toEqual([1]);
    expect(holding(valve, 5)).toEqual([]);
  });

  test('is whoever has said nothing yet', () => {
    const valve = new Valve(3);
    valve.at(1, 5);
    expect(holding(valve, 5)).toEqual([0, 2]);
  });

  test('is neither idle, nor at its end, nor behind', () => {
    const valve = new Valve(4);
    [10, 5, 7, 8].map((watermark, input) => valve.at(input, watermark));
    valve.idle(1);
    valve.at(2, END);
    expect(holding(valve, 10)).toEqual([3]);
    valve.idle(1, false);
    expect(holding(valve, 10)).toEqual([3]);
    valve.idle(3);
    expect(holding(valve, 11)).toEqual([0]);
  });

  test('is everybody when all are idle, or all have come back behind', () => {
    const valve = new Valve(2);
    valve.at(0, 10);
    valve.at(1, 5);
    valve.idle(0);
    valve.idle(1);
    expect(holding(valve, 20)).toEqual([1, 0]);
    valve.idle(1, false);
    expect(holding(valve, 20)).toEqual([1]);
  });

  test('is nobody at the end', () => {
    const valve = new Valve(1);
    valve.at(0, END);
    expect(holding(valve, 20)).toEqual([]);
  });
});

describe('nodes in a row', () => {
  test('the output of one is what the next one waits for', () => {
    const frontier = new Frontier({
      inputs: 2,
      layout: [[{ input: 0 }], [{ input: 1 }], [{ node: 0 }, { node: 1 }]],
    });
    frontier.setInput(0, 10);
    frontier.advanced(0, frontier.due(0), 10);
    expect(frontier.due(2)).toBe(-Infinity);
    frontier.setInput(1, 6);
    frontier.advanced(1, frontier.due(1), 6);
    expect(frontier.due(2)).toBe(6);
  });

  test('a node that holds its output back holds what is behind it', () => {
    const frontier = new Frontier({ inputs: 1, layout: [[{ input: 0 }], [{ node: 0 }]] });
    frontier.setInput(0, 10);
    frontier.advanced(0, 10, 4);
    expect(frontier.input(0)).toBe(10);
    expect(frontier.output(0)).toBe(4);
    expect(frontier.due(1)).toBe(4);
  });

  test('an output never goes back', () => {
    const frontier = new Frontier({ inputs: 1, layout: [[{ input: 0 }]] });
    frontier.advanced(0, 10, 10);
    frontier.advanced(0, 11, 3);
    expect(frontier.output(0)).toBe(10);
  });

  test('a node may say itself whether it is idle', () => {
    const frontier = new Frontier({ inputs: 1, layout: [[{ input: 0 }], [{ node: 0 }]] });
    expect(frontier.settleIdle(0, true)).toBe(true);
    expect(frontier.settleIdle(1)).toBe(true);
    expect(frontier.settleIdle(0, false)).toBe(false);
    expect(frontier.settleIdle(1)).toBe(false);
  });
});

describe('restore', () => {
  test('puts watermarks back without moving anything', () => {
    const frontier = new Frontier({ inputs: 1, layout: [[{ input: 0 }]] });
    frontier.restore(0, { input: 10, output: 8 });
    expect([frontier.input(0), frontier.output(0)]).toEqual([10, 8]);
    expect(frontier.due(0)).toBe(10);
  });

  test('a watermark that is sent again behind what was restored changes nothing', () => {
    const frontier = new Frontier({ inputs: 1, layout: [[{ input: 0 }]] });
    frontier.restore(0, { input: 10, output: 10 });
    frontier.setInput(0, 7);
    expect(frontier.due(0)).toBe(10);
    frontier.setInput(0, 11);
    expect(frontier.due(0)).toBe(11);
  });

  test('a node that has not been walked again is waited for', () => {
    // Node 2 is a union. What feeds node 0 speaks again at the first walk only, as a generator that is restored later.
    const frontier = new Frontier({
      inputs: 2,
      layout: [[{ input: 0 }], [{ input: 1 }], [{ node: 0 }, { node: 1 }]],
    });
    frontier.restore(1, { input: 30, output: 30 });
    frontier.restore(2, { input: 10, output: 10 });
    expect(frontier.due(2)).toBe(10);
    frontier.advanced(0, 12, 12);
    expect(frontier.due(2)).toBe(12);
  });

  test('an input that has not sent its watermark again is waited for', () => {
    // Before the crash input 0 was at 30 and input 1 at 10. The channels send again one after the other.
    const frontier = new Frontier({ inputs: 2, layout: [[{ input: 0 }, { input: 1 }]] });
    frontier.restore(0, { input: 10, output: 10 });
    frontier.setInput(0, 30);
    expect(frontier.due(0)).toBe(10);
    frontier.setInput(1, 12);
    expect(frontier.due(0)).toBe(12);
  });

  test('an input that sends it again from further behind is waited for, too', () => {
    // At least once: what came behind the barrier of input 0 was counted before that of input 1 came, and comes again.
    const frontier = new Frontier({ inputs: 2, layout: [[{ input: 0 }, { input: 1 }]] });
    frontier.restore(0, { input: 20, output: 20 });
    frontier.setInput(0, 10);
    frontier.setInput(1, 30);
    expect(frontier.due(0)).toBe(20);
    expect(frontier.holding(0, 30)).toMatchObject([{ feeder: { input: 0 }, watermark: 10 }]);
    frontier.setInput(0, 25);
    expect(frontier.due(0)).toBe(25);
  });
});

test('the watermark never goes back in any history of two inputs', () => {
  const moves: readonly ((valve: Valve) => number)[] = [0, 1].flatMap((input) => [
    (valve: Valve): number => valve.at(input, 1),
    (valve: Valve): number => valve.at(input, 2),
    (valve: Valve): number => valve.at(input, END),
    (valve: Valve): number => valve.idle(input),
    (valve: Valve): number => valve.idle(input, false),
  ]);
  const histories = (depth: number): number[][] =>
    depth === 0
      ? [[]]
      : histories(depth - 1).flatMap((before) => moves.map((_, move) => [...before, move]));
  for (const history of histories(4))
    for (const hasSides of [false, true]) {
      const valve = new Valve(2, hasSides);
      let last = -Infinity;
      for (const move of history) {
        const now = moves[move]?.(valve) ?? NaN;
        if (!(now >= last)) expect.fail(`${history.join(' ')}: ${now} after ${last}`);
        last = now;
      }
    }
});
