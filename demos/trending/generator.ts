/**
 * A day and two hours of a music service, invented from a seed, in the order in which the plays arrive.
 *
 * Listeners come in sessions along a curve of the day, choose songs by Zipf's law and by the hour, and skip some.
 * A play is reported when it is over, and the report takes its time:
 *
 *     97 %            0 to 15 s      the usual network
 *     3 %             up to 2 min    a bad one: this is what the watermark waits for
 *     1 in 1,200      2 to 15 min    a tunnel: windows that have fired miss it, the later ones count it
 *     1 in 20,000     65 min to 3 h  a phone that was offline: too late for every window
 *     1 in 150,000    never mind     a player with a broken clock: no event time, a dead letter
 */
import { pickIndex, seededRandom, weightedIndex } from '../shared/random.js';
import type { Random } from '../shared/random.js';
import { catalogue, viralSong } from './catalogue.js';
import type { Song } from './catalogue.js';

export interface Play {
  readonly userId: string;
  readonly songId: string;
  readonly title: string;
  readonly artist: string;
  readonly country: string;
  /** When the play was over: event time, epoch ms; NaN from a broken clock. */
  readonly at: number;
  /** How long it was listened to. */
  readonly ms: number;
}

export interface GeneratorOptions {
  readonly seed: number;
  /** How many plays in all, exactly. */
  readonly events: number;
}

/** Friday, 6 March 2026, midnight UTC. */
export const dayStart = Date.UTC(2026, 2, 6);

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const minutesCount = 26 * 60;
const dayEnd = dayStart + minutesCount * minuteMs;
const usersCount = 40_000;

/** Shorter listens are skips, here and in the royalties of the real world. */
export const heardMs = 30_000;

const countries = ['DE', 'FR', 'US', 'BR', 'JP', 'SE', 'NG', 'IN', 'MX', 'PL'];
const zipf = weightedIndex(catalogue.map((_song, index) => 1 / (index + 12)));

/** The plays of a seed, in order of arrival; each call begins again and gives the same plays. */
export function* plays(options: GeneratorOptions): Generator<Play> {
  const world = new World(options);
  for (let minute = 0; minute < minutesCount || world.isWaiting; minute += 1) {
    if (minute < minutesCount) world.listen(minute);
    yield* world.arrivals(minute);
  }
}

interface Arrival {
  readonly at: number;
  readonly play: Play;
}

/** What has been played and not yet arrived, by minute of arrival. Sessions begin in order, so nothing is held long. */
class World {
  readonly #random: Random;
  readonly #events: number;
  readonly #curve = dayCurve();
  readonly #underway = new Map<number, Arrival[]>();
  #played = 0;

  constructor({ seed, events }: GeneratorOptions) {
    this.#random = seededRandom(seed);
    this.#events = events;
  }

  get isWaiting(): boolean {
    return this.#underway.size > 0;
  }

  /** Begins as many sessions as the curve of the day asks for until the end of this minute. */
  listen(minute: number): void {
    const wanted = Math.round(this.#events * (this.#curve[minute] ?? 1));
    while (this.#played < wanted) this.#session(dayStart + (minute + this.#random()) * minuteMs);
  }

  /** Everything that arrives within the minute, in order. */
  arrivals(minute: number): Play[] {
    const arrived = this.#underway.get(minute) ?? [];
    this.#underway.delete(minute);
    return arrived.toSorted((a, b) => a.at - b.at).map(({ play }) => play);
  }

  #session(start: number): void {
    const random = this.#random;
    const user = Math.floor(usersCount * random() ** 2);
    const country = countries[user % countries.length] ?? 'DE';
    let now = start;
    do {
      const song = chooseSong(random, now);
      const ms = listenedMs(random, song);
      now += ms + 1000 + random() * 4000;
      this.#report({ userId: `u${user}`, country, song, ms, at: Math.floor(now) });
    } while (random() < 0.86 && this.#played < this.#events && now < dayEnd);
  }

  #report(played: { userId: string; country: string; song: Song; ms: number; at: number }): void {
    const { userId, country, song, ms, at } = played;
    this.#played += 1;
    const arrivesAt = at + delayMs(this.#random, this.#played);
    const play: Play = {
      userId,
      songId: song.id,
      title: song.title,
      artist: song.artist,
      country,
      at: this.#played % 150_000 === 99_999 ? NaN : at,
      ms,
    };
    const minute = Math.floor((arrivesAt - dayStart) / minuteMs);
    const arrivals = this.#underway.get(minute);
    if (arrivals === undefined) this.#underway.set(minute, [{ at: arrivesAt, play }]);
    else arrivals.push({ at: arrivesAt, play });
  }
}

/** How much of all has been played by the end of each minute: quiet at four, busy at half past eight and at nine. */
function dayCurve(): number[] {
  const bump = (hour: number, at: number, width: number): number =>
    Math.exp(-(((hour - at) / width) ** 2));
  const busy = Array.from({ length: minutesCount }, (_, minute) => {
    const hour = minute / 60;
    const evening = bump(hour, 20, 3.2) + bump(hour, -3, 2.5);
    return 0.12 + 0.55 * bump(hour, 8.5, 1.6) + 0.4 * bump(hour, 13, 2.5) + 0.85 * evening;
  });
  const total = busy.reduce((sum, part) => sum + part, 0);
  let sum = 0;
  return busy.map((part) => (sum += part) / total);
}

/** A song by its popularity, taken or left by how well it suits the hour. */
function chooseSong(random: Random, now: number): Song {
  const hour = (now - dayStart) / hourMs;
  if (random() < viralShare(hour)) return viralSong;
  for (;;) {
    const song = catalogue[zipf(random)] as Song;
    const suits = 1 + song.swing * Math.cos(((hour - song.bestHour) / 24) * 2 * Math.PI);
    if (random() * 1.8 < suits) return song;
  }
}

/** The share of all plays: nothing until three, then faster and faster, and from seven in the evening slowly less. */
function viralShare(hour: number): number {
  const rise = 0.033 / (1 + Math.exp(-(hour - 15.96) / 0.3));
  return rise * Math.exp(-Math.max(0, hour - 19) / 4);
}

function listenedMs(random: Random, song: Song): number {
  const kind = random();
  if (kind < 0.22) return 2000 + pickIndex(random, heardMs - 2000);
  if (kind < 0.34) return heardMs + pickIndex(random, song.lengthMs - heardMs);
  return song.lengthMs;
}

function delayMs(random: Random, number: number): number {
  if (number % 20_000 === 7777) return (65 + random() * 115) * minuteMs;
  const kind = random();
  if (kind < 1 / 1200) return (2 + random() * 13) * minuteMs;
  if (kind < 0.03) return 15_000 + random() * 104_000;
  return random() ** 2 * 15_000;
}
