/**
 * Every order in which elements, barriers, idle marks and ends of two and three inputs can arrive at a task, through the
 * real task: what is frozen with an epoch is what stood in front of its barriers, nothing is lost, nothing waits for ever.
 */
import { describe, expect, test } from 'vitest';
import { map, pipeline, unchecked, union } from '../index.js';
import type { Flow } from '../core/flow.js';
import { KeyedStore } from '../state/slots.js';
import { FlowQueue } from './channel.js';
import { planOf } from './plan.js';
import { Task } from './task.js';

const three = pipeline(
  'three',
  { a: unchecked<string>(), b: unchecked<string>(), c: unchecked<string>() },
  ({ a, b, c }) =>
    a.pipe(
      union(b, c),
      map((text) => text),
    ),
);
const two = pipeline('two', { a: unchecked<string>(), b: unchecked<string>() }, ({ a, b }) =>
  a.pipe(
    union(b),
    map((text) => text),
  ),
);
const pipelines = { 2: two, 3: three };
const plans = { 2: planOf(two.outputs, 1), 3: planOf(three.outputs, 1) };

/** What one input carries, a letter each: `e`lement, `B`arrier, `i`dle, `a`ctive, end `.` */
type Script = string;

interface Bench {
  readonly log: string[];
  send(input: number, letter: string): void;
  /** Whether something waits in a queue. */
  isWaiting(): boolean;
}

function bench(inputs: 2 | 3, align: boolean): Bench {
  const plan = plans[inputs];
  const log: string[] = [];
  const queues = Array.from({ length: inputs }, () => new FlowQueue());
  const sent = queues.map(() => ({ elements: 0, barriers: 0 }));
  const nodes = [...pipelines[inputs].inputs.values()];
  const task = new Task(
    {
      name: 'all',
      plan,
      stage: plan.stages[0] as (typeof plan.stages)[number],
      shard: 0,
      maxParallelism: 1,
      inputs: nodes.map((node, at) => ({
        kind: 'split',
        node,
        origin: { name: 'in', unit: 'element' },
        queue: queues[at] as FlowQueue,
      })),
      shuffles: [],
      sinks: new Map([
        [
          'output',
          {
            isFull: false,
            element: (value: unknown) => void log.push(String(value)),
            barrier: () => undefined,
            end: () => void log.push('end'),
          },
        ],
      ]),
      pressure: { isFull: false },
      host: {
        isGuarded: false,
        now: () => 0,
        stateOf: (_uid, spec) => new KeyedStore({ spec, maxParallelism: 1, durable: false }),
        late: () => undefined,
        dead: () => undefined,
        frozen: (epoch) => void log.push(`frozen ${epoch}`),
      },
    },
    { sliced: true, align },
  );
  const flowOf = (input: number, letter: string): Flow => {
    const count = sent[input] as (typeof sent)[number];
    if (letter === 'B') return { kind: 'barrier', epoch: (count.barriers += 1) };
    if (letter === 'i') return { kind: 'idle' };
    if (letter === 'a') return { kind: 'active' };
    if (letter === '.') return { kind: 'end' };
    count.elements += 1;
    return {
      kind: 'chunk',
      values: [`${input}${'abc'[count.barriers] ?? '?'}${count.elements}`],
      timestamps: [NaN],
      keys: [],
      positions: [count.elements],
      derivedKeys: [],
      origin: { name: 'in', unit: 'element' },
    };
  };
  return {
    log,
    send(input, letter) {
      queues[input]?.push(flowOf(input, letter));
      while (task.step());
    },
    isWaiting: () => queues.some((queue) => !queue.isEmpty),
  };
}

/** Every interleaving of the scripts. */
function* interleavings(lengths: readonly number[]): Generator<number[]> {
  if (lengths.every((length) => length === 0)) {
    yield [];
    return;
  }
  for (const [input, length] of lengths.entries()) {
    if (length === 0) continue;
    const rest = lengths.map((other, index) => (index === input ? other - 1 : other));
    for (const tail of interleavings(rest)) yield [input, ...tail];
  }
}

/** Plain, since `expect` would take most of the time. */
function law(holds: boolean, text: string, where: () => string): void {
  if (!holds) throw new Error(`${text}: broken by ${where()}`);
}

/** The elements of a log in front of the freeze of each epoch, and behind the last one. */
function cut(log: readonly string[], epochs: number): string[][] {
  const parts: string[][] = [[]];
  let frozen = 0;
  for (const entry of log) {
    if (entry === `frozen ${frozen + 1}`) {
      frozen += 1;
      parts.push([]);
    } else if (entry !== 'end') parts.at(-1)?.push(entry);
  }
  return frozen === epochs ? parts : [];
}

