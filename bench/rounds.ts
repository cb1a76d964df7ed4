/**
 * Measures a case: a process for each variant and condition, all of them kept waiting while one works, run in turn,
 * round after round. So a noisy neighbour on the machine meets all variants, and ratios are taken within a round.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { jobOf, variantNames, type BenchCase, type Measures, type VariantName } from './case.js';
import type { Sizes } from './feed.js';
import { sizesOf, type Outcome } from './measure.js';
import type { Options } from './options.js';
import type { Answer, Condition, Order } from './protocol.js';

export interface Measured {
  readonly benchCase: BenchCase;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly variant: VariantName;
  readonly condition: Condition;
  /** By the clock on the wall, one per round. */
  readonly nsPerEvent: readonly number[];
  /** Worked by all threads of the process, one per round. */
  readonly cpuNsPerEvent: readonly number[];
  /** Undefined where it was not measured. */
  readonly heapBytesPerKey: number | undefined;
  /** What the variant has measured itself, one per round. */
  readonly measures: readonly Measures[];
}

const WARM_UP_ROUNDS = 2;

export async function measureCase(benchCase: BenchCase, options: Options): Promise<Measured> {
  const { conditions = ['clean', 'polluted'], runsOnce = false } = benchCase;
  const warmUps = runsOnce ? 0 : WARM_UP_ROUNDS;
  const rounds = warmUps + (runsOnce ? 1 : options.runs);
  const workers = conditions.flatMap((condition) =>
    variantNames(benchCase).map(
      (variant) => new Worker({ benchCase, variant, condition, quick: options.quick }),
    ),
  );
  const checksums = new Checksums(benchCase, workers);
  try {
    await Promise.all(workers.map((worker) => worker.prepare()));
    if (!runsOnce) for (const worker of workers) await checksums.expect(worker);
    for (let round = 0; round < rounds; round += 1) {
      // Rotated, so that nobody always runs behind the same neighbour.
      const first = round % workers.length;
      for (const worker of [...workers.slice(first), ...workers.slice(0, first)]) {
        const outcome = await worker.run();
        checksums.compare(worker, outcome);
        if (round >= warmUps) worker.note(outcome);
      }
    }
    if (benchCase.measuresMemory) for (const worker of workers) await worker.weigh();
  } finally {
    for (const worker of workers) worker.stop();
  }
  return { benchCase, rows: workers };
}

interface WorkerOptions {
  readonly benchCase: BenchCase;
  readonly variant: VariantName;
  readonly condition: Condition;
  readonly quick: boolean;
}

/** A measuring process. */
class Worker implements Row {
  readonly variant: VariantName;
  readonly condition: Condition;
  readonly sizes: Sizes;
  readonly nsPerEvent: number[] = [];
  readonly cpuNsPerEvent: number[] = [];
  readonly measures: Measures[] = [];
  heapBytesPerKey: number | undefined;
  readonly #case: string;
  readonly #process: ChildProcess;
  readonly #died: Promise<never>;

  constructor({ benchCase, variant, condition, quick }: WorkerOptions) {
    this.variant = variant;
    this.sizes = sizesOf(benchCase, variant, quick);
    this.condition = condition;
    this.#case = benchCase.name;
    const main = fileURLToPath(new URL('main.js', import.meta.url));
    this.#process = fork(main, ['--child'], { execArgv: ['--expose-gc'] });
    this.#died = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`the process of ${this.name} ended with ${code ?? signal}`);
    });
    // It also ends when it is told to; then nobody waits any more.
    this.#died.catch(() => undefined);
  }

  async prepare(): Promise<void> {
    const { variant, condition } = this;
    await this.#ask({ kind: 'prepare', case: this.#case, variant, condition });
  }

  async run({ sizes = this.sizes, watchesHeap = false } = {}): Promise<Outcome> {
    const answer = await this.#ask({ kind: 'run', sizes, watchesHeap });
    if (answer.kind !== 'outcome') throw new Error(`expected an outcome from ${this.name}`);
    return answer.outcome;
  }

  note({ nsPerEvent, cpuNsPerEvent, measures }: Outcome): void {
    this.measures.push(measures);
    this.nsPerEvent.push(nsPerEvent);
    this.cpuNsPerEvent.push(cpuNsPerEvent);
  }

  async weigh(): Promise<void> {
    const { heapBytesPerKey } = await this.run({ watchesHeap: true });
    this.heapBytesPerKey = heapBytesPerKey;
  }

  get name(): string {
    return `${this.#case} ${this.variant} (${this.condition})`;
  }

  stop(): void {
    this.#process.kill();
  }

  async #ask(order: Order): Promise<Answer> {
    const answered = once(this.#process, 'message');
    this.#process.send(order);
    const [answer] = (await Promise.race([answered, this.#died])) as [Answer];
    if (answer.kind === 'failed') throw new Error(`${this.name} failed: ${answer.message}`);
    return answer;
  }
}

/** Fails as soon as a variant does not come to the results of the first one of its job: the loop by hand. */
class Checksums {
  readonly #benchCase: BenchCase;
  readonly #workers: readonly Worker[];
  readonly #expected = new Map<string, string>();

  constructor(benchCase: BenchCase, workers: readonly Worker[]) {
    this.#benchCase = benchCase;
    this.#workers = workers;
  }

  /** Lets the loop by hand say what has to come out of the runs of a variant. */
  async expect(worker: Worker): Promise<void> {
    const id = this.#idOf(worker);
    if (this.#expected.has(id)) return;
    const job = this.#jobOf(worker);
    const reference = this.#workers.find((candidate) => this.#jobOf(candidate) === job) ?? worker;
    this.#expected.set(id, resultsOf(await reference.run({ sizes: worker.sizes })));
  }

  /** Where nobody has been asked before, the first one says what has to come out. */
  compare(worker: Worker, outcome: Outcome): void {
    const results = resultsOf(outcome);
    const expected = this.#expected.get(this.#idOf(worker)) ?? results;
    this.#expected.set(this.#idOf(worker), expected);
    if (results !== expected)
      throw new Error(`expected ${expected} from ${worker.name}, got ${results}`);
  }

  #jobOf({ variant }: Worker): string {
    return jobOf(this.#benchCase, variant);
  }

  #idOf(worker: Worker): string {
    return `${this.#jobOf(worker)} ${worker.sizes.events}`;
  }
}

function resultsOf({ fed, outputs, checksum }: Outcome): string {
  return `${outputs} results with checksum ${checksum >>> 0} after ${fed} events`;
}
