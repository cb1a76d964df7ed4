/**
 * Law 6: a subscription, the harness and a job give the same output up to the order between keys.
 *
 * Family: differential, all against the oracle. It can see a mode that judges lateness by chunk or by slice, sends
 * another watermark, drops what is pending at the end, loses a key on its way through a codec, or forgets a side.
 */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { Desk } from './async-step.js';
import { cases, meetings, silences, splitCases } from './cases.js';
import { batchOracle } from './batch.js';
import { isOrderedByKey } from './traits.js';
import {
  harnessOf,
  inHarness,
  inJob,
  inLibrary,
  interrupt,
  perform,
  type Interruption,
} from './modes.js';
import { oracle, oracleOf } from './oracle.js';
import { inOrder, interleaved } from './oracle-stream.js';
import { check } from './settings.js';
import { multisetOf, sequencesOf } from './text.js';

const chunks = fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 12 }), fc.constant(1024));

/** The next thing happens, a call is answered, or the harness is interrupted. */
const moves = fc.oneof(
  { weight: 6, arbitrary: fc.constant('next' as const) },
  { weight: 6, arbitrary: fc.nat({ max: 20 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Interruption[]>('checkpoint', 'crash', 'restore'),
  },
);

describe('mode equivalence', () => {
  check(
    'one split, with stragglers: three modes and the oracle',
    fc.asyncProperty(
      cases({ kind: 'ordered', stragglers: true }),
      chunks,
      async ({ description, items }, chunk) => {
        const happenings = inOrder(items);
        const outputs = [
          inLibrary(description, happenings).flat(),
          inHarness(description, happenings).flat(),
          (await inJob(description, [[items]], { chunk })).items,
        ];
        const expected = oracleOf(description, items).items;
        for (const output of outputs) {
          expect(multisetOf(output)).toEqual(multisetOf(expected));
          if (isOrderedByKey(description))
            expect(sequencesOf(output)).toEqual(sequencesOf(expected));
        }
      },
    ),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'the harness, whenever the calls of asynchronous steps are answered, over crashes',
    fc.property(
      cases({ kind: 'ordered', stragglers: true }).filter(({ description: { steps } }) =>
        steps.some(({ step }) => step === 'asyncMap'),
      ),
      fc.array(moves, { maxLength: 100, size: 'max' }),
      ({ description, items }, script) => {
        const desk = new Desk();
        const harness = harnessOf(description, { answering: desk.answering });
        const happenings = inOrder(items);
        const waiting = [...happenings];
        for (const move of script)
          if (typeof move === 'number') desk.answer(move);
          else if (move === 'next')
            waiting.splice(0, 1).forEach((one) => perform(harness, description, one));
          else interrupt(harness, move);
        for (const one of waiting) perform(harness, description, one);
        while (!desk.isEmpty) desk.answer(0);
        expect(multisetOf(harness.output())).toEqual(
          multisetOf(oracleOf(description, items).items),
        );
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'two inputs, happening by happening: a subscription and the harness',
    fc.property(meetings({ kind: 'ordered', stragglers: true }), (meeting) => {
      const { description, first, second, turns } = meeting;
      const happenings = interleaved(inOrder(first, 0), inOrder(second, 1), turns);
      const { stream } = oracle(description, happenings);
      const [library, harness] = [inLibrary, inHarness].map((mode) =>
        mode(description, happenings),
      );
      for (const [index, { elements }] of stream.entries()) {
        const due = multisetOf(elements.map(({ item }) => item));
        expect(multisetOf(library?.[index] ?? []), `subscription, ${index}`).toEqual(due);
        expect(multisetOf(harness?.[index] ?? []), `harness, ${index}`).toEqual(due);
      }
    }),
    { runs: 300, timeoutMs: 60_000 },
  );

  check(
    'two inputs that fall silent and come back, in the harness',
    fc.property(
      meetings({ kind: 'ordered', stragglers: true }).chain(
        ({ description, first, second, turns }) =>
          fc.record({
            description: fc.constant(description),
            happenings: silences(interleaved(inOrder(first, 0), inOrder(second, 1), turns)),
          }),
      ),
      fc.array(fc.constantFrom<Interruption[]>('none', 'none', 'none', 'checkpoint', 'crash'), {
        maxLength: 60,
        size: 'max',
      }),
      ({ description, happenings }, interruptions) => {
        const { stream } = oracle(description, happenings);
        const outputs = inHarness(description, happenings, interruptions);
        for (const [index, { elements }] of stream.entries()) {
          const due = multisetOf(elements.map(({ item }) => item));
          expect(multisetOf(outputs[index] ?? []), `happening ${index}`).toEqual(due);
        }
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'several splits: a job gives what the oracle gives to a heap of elements',
    fc.asyncProperty(splitCases(4), chunks, async ({ description, arrays }, chunk) => {
      const { items } = await inJob(description, [arrays], { chunk });
      expect(multisetOf(items)).toEqual(multisetOf(batchOracle(description, arrays.flat())));
    }),
    { runs: 200, timeoutMs: 60_000 },
  );

  check(
    'two inputs: a job gives what the oracle gives to two heaps',
    fc.asyncProperty(
      meetings({ kind: 'steady', stragglers: false }),
      chunks,
      async ({ description, first, second }, chunk) => {
        const { items } = await inJob(description, [[first], [second]], { chunk });
        expect(multisetOf(items)).toEqual(multisetOf(batchOracle(description, first, second)));
      },
    ),
    { runs: 200, timeoutMs: 60_000 },
  );
});