function playAll(scripts: readonly Script[], align: boolean): number {
  const inputs = scripts.length as 2 | 3;
  const epochs = countOf('B', scripts[0]);
  const elements = scripts.map((script) => countOf('e', script));
  let played = 0;
  for (const order of interleavings(scripts.map(({ length }) => length))) {
    // A task that aligns may find the next barrier waiting behind a held one; otherwise the coordinator rules it out.
    if (!align && !isOneEpochAtATime(scripts, order)) continue;
    const { log, send, isWaiting } = bench(inputs, align);
    const at = scripts.map(() => 0);
    for (const input of order) {
      send(input, scripts[input]?.[at[input] ?? 0] ?? '');
      at[input] = (at[input] ?? 0) + 1;
      law(align || !isWaiting(), 'at least once nothing waits', () => shown(scripts, order, log));
    }
    const where = (): string => shown(scripts, order, log);
    const parts = cut(log, epochs);
    law(parts.length === epochs + 1, 'each epoch is frozen once, in order', where);
    law(!isWaiting(), 'nothing waits for ever', where);
    const all = parts.flat();
    law(all.length === elements.reduce((sum, count) => sum + count, 0), 'nothing is lost', where);
    for (const [epoch, part] of parts.entries())
      for (const entry of part) {
        const own = 'abc'.indexOf(entry[1] ?? '');
        law(align ? own === epoch : own >= epoch, 'an epoch is whole', where);
      }
    for (let input = 0; input < inputs; input += 1) {
      const mine = all.filter((entry) => entry.startsWith(String(input)));
      law(
        mine.every((entry, index) => entry.endsWith(String(index + 1))),
        'the order within an input stays',
        where,
      );
    }
    const ended = scripts.every((script) => script.includes('.'));
    law(log.includes('end') === ended, 'the end is that of all inputs', where);
    played += 1;
  }
  return played;
}

function countOf(letter: string, script: Script = ''): number {
  return script.split(letter).length - 1;
}

/** Whether no input brings the barrier of an epoch before all have brought that of the epoch before. */
function isOneEpochAtATime(scripts: readonly Script[], order: readonly number[]): boolean {
  const at = scripts.map(() => 0);
  const barriers = scripts.map(() => 0);
  return order.every((input) => {
    const letter = scripts[input]?.[at[input] ?? 0];
    at[input] = (at[input] ?? 0) + 1;
    if (letter !== 'B') return true;
    barriers[input] = (barriers[input] ?? 0) + 1;
    return (barriers[input] ?? 0) - Math.min(...barriers) <= 1;
  });
}

function shown(
  scripts: readonly Script[],
  order: readonly number[],
  log: readonly string[],
): string {
  return `${scripts.join(' | ')} in the order ${order.join('')}: ${log.join(' ')}`;
}

/** All scripts with so many barriers, of the given stretches between them; an end has only barriers behind it. */
function scriptsOf(stretches: readonly string[], barriers: number): Script[] {
  let scripts: string[] = [''];
  for (let stretch = 0; stretch <= barriers; stretch += 1)
    scripts = scripts.flatMap((before) =>
      (before.includes('.') ? [''] : stretches).map(
        (letters) => before + letters + (stretch < barriers ? 'B' : ''),
      ),
    );
  return scripts;
}

describe.each([
  ['exactly once', true],
  ['at least once', false],
])('%s', (_name, align) => {
  test('two inputs, one epoch, everything between the barriers', () => {
    let played = 0;
    const scripts = scriptsOf(['', 'e', 'i', 'iae', '.', 'e.'], 1);
    for (const first of scripts)
      for (const second of scripts) {
        if (first.length + second.length <= 7) played += playAll([first, second], align);
      }
    expect(played).toBeGreaterThan(5000);
  });

  test('two inputs, two epochs', () => {
    let played = 0;
    const scripts = scriptsOf(['', 'e', '.'], 2);
    for (const first of scripts)
      for (const second of scripts) played += playAll([first, second], align);
    expect(played).toBeGreaterThan(align ? 10_000 : 1000);
  });

  test('three inputs', () => {
    let played = 0;
    const scripts = ['eBe', 'B', '.B', 'iB', 'eB.'];
    for (const first of scripts)
      for (const second of scripts)
        for (const third of scripts) played += playAll([first, second, third], align);
    expect(played).toBeGreaterThan(10_000);
  });
});
