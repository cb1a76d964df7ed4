import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AsyncQueue, type Place, type Ticket } from './async-queue.js';

type Action =
  | { readonly put: true }
  | { readonly mark: true }
  | { readonly begin: true }
  /** Which of those that have begun, counted from the oldest. */
  | { readonly finish: number }
  | { readonly take: true }
  | { readonly drop: true };

/** The same, told as simply as can be: one list, searched through each time. */
class Model {
  readonly places: { id: number; isMark: boolean; state: string; finishedAt: number }[] = [];
  #clock = 0;
  readonly #ordered: boolean;
  readonly #capacity: number;

  constructor(ordered: boolean, capacity: number) {
    this.#ordered = ordered;
    this.#capacity = capacity;
  }

  add(id: number, isMark: boolean): void {
    this.places.push({ id, isMark, state: 'waiting', finishedAt: 0 });
  }

  begin(): number | undefined {
    const begun = this.places.filter(({ state }) => state !== 'waiting').length;
    const next = this.places.find(({ isMark, state }) => !isMark && state === 'waiting');
    if (next === undefined || begun >= this.#capacity) return undefined;
    next.state = 'begun';
    return next.id;
  }

  finish(id: number): void {
    const found = this.places.find((place) => !place.isMark && place.id === id);
    if (found === undefined) return;
    found.state = 'finished';
    this.#clock += 1;
    found.finishedAt = this.#clock;
  }

  take(): { id: number; isMark: boolean } | undefined {
    const [head] = this.places;
    if (head === undefined) return undefined;
    if (head.isMark) return this.#remove(head);
    if (this.#ordered) return head.state === 'finished' ? this.#remove(head) : undefined;
    const end = this.places.findIndex(({ isMark }) => isMark);
    const [first] = this.places
      .slice(0, end < 0 ? this.places.length : end)
      .filter(({ state }) => state === 'finished')
      .toSorted((a, b) => a.finishedAt - b.finishedAt);
    return first === undefined ? undefined : this.#remove(first);
  }

  drop(): number | undefined {
    const oldest = this.places.find(({ isMark }) => !isMark);
    return oldest === undefined ? undefined : this.#remove(oldest).id;
  }

  #remove(place: { id: number; isMark: boolean }): { id: number; isMark: boolean } {
    this.places.splice(this.places.indexOf(place as never), 1);
    return { id: place.id, isMark: place.isMark };
  }
}

/** As `toEqual`, which takes longer than all the rest here. */
function same(got: unknown, wanted: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) expect(got).toEqual(wanted);
}

/** Does the same to both, and compares all that can be seen after each action. */
function compareWithModel(ordered: boolean, capacity: number, actions: readonly Action[]): void {
  const queue = new AsyncQueue<{ id: number }>({ ordered, capacity });
  const model = new Model(ordered, capacity);
  let begun: Ticket<{ id: number }>[] = [];
  let id = 0;
  const seen = (place: Place<{ id: number }> | undefined): unknown =>
    place === undefined
      ? undefined
      : { id: place.entry?.id ?? place.time, isMark: place.entry === undefined };
  for (const action of actions) {
    id += 1;
    if ('put' in action) {
      queue.put({ id });
      model.add(id, false);
    } else if ('mark' in action) {
      queue.watermark(id);
      model.add(id, true);
    } else if ('begin' in action) {
      const ticket = queue.begin();
      same(ticket?.entry.id, model.begin());
      if (ticket !== undefined) begun.push(ticket);
    } else if ('finish' in action) {
      const ticket = begun[action.finish % Math.max(1, begun.length)];
      if (ticket === undefined) continue;
      begun = begun.filter((other) => other !== ticket);
      queue.finish(ticket);
      model.finish(ticket.entry.id);
    } else if ('take' in action) same(seen(queue.take()), model.take());
    else same(queue.dropOldest()?.entry.id, model.drop());
    const entries = model.places.filter(({ isMark }) => !isMark);
    const begunEntries = entries.filter(({ state }) => state !== 'waiting').length;
    same(
      [...queue.places()].map(seen),
      model.places.map(({ id: name, isMark }) => ({ id: name, isMark })),
    );
    same(
      [queue.size, queue.entries, queue.begun, queue.isFull, queue.begun <= capacity],
      [model.places.length, entries.length, begunEntries, entries.length >= capacity, true],
    );
  }
}

const simple: readonly Action[] = [
  { put: true },
  { mark: true },
  { begin: true },
  { finish: 0 },
  { finish: 1 },
  { take: true },
  { drop: true },
];

describe('the queue of asynchronous results', () => {
  test.each([true, false])('is its model for all short histories, ordered: %s', (ordered) => {
    // All histories of five actions on a queue that begins with two entries, a watermark and one more entry.
    const start: Action[] = [
      { put: true },
      { put: true },
      { mark: true },
      { put: true },
      { begin: true },
      { begin: true },
    ];
    const histories = (length: number): Action[][] =>
      length === 0
        ? [[]]
        : histories(length - 1).flatMap((rest) => simple.map((action) => [...rest, action]));
    for (const capacity of [1, 2, 3])
      for (const history of histories(4))
        compareWithModel(ordered, capacity, [...start, ...history]);
  });

  test('is its model for long random histories', () => {
    const action: fc.Arbitrary<Action> = fc.oneof(
      { weight: 4, arbitrary: fc.constant<Action>({ put: true }) },
      { weight: 1, arbitrary: fc.constant<Action>({ mark: true }) },
      { weight: 4, arbitrary: fc.constant<Action>({ begin: true }) },
      { weight: 4, arbitrary: fc.record({ finish: fc.nat(20) }) },
      { weight: 4, arbitrary: fc.constant<Action>({ take: true }) },
      { weight: 1, arbitrary: fc.constant<Action>({ drop: true }) },
    );
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1, max: 8 }),
        fc.array(action, { maxLength: 120, size: 'max' }),
        compareWithModel,
      ),
      { numRuns: 300 },
    );
  });

  test('watermarks that find nothing between them take the place of the last one beyond a bound', () => {
    const queue = new AsyncQueue<number>({ ordered: true, capacity: 1 });
    queue.put(1);
    for (let time = 0; time < 5000; time += 1) queue.watermark(time);
    expect(queue.size).toBe(1025);
    const ticket = queue.begin();
    if (ticket === undefined) throw new Error('nothing begins');
    queue.finish(ticket);
    const left: (Place<number> | undefined)[] = [];
    while (queue.size > 0) left.push(queue.take());
    expect(left.at(-1)?.time).toBe(4999);
  });

  test('a long stretch without watermarks gives back the room of what has left', () => {
    const queue = new AsyncQueue<number>({ ordered: false, capacity: 2 });
    queue.put(0);
    queue.begin(); // The first one is never finished.
    for (let id = 1; id < 5000; id += 1) {
      queue.put(id);
      const ticket = queue.begin();
      if (ticket === undefined) throw new Error('nothing begins');
      queue.finish(ticket);
      expect(queue.take()?.entry).toBe(id);
    }
    expect(queue.entries).toBe(1);
  });
});
