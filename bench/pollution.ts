/**
 * Makes a process like a real one, in which shared code has seen more than one pipeline: eight of them run, with other
 * closures and other shapes of events than those of the cases, so that no call site of a library stays monomorphic.
 */
import { from, filter as rxFilter, lastValueFrom, map as rxMap, scan, type Observable } from 'rxjs';

const EVENTS = 20_000;

/** Eight shapes of events. */
const shapes: readonly ((n: number) => Shape)[] = [
  (n) => ({ id: n, weight: n % 7 }),
  (n) => ({ id: n, name: `n${n % 50}`, weight: n % 5 }),
  (n) => ({ weight: n % 3, id: n }),
  (n) => ({ flag: n % 2 === 0, id: n, weight: n % 11 }),
  (n) => ({ id: n, tags: ['a', 'b'], weight: n % 13 }),
  (n) => ({ id: n, nested: { deep: n }, weight: n * 0.5 }),
  (n) => ({ price: n / 3, id: n, weight: n % 17 }),
  (n) => ({ id: n, text: 'text', size: n % 9, weight: n % 19 }),
];

interface Shape {
  readonly id: number;
  readonly weight: number;
}

export async function pollute(): Promise<void> {
  for (const [number, shape] of shapes.entries()) {
    const events = Array.from({ length: EVENTS }, (_, n) => shape(n));
    await lastValueFrom(rxPipeline(number, from(events)));
  }
}

/** Closures of its own for each number: a closure made twice by the same code shares its feedback. */
function rxPipeline(number: number, events: Observable<Shape>): Observable<unknown> {
  switch (number) {
    case 0:
      return events.pipe(rxMap((e) => ({ ...e, twice: e.weight * 2 })), rxFilter((e) => e.twice > 2), rxMap((e) => e.twice));
    case 1:
      return events.pipe(rxMap((e) => [e.id, e.weight]), rxFilter((pair) => pair[0] !== 3), scan((sum, pair) => sum + (pair[1] ?? 0), 0));
    case 2:
      return events.pipe(rxFilter((e) => e.weight !== 1), rxMap((e) => `${e.id}`), rxMap((text) => text.length));
    case 3:
      return events.pipe(scan((seen, e) => seen.set(e.weight, e.id), new Map<number, number>()), rxMap((seen) => seen.size));
    case 4:
      return events.pipe(rxMap((e) => e.id + e.weight), rxFilter((n) => n % 2 === 0), scan((most, n) => Math.max(most, n), 0));
    case 5:
      return events.pipe(rxMap((e) => ({ key: e.id % 10, half: e.weight / 2 })), scan((last, e) => ({ key: last.key, half: e.half }), { key: 0, half: 0 }));
    case 6:
      return events.pipe(rxFilter((e) => e.id > 5), rxMap((e) => e.weight > 3), rxFilter(Boolean));
    default:
      return events.pipe(scan((count) => count + 1, 0), rxMap((count) => ({ count })), rxFilter(({ count }) => count > 1));
  }
}
