/**
 * Measures a case: a process for each variant and condition, all of them kept waiting while one works, run in turn,
 * round after round. So a noisy neighbour on the machine meets all variants, and ratios are taken within a round.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { variantNames, variantOf, type BenchCase, type VariantName } from './case.js';
import type { Outcome } from './measure.js';
import type { Options } from './options.js';
import type { Answer, Condition, Order } from './protocol.js';

export interface Measured {
  readonly benchCase: BenchCase;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly variant: VariantName;
  readonly condition: Condition;
  /** One per round. */
  readonly nsPerEvent: readonly number[];
  /** Undefined where it was not measured. */
  readonly heapBytesPerKey: number | undefined;
}

const WARM_UP_ROUNDS = 2;

export async function measureCase(benchCase: BenchCase, options: Options): Promise<Measured> {
  const workers = (['clean', 'polluted'] as const).flatMap((condition) =>
    variantNames(benchCase).map((variant) => new Worker({ benchCase, variant, condition })),
  );
  const checksums = new Checksums(benchCase);
  try {
    await Promise.all(workers.map((worker) => worker.prepare(options.quick)));
    for (const worker of workers) checksums.compare(worker, await worker.run('check'));
    for (let round = 0; round < WARM_UP_ROUNDS + options.runs; round += 1) {
      // Rotated, so that nobody always runs behind the same neighbour.
      const first = round % workers.length;
      for (const worker of [...workers.slice(first), ...workers.slice(0, first)]) {
        const outcome = await worker.run('full');
        checksums.compare(worker, outcome);
        if (round >= WARM_UP_ROUNDS) worker.nsPerEvent.push(outcome.nsPerEvent);
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
}

/** A measuring process. */
class Worker implements Row {
  readonly variant: VariantName;
  readonly condition: Condition;
  readonly nsPerEvent: number[] = [];
  heapBytesPerKey: number | undefined;
  readonly #case: string;
  readonly #process: ChildProcess;

  constructor({ benchCase, variant, condition }: WorkerOptions) {
    this.variant = variant;
    this.condition = condition;
    this.#case = benchCase.name;
    const main = fileURLToPath(new URL('main.js', import.meta.url));
    this.#process = fork(main, ['--child'], { execArgv: ['--expose-gc'] });
  }

  async prepare(quick: boolean): Promise<void> {
    const { variant, condition } = this;
    await this.#ask({ kind: 'prepare', case: this.#case, variant, condition, quick });
  }

  async run(what: 'check' | 'full' | 'memory'): Promise<Outcome> {
    const answer = await this.#ask({ kind: 'run', what });
    if (answer.kind !== 'outcome') throw new Error(`expected an outcome from ${this.name}`);
    return answer.outcome;
  }

  async weigh(): Promise<void> {
    const { heapBytesPerKey } = await this.run('memory');
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
    const exited = once(this.#process, 'exit').then(([code]) => {
      throw new Error(`the process of ${this.name} ended with ${code}`);
    });
    this.#process.send(order);
    const [answer] = (await Promise.race([answered, exited])) as [Answer];
    if (answer.kind === 'failed') throw new Error(`${this.name} failed: ${answer.message}`);
    return answer;
  }
}

/** Fails as soon as two variants of one job do not come to the same results. */
class Checksums {
  readonly #benchCase: BenchCase;
  readonly #seen = new Map<string, { readonly name: string; readonly text: string }>();

  constructor(benchCase: BenchCase) {
    this.#benchCase = benchCase;
  }

  compare({ variant, name }: Worker, { fed, outputs, checksum }: Outcome): void {
    const { job = this.#benchCase.name } = variantOf(this.#benchCase, variant);
    const text = `${outputs} results with checksum ${checksum >>> 0}`;
    const id = `${job} ${fed}`;
    const other = this.#seen.get(id);
    if (other === undefined) this.#seen.set(id, { name, text });
    else if (other.text !== text)
      throw new Error(`after ${fed} events ${name} has ${text}, but ${other.name} has ${other.text}`);
  }
}
