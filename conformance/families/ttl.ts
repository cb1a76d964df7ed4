/** State with a time to live: cases of Flink's TTL states against the state handles of `process`. */
import { keyBy } from '../../src/dsl/key-by.js';
import { process } from '../../src/dsl/process.js';
import type { TtlOptions } from '../../src/state/ttl.js';
import type { Case, Check, Fields } from '../case.js';
import { compareSet, compareValue } from '../compare.js';
import { Mismatch, drive, type DriveOptions, type Subject } from '../drive.js';
import { Rig } from '../rig.js';
import type { FunctionContext } from './program.js';
import { entriesOf, stateKinds, type StateKind } from './ttl-kinds.js';

/** @throws Mismatch, NotApplicable */
export function runTtl(testCase: Case, options: DriveOptions): void {
  drive(testCase, () => new TtlSubject(testCase.given), options);
}

/** What is done to the state of a key. */
interface Order {
  readonly key: string;
  readonly act: (handle: unknown) => unknown;
}

/** Elements after which the sweeper has been everywhere: cases have a handful of keys and entries. */
const SWEEPS = 64;

const FIRST_KEY = 'defaultKey';

class TtlSubject implements Subject {
  readonly #given: Fields;
  readonly #rig: Rig;
  readonly #kind: StateKind;
  readonly #isMap: boolean;
  #key = FIRST_KEY;
  #value: unknown;

  constructor(given: Fields) {
    const kind = stateKinds[given['state'] as string];
    if (kind === undefined)
      throw new Error(`a state that this runner does not know: ${String(given['state'])}`);
    this.#given = given;
    this.#kind = kind;
    this.#isMap = given['state'] === 'map';
    this.#rig = rigOf(kind, ttlOf(given));
  }

  step(step: Fields): void {
    const { clock } = this.#rig;
    if ('time' in step) clock.time = step['time'] as number;
    else if ('key' in step) this.#key = step['key'] as string;
    else if ('snapshot' in step) this.#snapshot(step['snapshot'] as string);
    else if ('restore' in step) {
      const { time } = clock;
      this.#rig.restore(step['restore'] as string);
      clock.time = time;
      this.#key = FIRST_KEY;
    } else this.#act(step);
  }

  check(check: Check): void {
    if ('value' in check) this.#compare(check['value']);
    if (check['storedAfterwards'] !== false) return;
    const { store } = this.#rig;
    const slot = store.find(this.#key);
    if (slot !== undefined && !store.spec.isEmpty(slot.live))
      throw new Mismatch(`expected nothing to be stored for ${this.#key} any more`);
  }

  #snapshot(name: string): void {
    this.#rig.snapshot(name);
    if (this.#given['cleanup'] === 'fullSnapshot') this.#sweep(name);
  }

  /**
   * Flink leaves what has expired out of such a snapshot, and keeps it in the running state. Tidemark has a sweeper
   * instead, that works on the running state; so here it works on a copy, before the snapshot is kept.
   */
  #sweep(name: string): void {
    const { clock } = this.#rig;
    const copy = rigOf(this.#kind, { ...ttlOf(this.#given), cleanup: 'incremental' });
    copy.adopt(name, this.#rig.snapshotOf(name));
    copy.restore(name);
    copy.clock.time = clock.time;
    const idle: Order = { key: 'nobody', act: () => undefined };
    for (let turn = 0; turn < SWEEPS; turn += 1) copy.element(idle);
    copy.snapshot(name);
    this.#rig.adopt(name, copy.snapshotOf(name));
  }

  #act(step: Fields): void {
    const order: Order = { key: this.#key, act: (handle) => this.#kind.step(handle, step) };
    this.#rig.element(order);
    const [item] = this.#rig.take().out;
    this.#value = item !== undefined && 'v' in item ? item.v : undefined;
  }

  /** A whole map is compared as a set of entries. */
  #compare(expected: unknown): void {
    const got = this.#value;
    const isWhole = this.#isMap && Array.isArray(got) && got.every(Array.isArray);
    if (isWhole && typeof expected === 'object' && expected !== null)
      compareSet(entriesOf(expected), got, 'value');
    else compareValue(expected, got, 'value');
  }
}

function rigOf(kind: StateKind, ttl: TtlOptions): Rig {
  return new Rig({
    build: (root) =>
      root.pipe(
        keyBy((order) => (order as Order).key),
        process({
          uid: 'ttl',
          state: { state: kind.declare({ ttl }) },
          element: (order, context) => [
            (order as unknown as Order).act((context as FunctionContext).state?.['state']),
          ],
        }),
      ),
  });
}

function ttlOf(given: Fields): TtlOptions {
  const { ttl, updateType, visibility } = given;
  return {
    // MAX means never; this is as long as a duration may be.
    after: ttl === Infinity ? Number.MAX_SAFE_INTEGER : (ttl as number),
    time: 'processing',
    update: updateType === 'OnReadAndWrite' ? 'onReadAndWrite' : 'onCreateAndWrite',
    visibility:
      visibility === 'ReturnExpiredIfNotCleanedUp'
        ? 'returnExpiredIfNotCleanedUp'
        : 'neverReturnExpired',
    cleanup: 'none',
  };
}
