/**
 * An invented audience, and the loop that posts what it plays to the service over real HTTP.
 *
 * Each song is liked in waves of its own length, so that favourites rise, meet and fall. Plays are reported late:
 * most within a second, a few after the windows have been told, and some from phones that were offline for minutes.
 */
import { pickIndex, seededRandom, weightedIndex } from '../shared/random.js';
import type { Random } from '../shared/random.js';
import { catalogue } from '../trending/catalogue.js';
import type { ServiceClock } from './clock.js';
import type { Play } from './pipeline.js';

const songsCount = 24;
/** How often somebody listens to anything outside the favourites. */
const strayShare = 0.06;
/** Weights are a table that is made anew so often, in ms. */
const tasteMs = 1_000;

interface Wave {
  readonly song: string;
  readonly periodMs: number;
  readonly phase: number;
  readonly swing: number;
  readonly fame: number;
}

/** The plays of a seed: the same calls give the same plays. */
export class Audience {
  readonly #random: Random;
  readonly #waves: readonly Wave[];
  readonly #startedAt: number;
  #draw: (random: Random) => number = () => 0;
  #drawnFor = NaN;

  constructor(seed: number, startedAt: number) {
    const random = seededRandom(seed);
    this.#random = random;
    this.#startedAt = startedAt;
    this.#waves = Array.from({ length: songsCount }, (_, index) => ({
      song: titleOf(pickIndex(random, catalogue.length)),
      periodMs: 70_000 + random() * 130_000,
      phase: random() * 2 * Math.PI,
      swing: 0.8 + random() * 1.2,
      fame: 1 / (index + 8),
    }));
  }

  /** The next `count` plays, as they are reported at `now`, epoch ms. */
  plays(count: number, now: number): Play[] {
    return Array.from({ length: count }, () => this.#play(now));
  }

  #play(now: number): Play {
    const random = this.#random;
    const taste = Math.floor((now - this.#startedAt) / tasteMs);
    if (taste !== this.#drawnFor) {
      this.#drawnFor = taste;
      this.#draw = weightedIndex(this.#waves.map((wave) => liking(wave, taste * tasteMs)));
    }
    const song =
      random() < strayShare
        ? titleOf(pickIndex(random, catalogue.length))
        : (this.#waves[this.#draw(random)] as Wave).song;
    return { song, at: now - Math.floor(delayMs(random)), seconds: listened(random) };
  }
}

/** Posts plays until it is stopped. At most one request is under way; what is missed meanwhile is not made up for. */
export class AudienceLoop {
  readonly #audience: Audience;
  readonly #url: string;
  readonly #clock: ServiceClock;
  readonly #perSecond: number;
  readonly #abort = new AbortController();
  readonly #end: () => void;
  #underway: Promise<void> | undefined;
  #owed = 0;
  #at: number;
  #accepted = 0;
  #failed = 0;

  /** @param options.url of the service, such as `http://127.0.0.1:8787` */
  constructor(options: { url: string; clock: ServiceClock; perSecond: number; seed: number }) {
    const { url, clock, perSecond, seed } = options;
    this.#url = url;
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#at = clock.now();
    this.#audience = new Audience(seed, this.#at);
    this.#end = clock.every(100, () => this.#tick());
  }

  /** Plays that the service took. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Requests that it did not take. */
  get failed(): number {
    return this.#failed;
  }

  /** Resolves once no request is under way any more. */
  async stop(): Promise<void> {
    this.#end();
    this.#abort.abort();
    await this.#underway;
  }

  #tick(): void {
    const now = this.#clock.now();
    const passedMs = Math.min(1_000, Math.max(0, now - this.#at));
    this.#at = now;
    this.#owed = Math.min(500, this.#owed + (passedMs * this.#perSecond) / 1000);
    const count = Math.floor(this.#owed);
    if (this.#underway !== undefined || count === 0) return;
    this.#owed -= count;
    this.#underway = this.#post(this.#audience.plays(count, now)).finally(() => {
      this.#underway = undefined;
    });
  }

  async #post(plays: readonly Play[]): Promise<void> {
    try {
      const response = await fetch(`${this.#url}/plays`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(plays),
        signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(5_000)]),
      });
      await response.body?.cancel();
      if (response.status === 202) this.#accepted += plays.length;
      else this.#failed += 1;
    } catch {
      // Refused, reset, or too slow: an audience does not mind, it plays the next song.
      if (!this.#abort.signal.aborted) this.#failed += 1;
    }
  }
}

function titleOf(index: number): string {
  const song = catalogue[index];
  return song === undefined ? 'Silence' : `${song.title} · ${song.artist}`;
}

function liking({ periodMs, phase, swing, fame }: Wave, ms: number): number {
  return fame * Math.exp(swing * Math.sin((2 * Math.PI * ms) / periodMs + phase));
}

function delayMs(random: Random): number {
  const kind = random();
  if (kind < 1 / 800) return 70_000 + random() * 180_000;
  if (kind < 0.01) return random() * 20_000;
  return random() ** 2 * 1_500;
}

function listened(random: Random): number {
  return random() < 0.2 ? 2 + pickIndex(random, 28) : 30 + pickIndex(random, 200);
}
