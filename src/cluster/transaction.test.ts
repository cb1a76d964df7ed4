/** One transaction after another, call by call: the order of calls, and what each kind of answer leads to. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Transaction } from './transaction.js';
import type { Answer, Call, Outcome } from './transaction-state.js';

const NONE: Answer = { code: 0 };

/** A machine whose owner is ready, with id 7 and epoch 3. */
function ready(): Transaction<string> {
  const machine = new Transaction<string>();
  expect(machine.answered(take(machine), { code: 0, producerId: 7, producerEpoch: 3 })).toEqual({
    kind: 'ready',
  });
  return machine;
}

function take(machine: Transaction<string>): Call<string> {
  const call = machine.take();
  if (call === undefined) throw new Error('there is nothing to send');
  return call;
}

/** Sends everything, with success, until the outcome. */
function finish(machine: Transaction<string>): { sent: string[]; outcome: Outcome | undefined } {
  const sent: string[] = [];
  for (let call = machine.take(); call !== undefined; call = machine.take()) {
    sent.push(line(call));
    const outcome = machine.answered(call, { code: 0, producerId: 7, producerEpoch: 4 });
    if (outcome !== undefined) return { sent, outcome };
  }
  return { sent, outcome: undefined };
}

function line(call: Call<string>): string {
  if (call.kind === 'init') return `init ${call.producerId}/${call.producerEpoch}`;
  if (call.kind === 'addPartitions') return `add ${call.partitions.join(',')}`;
  if (call.kind === 'produce') return `${call.batch} to ${call.partition} at ${call.baseSequence}`;
  return call.commit ? 'commit' : 'abort';
}

describe('when everything is answered', () => {
  test('a new owner fences all others first', () => {
    const machine = new Transaction<string>();
    expect(line(take(machine))).toBe('init -1/-1');
    expect(machine.take()).toBeUndefined();
  });

  test('partitions are added before their records, and the end comes last', () => {
    const machine = ready();
    machine.write('a', 'x', 10);
    machine.write('b', 'y', 1);
    machine.write('a', 'z', 5);
    machine.commit();
    expect(finish(machine)).toEqual({
      sent: ['add a,b', 'x to a at 0', 'z to a at 10', 'y to b at 0', 'commit'],
      outcome: { kind: 'committed' },
    });
  });

  test('sequences go on in the next transaction of the same epoch', () => {
    const machine = ready();
    for (const expected of ['x to a at 0', 'x to a at 4']) {
      machine.write('a', 'x', 4);
      machine.commit();
      expect(finish(machine).sent).toContain(expected);
    }
  });

  test('sequences go round at 2^31', () => {
    const machine = ready();
    machine.state.sequences['a'] = 2 ** 31 - 2;
    machine.write('a', 'x', 5);
    machine.write('a', 'y', 1);
    machine.commit();
    expect(finish(machine).sent.slice(1, 3)).toEqual([`x to a at ${2 ** 31 - 2}`, 'y to a at 3']);
  });

  test('records go out before the commit is asked for, one batch per partition at a time', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.write('a', 'y', 1);
    machine.answered(take(machine), NONE);
    const first = take(machine);
    expect(machine.take()).toBeUndefined();
    machine.answered(first, NONE);
    expect(line(take(machine))).toBe('y to a at 1');
  });

  test('an abort that is asked for keeps the epoch and the sequences', () => {
    const machine = ready();
    machine.write('a', 'x', 3);
    machine.answered(take(machine), NONE);
    const under = take(machine);
    expect(machine.abort()).toBeUndefined();
    expect(machine.take()).toBeUndefined();
    machine.answered(under, NONE);
    expect(finish(machine)).toEqual({
      sent: ['abort'],
      outcome: { kind: 'aborted', cause: undefined },
    });
    machine.write('a', 'y', 1);
    machine.commit();
    expect(finish(machine).sent).toEqual(['add a', 'y to a at 3', 'commit']);
  });

  test('an abort of what was never sent is known at once', () => {
    const machine = ready();
    machine.write('a', 'x', 3);
    expect(machine.abort()).toEqual({ kind: 'aborted', cause: undefined });
    expect(machine.take()).toBeUndefined();
  });
});

describe('when something was not done for certain', () => {
  test('the same call is sent again, after a lookup where the broker was the wrong one', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.answered(take(machine), { code: 51 });
    const again = take(machine);
    expect(again).toMatchObject({ kind: 'addPartitions', attempt: 1, moved: false });
    machine.answered(again, { code: 16 });
    expect(take(machine)).toMatchObject({ kind: 'addPartitions', attempt: 2, moved: true });
  });

  test('a batch keeps its sequence', () => {
    const machine = ready();
    machine.write('a', 'x', 9);
    machine.answered(take(machine), NONE);
    machine.answered(take(machine), { code: 6 });
    expect(take(machine)).toMatchObject({ batch: 'x', baseSequence: 0, attempt: 1, moved: true });
  });
});

