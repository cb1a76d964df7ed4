/**
 * The machine against a coordinator of its own size, through every order of events that a few losses allow.
 *
 * The world forks at each thing that may happen: a request arrives, its answer is lost, it is delayed and arrives much
 * later, markers are written, another owner starts, a transaction times out, the coordinator moves. Each transaction
 * goes to two partitions. In each state: both hold the same transactions, one of each, in order; a commit that was
 * reported is there to stay; what was reported as aborted is never seen.
 *
 * The coordinator is as real ones were seen to be, at their worst: it verifies a partition with its first record only,
 * and any InitProducerId with the right id aborts what is open.
 */
import { describe, expect, test } from 'vitest';
import { Transaction } from './transaction.js';
import type { Answer, Call, Outcome, TransactionState } from './transaction-state.js';

const partitions = ['changelog', 'output'];
type Phase = 'empty' | 'ongoing' | 'toCommit' | 'toAbort' | 'committed' | 'aborted';

interface Entry {
  readonly epoch: number;
  /** Number of the transaction, and a name that no other try at it has. */
  readonly number: number;
  readonly attempt: number;
  fate: 'open' | 'committed' | 'aborted';
}
interface Log {
  entries: Entry[];
  epoch: number;
  nextSequence: number;
  /** Whether the transaction of the producer has been verified already. */
  isOpen: boolean;
}
interface Owner {
  state: TransactionState<Entry>;
  /** What it waits for, as it was sent. */
  calls: Call<Entry>[];
  /** The transaction in hand, and the name of this try at it. */
  number: number;
  attempt: number;
  isOver: boolean;
}
interface World {
  phase: Phase;
  epoch: number;
  /** The epoch before a renewal, by which a repeat is known; -2 for none. */
  lastEpoch: number;
  members: string[];
  logs: Record<string, Log>;
  owners: Owner[];
  /** Requests that nobody waits for, still on their way. */
  late: Call<Entry>[];
  attempts: number;
  committed: number[];
  aborted: number[];
  budget: { losses: number; owners: number; timeouts: number; moves: number };
}

const ID = 7;
const ok: Answer = { code: 0 };

function serve(world: World, call: Call<Entry>): Answer {
  if (call.kind === 'init') return initialise(world, call);
  if (call.kind === 'produce') return produce(world, call);
  if (call.producerEpoch !== world.epoch) return { code: 90 };
  const { phase } = world;
  if (call.kind === 'addPartitions') {
    if (phase === 'toCommit' || phase === 'toAbort') return { code: 51 };
    world.members = phase === 'ongoing' ? world.members : [];
    world.members = [...new Set([...world.members, ...call.partitions])];
    world.phase = 'ongoing';
    return ok;
  }
  if (phase === 'ongoing') {
    world.phase = call.commit ? 'toCommit' : 'toAbort';
    return ok;
  }
  if (phase === (call.commit ? 'committed' : 'aborted')) return ok;
  return { code: phase === (call.commit ? 'toCommit' : 'toAbort') ? 51 : 48 };
}

function initialise(world: World, { producerId, producerEpoch }: Call<Entry>): Answer {
  if (world.phase === 'toCommit' || world.phase === 'toAbort') return { code: 51 };
  if (world.phase === 'ongoing') {
    fence(world);
    return { code: 51 };
  }
  const isOwn = producerId >= 0;
  if (isOwn && producerEpoch === world.lastEpoch)
    return { code: 0, producerId: ID, producerEpoch: world.epoch };
  if (isOwn && producerEpoch !== world.epoch) return { code: 90 };
  world.lastEpoch = isOwn ? world.epoch : -2;
  world.epoch++;
  world.phase = 'empty';
  return { code: 0, producerId: ID, producerEpoch: world.epoch };
}

function fence(world: World): void {
  world.epoch++;
  world.lastEpoch = -2;
  world.phase = 'toAbort';
}

function produce(world: World, call: Call<Entry> & { kind: 'produce' }): Answer {
  const log = world.logs[call.partition];
  if (log === undefined) return { code: 3 };
  if (call.producerEpoch < log.epoch) return { code: 47 };
  const isVerified = log.isOpen && log.epoch === call.producerEpoch;
  if (!isVerified) {
    if (call.producerEpoch !== world.epoch) return { code: 47 };
    if (world.phase !== 'ongoing' || !world.members.includes(call.partition)) return { code: 48 };
  }
  const expected = call.producerEpoch > log.epoch ? 0 : log.nextSequence;
  if (call.baseSequence === expected - 1) return ok;
  if (call.baseSequence !== expected) return { code: 45 };
  log.entries.push({ ...call.batch, epoch: call.producerEpoch });
  Object.assign(log, { epoch: call.producerEpoch, nextSequence: expected + 1, isOpen: true });
  return ok;
}

