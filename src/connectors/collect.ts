/**
 * Collects outputs in an array of this process: the sink of tests, examples and small scripts.
 *
 * It is transactional as long as the process lives: a value appears when its epoch is committed, exactly once, also
 * over crashes that a test simulates inside the process. It dies with the process: what was collected is in no
 * commit, so a new process begins with an empty array, behind what the former one had already seen.
 */
import { z } from 'zod';
import type { Prepared, Sink, SinkInstance, SinkWriter } from '../core/connector.js';
import { checkName } from '../core/graph.js';
import { checkOptions } from '../dsl/options.js';

export interface CollectOptions {
  /** Names the sink among those of the job: 1 to 64 characters out of A-Z a-z 0-9 . _ - */
  readonly uid: string;
}

export interface CollectSink<T> extends Sink<T> {
  /** What has become visible so far: at the commit in an exactly-once job, at once in an at-least-once job. */
  readonly values: T[];
}

const schema = z.strictObject({ uid: z.string() });

/** What the commit holds of an epoch: only its name, since the values live here. */
const preparedSchema = z.object({ staged: z.string() });

/**
 * A sink whose `values` can be looked at. The values themselves are kept, not copies of them.
 *
 * @example
 * import { collect, nodeRuntime } from 'tidemark';
 *
 * const sink = collect<number>({ uid: 'out' });
 * const writer = await sink.open(
 *   { job: 'example', uid: 'out', instance: 0, guarantee: 'exactly-once' },
 *   nodeRuntime(),
 * );
 * await writer.write([1, 2], [Number.NaN, Number.NaN]);
 * const prepared = await writer.prepare(1);
 * console.log(sink.values.length);
 * // => 0
 * await writer.publish(prepared);
 * console.log(sink.values.join());
 * // => 1,2
 *
 * @throws TidemarkError OPTIONS_INVALID, UID_INVALID
 */
export function collect<T>(options: CollectOptions): CollectSink<T> {
  const { uid } = checkOptions(schema, options, 'collect()');
  checkName(uid, 'collect(), uid');
  const values: T[] = [];
  const staged = new Map<string, T[]>();
  const publish = (prepared: Prepared): Promise<void> => {
    const name = preparedSchema.safeParse(prepared).data?.staged;
    if (name !== undefined) append(values, staged.get(name) ?? []);
    // Published once, or staged in a process that is gone: a repeat finds nothing.
    if (name !== undefined) staged.delete(name);
    return Promise.resolve();
  };
  return {
    uid,
    guarantee: 'transactional',
    allowDuplicates: false,
    values,
    async recover(prepared, { job }) {
      for (const one of prepared) await publish(one);
      for (const name of staged.keys()) if (name.startsWith(`${job}/`)) staged.delete(name);
    },
    open: (instance) =>
      Promise.resolve(
        instance.guarantee === 'exactly-once'
          ? stagingWriter(instance, staged, publish)
          : immediateWriter(values),
      ),
  };
}

function stagingWriter<T>(
  { job, instance }: SinkInstance,
  staged: Map<string, T[]>,
  publish: SinkWriter['publish'],
): SinkWriter {
  let pending: T[] = [];
  return {
    write: (values) => append(pending, values as readonly T[]),
    prepare(epoch) {
      if (pending.length === 0) return Promise.resolve(undefined);
      const name = `${job}/${instance}/${epoch}`;
      staged.set(name, pending);
      pending = [];
      return Promise.resolve({ staged: name });
    },
    publish,
    close: () => Promise.resolve(),
  };
}

function immediateWriter<T>(target: T[]): SinkWriter {
  return {
    write: (values) => append(target, values as readonly T[]),
    prepare: () => Promise.resolve(undefined),
    publish: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** One by one, because `push(...values)` overflows the stack on large epochs. */
function append<T>(target: T[], values: readonly T[]): void {
  for (const value of values) target.push(value);
}