describe('when there is no answer', () => {
  test('to a commit, it is repeated until it is answered, and a new epoch begins', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.commit();
    machine.answered(take(machine), NONE);
    machine.answered(take(machine), NONE);
    for (let attempt = 0; attempt < 3; attempt++) {
      const end = take(machine);
      expect(end).toMatchObject({ kind: 'end', commit: true, attempt });
      expect(machine.lost(end)).toBeUndefined();
    }
    expect(machine.answered(take(machine), NONE)).toEqual({ kind: 'committed' });
    machine.write('a', 'y', 1);
    machine.commit();
    expect(finish(machine)).toEqual({
      sent: ['init 7/3', 'add a', 'y to a at 0', 'commit'],
      outcome: { kind: 'committed' },
    });
  });

  test.each([
    ['no answer', (machine: Transaction<string>, call: Call<string>) => machine.lost(call)],
    [
      'a timeout in it',
      (machine: Transaction<string>, call: Call<string>) => machine.answered(call, { code: 7 }),
    ],
  ])('to a record, or %s, the transaction is aborted, and a new epoch begins', (_, fail) => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.write('b', 'y', 1);
    machine.answered(take(machine), NONE);
    const [first, second] = [take(machine), take(machine)];
    expect(fail(machine, first)).toBeUndefined();
    expect(machine.isOpen).toBe(false);
    // The shard has not heard yet: what it writes and asks for is for nothing.
    machine.write('a', 'z', 1);
    machine.commit();
    expect(machine.take()).toBeUndefined();
    machine.answered(second, NONE);
    const { sent, outcome } = finish(machine);
    expect(sent).toEqual(['abort']);
    expect(outcome).toMatchObject({ kind: 'aborted' });
    expect(finish(machine).sent).toEqual(['init 7/3']);
    expect(machine.state.producerEpoch).toBe(4);
  });

  test('to the adding of partitions, a coordinator that knows of nothing has nothing to abort', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.lost(take(machine));
    const end = take(machine);
    expect(line(end)).toBe('abort');
    expect(machine.answered(end, { code: 48 })).toEqual({ kind: 'aborted', cause: 'no answer' });
    expect(line(take(machine))).toBe('init 7/3');
  });

  test('to init, it is repeated as it was', () => {
    const machine = new Transaction<string>();
    machine.lost(take(machine));
    expect(take(machine)).toMatchObject({ kind: 'init', producerId: -1, attempt: 1 });
  });
});

describe('when it is over', () => {
  test.each([47, 90, 4711])('code %i drops the shard, which sends nothing more', (code) => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.write('b', 'y', 1);
    machine.answered(take(machine), NONE);
    const [first, second] = [take(machine), take(machine)];
    expect(machine.answered(first, { code })).toMatchObject({ kind: 'dropped', cause: { code } });
    expect(machine.lost(second)).toBeUndefined();
    machine.write('a', 'z', 1);
    machine.commit();
    expect(machine.abort()).toBeUndefined();
    expect(machine.take()).toBeUndefined();
  });

  test('a commit that is refused leaves the truth to the next owner', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.commit();
    machine.answered(take(machine), NONE);
    machine.answered(take(machine), NONE);
    expect(machine.answered(take(machine), { code: 48 })).toMatchObject({
      kind: 'dropped',
      cause: { name: 'INVALID_TXN_STATE' },
    });
  });

  test('a record that will never be taken aborts the transaction, and is named', () => {
    const machine = ready();
    machine.write('a', 'x', 1);
    machine.answered(take(machine), NONE);
    machine.answered(take(machine), { code: 10 });
    expect(finish(machine)).toMatchObject({
      sent: ['abort'],
      outcome: { kind: 'aborted', cause: { name: 'MESSAGE_TOO_LARGE' } },
    });
  });
});

test('what a shard does in the wrong order is a mistake of ours', () => {
  const machine = ready();
  expect(() => machine.commit()).toThrow('a transaction holds something');
  machine.write('a', 'x', 1);
  const call = take(machine);
  machine.commit();
  expect(() => machine.write('a', 'y', 1)).toThrow('a transaction is open');
  expect(() => machine.abort()).toThrow('a transaction is open');
  machine.answered(call, NONE);
  expect(() => machine.answered(call, NONE)).toThrow('add is under way');
});

test('whatever is answered, at most one end is under way, alone, and behind all records', () => {
  const codes = fc.constantFrom(0, 0, 0, 0, 51, 16, 6, 7, 10, -1);
  fc.assert(
    fc.property(fc.infiniteStream(codes), fc.infiniteStream(fc.nat(3)), (answers, choices) => {
      const machine = ready();
      for (const name of ['a', 'b', 'a', 'c']) machine.write(name, 'x', 2);
      machine.commit();
      const under: Call<string>[] = [];
      for (let step = 0; step < 60; step++) {
        for (let call = machine.take(); call !== undefined; call = machine.take()) under.push(call);
        if (under.some(({ kind }) => kind === 'end' || kind === 'init'))
          expect(under).toHaveLength(1);
        const [call] = under.splice((choices.next().value ?? 0) % Math.max(1, under.length), 1);
        if (call === undefined) break;
        const code = answers.next().value ?? 0;
        machine.answered(call, { code, producerId: 7, producerEpoch: 9 });
        if (machine.state.phase === 'dropped') return;
      }
      expect(machine.state.ending).toBeUndefined();
    }),
    { numRuns: 100 },
  );
});