function writeMarkers(world: World): void {
  const fate = world.phase === 'toCommit' ? 'committed' : 'aborted';
  for (const name of world.members) {
    const log = world.logs[name];
    if (log === undefined) continue;
    for (const entry of log.entries) if (entry.fate === 'open') entry.fate = fate;
    if (world.epoch > log.epoch) Object.assign(log, { epoch: world.epoch, nextSequence: 0 });
    log.isOpen = false;
  }
  world.phase = fate;
  world.members = [];
}

function freshWorld(budget: World['budget']): World {
  const logs = partitions.map((name): [string, Log] => [
    name,
    { entries: [], epoch: -1, nextSequence: 0, isOpen: false },
  ]);
  return {
    ...{ phase: 'empty', epoch: -1, lastEpoch: -2, members: [], late: [], owners: [] },
    ...{ logs: Object.fromEntries(logs), attempts: 0, committed: [], aborted: [], budget },
  } as World;
}

function moveAway(world: World): Answer {
  world.budget.moves--;
  return { code: 16 };
}

function seen(world: World, name: string): Entry[] {
  return world.logs[name]?.entries.filter(({ fate }) => fate === 'committed') ?? [];
}

/** What a shard does: reads what is committed, goes on from there, tries again what was aborted. */
function hear(world: World, owner: Owner, outcome: Outcome | undefined, last: number): void {
  if (outcome?.kind === 'ready')
    owner.number = Math.max(0, ...seen(world, 'changelog').map(({ number }) => number));
  if (outcome?.kind === 'dropped') owner.isOver = true;
  if (outcome?.kind === 'committed') world.committed.push(owner.attempt);
  if (outcome?.kind === 'aborted') {
    world.aborted.push(owner.attempt);
    owner.number--;
  }
  if (outcome !== undefined && !owner.isOver && owner.number < last) {
    owner.number++;
    owner.attempt = ++world.attempts;
    const { number, attempt } = owner;
    const machine = new Transaction(owner.state);
    for (const name of partitions)
      machine.write(name, { epoch: -1, number, attempt, fate: 'open' }, 1);
    machine.commit();
  }
  sendAll(owner);
}

function sendAll(owner: Owner): void {
  const machine = new Transaction(owner.state);
  for (let call = machine.take(); call !== undefined; call = machine.take()) {
    owner.calls.push({ ...call, attempt: 0 });
    for (const tries of Object.values(owner.state.tries)) tries.attempt = 1;
  }
}

function startOwner(world: World): void {
  const { state } = new Transaction<Entry>();
  const owner = { state, calls: [], number: 0, attempt: 0, isOver: false };
  world.owners.push(owner);
  sendAll(owner);
}

type Tamper = (state: TransactionState<Entry>, outcome: Outcome | undefined) => void;
interface Scope {
  readonly last: number;
  readonly tamper?: Tamper;
}

/** All worlds that may come next, each made from a copy. */
function* nextWorlds(text: string, { last, tamper }: Scope): Generator<World> {
  const original = JSON.parse(text) as World;
  const fork = (change: (world: World) => void): World => {
    const world = JSON.parse(text) as World;
    change(world);
    return world;
  };
  const told = (
    at: number,
    index: number,
    tell: (world: World, call: Call<Entry>) => Answer | 'lost',
  ) =>
    fork((world) => {
      const owner = world.owners[at];
      const [call] = owner?.calls.splice(index, 1) ?? [];
      if (owner === undefined || call === undefined) return;
      const answer = tell(world, call);
      const machine = new Transaction(owner.state);
      const outcome = answer === 'lost' ? machine.lost(call) : machine.answered(call, answer);
      tamper?.(owner.state, outcome);
      hear(world, owner, outcome, last);
    });
  const { budget } = original;
  for (const [at, { calls }] of original.owners.entries()) {
    for (const [index, { kind }] of calls.entries()) {
      yield told(at, index, serve);
      if (budget.losses > 0) {
        const lose = (before: (world: World, call: Call<Entry>) => void) =>
          told(at, index, (world, call) => {
            world.budget.losses--;
            before(world, call);
            return 'lost';
          });
        yield lose(() => undefined);
        yield lose(serve);
        yield lose((world, call) => world.late.push(call));
      }
      if (budget.moves > 0 && kind !== 'produce') yield told(at, index, (world) => moveAway(world));
    }
  }
  for (const index of original.late.keys())
    yield fork((world) => world.late.splice(index, 1).map((call) => serve(world, call)));
  if (original.phase === 'toCommit' || original.phase === 'toAbort') yield fork(writeMarkers);
  if (original.phase === 'ongoing' && budget.timeouts > 0)
    yield fork((world) => {
      world.budget.timeouts--;
      fence(world);
    });
  const isOrphaned = original.owners.every(({ isOver }) => isOver) && original.owners.length < 4;
  if (budget.owners > 0 || isOrphaned)
    yield fork((world) => {
      if (!isOrphaned) world.budget.owners--;
      startOwner(world);
    });
}

