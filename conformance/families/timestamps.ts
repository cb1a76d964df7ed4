/** Timestamps and watermarks in the words of the user: cases of Flink's operator for them against `eventTime`. */
import { defineWatermarks, type Watermarks } from '../../src/dsl/event-time-watermarks.js';
import { eventTime } from '../../src/dsl/event-time.js';
import type { Case, Check, Fields } from '../case.js';
import { compareValue } from '../compare.js';
import { NotApplicable } from '../drive.js';
import { OperatorSubject } from '../operator-subject.js';

/** @throws NotApplicable */
export function timestampsSubject(testCase: Case): OperatorSubject {
  const { given, input } = testCase;
  const timestamp = timestampsOf[given['timestamp'] as string];
  if (timestamp === undefined)
    throw new Error(`a timestamp that this runner does not know: ${String(given['timestamp'])}`);
  const times = input.flatMap((step) => ('el' in step ? [timestamp(step['el'])] : []));
  if (times.some((time) => !Number.isFinite(time)))
    throw new NotApplicable('timestamps of MIN and MAX: refused on purpose');
  return new TimestampsSubject(testCase, {
    build: (root) =>
      root.pipe(
        eventTime<unknown>({
          timestamp,
          watermarks: watermarksOf(given),
          maxFuture: false,
          allowNegative: true,
        }),
      ),
    exhaustive: false,
  });
}

class TimestampsSubject extends OperatorSubject {
  override check(check: Check): void {
    const { timestamps } = check;
    if (timestamps === undefined) return super.check(check);
    const out = this.rig.take().out.flatMap((item) => ('v' in item ? [item.ts] : []));
    compareValue(timestamps, out, 'timestamps');
  }
}

const timestampsOf: Readonly<Record<string, (value: unknown) => number>> = {
  value: Number,
  'value[1]': (value) => Number((value as unknown[])[1]),
};

interface State {
  last: number;
}

/** Both say what comes to their minds; that the watermark never goes back is left to `eventTime`. */
function watermarksOf(given: Fields): Watermarks<unknown> {
  const interval = (given['autoWatermarkInterval'] as number | undefined) ?? 200;
  const create = (): State => ({ last: NaN });
  // Flink asks no generator in batch mode; there is no such mode here, but a generator may be silent.
  const generator = given['mode'] === 'batch' ? 'never' : given['generator'];
  switch (generator) {
    case 'never':
      return defineWatermarks({ create, element: () => undefined });
    case 'punctuatedIfFlag':
      return defineWatermarks({
        create,
        element(value: unknown) {
          const [flag, time] = value as readonly [boolean, number];
          return flag ? time : undefined;
        },
      });
    case 'periodicLastMinusOne':
      return defineWatermarks({
        create,
        interval,
        element(_value: unknown, timestamp, state) {
          state.last = timestamp;
        },
        periodic: ({ last }) => (Number.isNaN(last) ? undefined : last - 1),
      });
    default:
      throw new Error(`a generator that this runner does not know: ${String(generator)}`);
  }
}
