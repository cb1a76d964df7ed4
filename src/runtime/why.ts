/**
 * `why`: why nothing comes out. Which steps wait, for which watermark, what holds it back, and what to do about it.
 *
 * The report is put together when it is asked for, from what the run knows anyway, so it costs nothing before.
 */
import { TidemarkError, show } from '../core/errors.js';
import { plainName, type GraphNode } from '../core/graph.js';
import type { Counters } from '../core/operator.js';
import { explainCause } from './why-causes.js';
import { whyTime, type WhyHolder, type WhyReport, type WhyStep } from './why-report.js';
import { causesOf, type Inside, type InsideTask, type Site } from './why-trace.js';
import { textOf } from './why-words.js';

/** How `why` gets to see what a run is made of; nobody else's business. */
export const inside: unique symbol = Symbol('tidemark.inside');

/** What can be asked: a run. */
export interface Explicable {
  readonly [inside]?: () => Inside;
}

/**
 * Says why nothing comes out: which windows and timers wait, for which watermark, what holds it back (down to the split
 * of the source), and what would help. It may be asked at any time, also before a run has started and after its end; it
 * changes nothing.
 *
 * @param run what `run(…)` has given; in a test use `harness.why()`
 *
 * @example
 * import { collect, eventTime, iterable, keyBy, pipeline, process, run, unchecked, why } from 'tidemark';
 * const reminders = pipeline('reminders', unchecked<{ at: number }>(), (calls) =>
 *   calls.pipe(
 *     eventTime({ timestamp: (call) => call.at, outOfOrderness: '10s' }),
 *     keyBy(() => 'all'),
 *     process({
 *       uid: 'remind',
 *       element: (call: { at: number }, { timers }) => timers.setEventTime(call.at + 60_000),
 *     }),
 *   ),
 * );
 * const job = run(reminders, { from: iterable([{ at: 5_000 }]), to: collect({ uid: 'out' }) });
 * console.log(why(job).text); // => reminders is opening its state. Ask again once it runs.
 * await job.done;
 * console.log(why(job).steps.map(({ name, waiting }) => `${name}: ${waiting}`)); // => [ 'remind: 0' ]
 *
 * @throws TidemarkError OPTIONS_INVALID for something that is not a run
 */
export function why(run: Explicable): WhyReport {
  const look = (run as Explicable | undefined | null)?.[inside];
  if (look === undefined)
    throw new TidemarkError('OPTIONS_INVALID', {
      expected: 'what run(...) has given',
      got: show(run),
      where: 'why()',
      hint: 'Ask the run itself, not its promise; in a test ask the harness: t.why().',
    });
  return whyOf(look());
}

/** The report of what a run is made of. */
export function whyOf(parts: Inside): WhyReport {
  const steps = timedNodes(parts).map((node) => stepOf(parts, node));
  const known = new Set(steps.map(({ name }) => name));
  const dropped = Object.entries(parts.counters).flatMap(([name, { late, dead, filtered }]) =>
    known.has(name) || late + dead + filtered === 0 ? [] : [[name, { late, dead, filtered }]],
  );
  const facts = {
    pipeline: parts.pipeline,
    phase: parts.phase,
    steps,
    dropped: Object.fromEntries(dropped),
    blocked: parts.tasks.flatMap(({ task }) => (task.isBlocked ? [task.spec.name] : [])),
  };
  const text = textOf(facts, parts.epoch);
  return { ...facts, text, toString: () => text };
}

interface Place extends Site {
  readonly waiting: number;
  readonly earliest: number;
  readonly clockTimers: number;
  readonly clockNext: number;
  readonly keys: number;
}

/** Steps with state, over all stages, each once. */
function timedNodes({ tasks }: Inside): GraphNode[] {
  const nodes = tasks.flatMap(({ task }) => task.spec.stage.nodes);
  return [...new Set(nodes)].filter(
    (node) => node.kind === 'operator' && node.spec.state !== undefined,
  );
}

function stepOf(parts: Inside, node: GraphNode): WhyStep {
  const name = parts.tasks[0]?.task.spec.plan.names.get(node) ?? '';
  const places = parts.tasks.flatMap((one) => placeOf(one, node, name));
  const sum = (field: 'waiting' | 'clockTimers' | 'keys'): number =>
    places.reduce((total, place) => total + place[field], 0);
  const reached = (place: Site): number => place.task.wiring.frontier.input(place.node);
  const watermark = Math.min(...places.map(reached));
  const waiting = places.filter((place) => place.waiting > 0);
  const earliest = Math.min(...waiting.map((place) => place.earliest));
  const clockNext = Math.min(...places.map((place) => place.clockNext));
  const behind = waiting.filter((place) => reached(place) < place.earliest);
  return {
    name,
    kind: plainName(node),
    watermark: whyTime(watermark),
    waiting: sum('waiting'),
    needs: Number.isFinite(earliest) ? earliest : undefined,
    behindMs:
      Number.isFinite(earliest) && Number.isFinite(watermark)
        ? Math.max(0, earliest - watermark)
        : undefined,
    clockTimers: sum('clockTimers'),
    clockDueInMs: clockNext === Infinity ? undefined : Math.max(0, clockNext - parts.now),
    keys: sum('keys'),
    counters: { ...(parts.counters[name] ?? noCounters) },
    heldBy: holdersOf(parts, behind, earliest),
  };
}

const noCounters: Counters = {
  received: 0,
  accepted: 0,
  late: 0,
  dead: 0,
  filtered: 0,
  refused: 0,
};

function placeOf({ task, stores }: InsideTask, node: GraphNode, name: string): Place[] {
  const index = task.spec.stage.nodes.indexOf(node);
  const store = stores.get(name);
  if (index < 0 || store === undefined) return [];
  const { eventTimers, processingTimers, size } = store;
  const own = task.wiring.operatorOf(name)?.waiting?.();
  return [
    {
      task,
      node: index,
      waiting: own?.count ?? eventTimers.size,
      earliest: own?.earliest ?? eventTimers.next(),
      clockTimers: processingTimers.size,
      clockNext: processingTimers.next(),
      keys: size,
    },
  ];
}

/** What holds the places back, each of it once. */
function holdersOf(parts: Inside, places: readonly Place[], time: number): WhyHolder[] {
  const tasks = parts.tasks.map(({ task }) => task);
  const holders = new Map<string, WhyHolder>();
  for (const place of places)
    for (const cause of causesOf(tasks, place, place.earliest)) {
      const holder = explainCause(cause, parts, time);
      const key = JSON.stringify([holder.kind, holder.path.at(-1), holder.input, holder.split]);
      if (!holders.has(key)) holders.set(key, holder);
    }
  return [...holders.values()];
}
