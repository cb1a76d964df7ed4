/** The observables of the service: plays go into a Subject, charts come out of the pipeline, the newest one is kept. */
import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Connection } from '../../src/index.js';
import type { ServiceClock } from './clock.js';
import { liveTrends, pulseMs } from './pipeline.js';
import type { LiveTrends, Play, Pulse, Ranking } from './pipeline.js';

/** A chart as clients get it. */
export interface Chart {
  /** Counts the charts of this run of the service, from 1; 0 before the first. */
  readonly number: number;
  /** Event time in epoch ms; `end` is exclusive. Null before the first chart. */
  readonly window: { readonly start: number; readonly end: number } | null;
  /** Most played first. */
  readonly places: readonly Place[];
  /** Plays since the start of the service. */
  readonly taken: number;
  /** Of these, how many came too late for every window. */
  readonly late: number;
}

export interface Place {
  readonly rank: number;
  readonly song: string;
  readonly plays: number;
}

/** What the routes and the streams know of the observables. */
export interface ChartSource {
  readonly latest: Chart;
  readonly charts$: Observable<Chart>;
  /** Why there will be no more charts; undefined while all is well. */
  readonly failure: unknown;
  take(plays: readonly Play[]): void;
}

export class Trends implements ChartSource {
  readonly charts$: Observable<Chart>;
  readonly #charts$ = new Subject<Chart>();
  readonly #plays$ = new Subject<Play>();
  readonly #pulse$ = new Subject<Pulse>();
  readonly #connection: Connection<unknown>;
  readonly #endPulse: () => void;
  #latest: Chart = { number: 0, window: null, places: [], taken: 0, late: 0 };
  #taken = 0;
  #late = 0;
  #failure: unknown;

  /** @param definition for tests that need one that fails */
  constructor(clock: ServiceClock, definition: LiveTrends = liveTrends()) {
    this.charts$ = this.#charts$.asObservable();
    const connection = definition.connect({ plays: this.#plays$, pulse: this.#pulse$ });
    this.#connection = connection;
    connection.outputs.charts.subscribe({
      next: (ranking) => this.#onRanking(ranking),
      error: (error: unknown) => this.#onFailure(error),
    });
    // Both outputs fail together, and charts have told it already.
    connection.outputs.late.subscribe({ next: () => (this.#late += 1), error: () => undefined });
    connection.start();
    this.#endPulse = clock.every(pulseMs, () => this.#pulse$.next({ at: clock.now() }));
  }

  get latest(): Chart {
    return this.#latest;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** Hands plays to the pipeline; the charts that they complete have been told when it returns. */
  take(plays: readonly Play[]): void {
    for (const play of plays) {
      if (this.#failure !== undefined) return;
      this.#taken += 1;
      this.#plays$.next(play);
    }
  }

  /**
   * Ends the run. The plays are not completed: that would be the end of time, and fire the sixty windows that are
   * still open, each with less in it than the one before.
   */
  stop(): void {
    this.#endPulse();
    this.#connection.stop();
    this.#charts$.complete();
  }

  #onRanking({ per: end, top }: Ranking): void {
    const places = top.map(({ key, value }, index) => ({
      rank: index + 1,
      song: key,
      plays: value,
    }));
    const window = { start: top[0]?.window.start ?? end, end };
    const number = this.#latest.number + 1;
    this.#latest = { number, window, places, taken: this.#taken, late: this.#late };
    this.#charts$.next(this.#latest);
  }

  #onFailure(error: unknown): void {
    this.#failure = error ?? new Error('the pipeline failed without saying why');
    this.#endPulse();
    this.#charts$.error(this.#failure);
  }
}