/** What is wrong in this world, or undefined. */
function fault(world: World): string | undefined {
  const [first, second] = partitions.map((name) => seen(world, name));
  const names = (entries: Entry[] = []): string =>
    entries.map(({ number, attempt }) => `${number}/${attempt}`).join(' ');
  if (names(first) !== names(second)) return 'half of a transaction';
  if (first?.some(({ number }, index) => number !== index + 1)) return 'not each once, in order';
  const toBe = partitions.map((name) =>
    (world.logs[name]?.entries ?? [])
      .filter(({ fate }) => fate === 'committed' || (fate === 'open' && world.phase === 'toCommit'))
      .map(({ attempt }) => attempt),
  );
  for (const attempt of world.committed)
    if (!toBe.every((attempts) => attempts.includes(attempt))) return 'a known commit lost';
  for (const attempt of world.aborted)
    if (toBe.some((attempts) => attempts.includes(attempt))) return 'a known abort seen';
  return undefined;
}

interface Explored {
  states: number;
  /** Worlds in which nothing can happen any more. */
  ends: number;
  /** Those of them in which everything is committed. */
  completed: number;
  /** The kinds of faults that were found; a world with a fault is not followed any further. */
  readonly faults: Set<string>;
}

function explore(budget: Partial<World['budget']>, scope: Scope): Explored {
  const start = freshWorld({ losses: 0, owners: 0, timeouts: 0, moves: 0, ...budget });
  startOwner(start);
  const stack = [JSON.stringify(start)];
  const known = new Set(stack);
  const explored: Explored = { states: 0, ends: 0, completed: 0, faults: new Set() };
  for (let text = stack.pop(); text !== undefined; text = stack.pop()) {
    explored.states++;
    let ways = 0;
    for (const world of nextWorlds(text, scope)) {
      ways++;
      const found = fault(world);
      if (found !== undefined) {
        explored.faults.add(found);
        continue;
      }
      const next = JSON.stringify(world);
      if (known.has(next)) continue;
      known.add(next);
      stack.push(next);
    }
    if (ways > 0) continue;
    explored.ends++;
    const { logs } = JSON.parse(text) as World;
    if (logs['output']?.entries.filter(({ fate }) => fate === 'committed').length === scope.last)
      explored.completed++;
  }
  return explored;
}

describe('never commits half, never loses a known commit, never shows a known abort', () => {
  test.each([
    ['one request or answer lost or late', { losses: 1 }, 3],
    ['two requests or answers lost or late', { losses: 2 }, 2],
    ['another owner at any time', { owners: 1 }, 3],
    ['a loss, and another owner at any time', { losses: 1, owners: 1 }, 1],
    ['a loss, and a transaction that times out', { losses: 1, timeouts: 1 }, 2],
    ['a loss, and a coordinator that moves twice', { losses: 1, moves: 2 }, 2],
  ])('with %s', (_, budget, last) => {
    const explored = explore(budget, { last });
    expect([...explored.faults]).toEqual([]);
    expect(explored.ends).toBe(explored.completed);
    expect(explored.states).toBeGreaterThan(100);
  });
});

describe('a machine without one of the rules is found out', () => {
  test('no new epoch after an unanswered call: a late end commits half of the next transaction', () => {
    const tamper: Tamper = (state) => {
      state.mustRenew = false;
      if (state.phase === 'init' && state.producerId >= 0) state.phase = 'live';
    };
    const { faults } = explore({ losses: 1 }, { last: 2, tamper });
    expect([...faults].toSorted()).toEqual(['a known commit lost', 'half of a transaction']);
  });
});
