/** The songs of the invented music service: titles, artists, and at what time of day each is liked best. */
import { pick, pickIndex, seededRandom } from '../shared/random.js';
import type { Random } from '../shared/random.js';

export interface Song {
  readonly id: string;
  readonly title: string;
  readonly artist: string;
  readonly lengthMs: number;
  /** Hour of the day at which it is played most. */
  readonly bestHour: number;
  /** How much the hour matters to it, 0 (not at all) to 1. */
  readonly swing: number;
}

/** How many songs there are; the first one is the most popular. */
const songsCount = 1200;

/** The song that nobody knows in the morning stands this far down. */
const viralRank = 1000;

const colours = `Amber Azure Copper Crimson Indigo Ivory Ochre Pewter Saffron Scarlet Silver Tangerine Umber Violet
  Paper Velvet Cobalt Marble Linen Porcelain`;
const moods = `Borrowed Crooked Distant Drowsy Feral Gentle Hollow Lucky Patient Quiet Reckless Restless Sleepless
  Slow Stubborn Sudden Tender Unsent Wandering Weightless`;
const things = `Almanac Antenna Balcony Bicycle Carousel Cinema Compass Elevator Ferry Gardener Harbour Hourglass
  Jukebox Lantern Lighthouse Meadow Monsoon Motorway Orchard Pendulum Postcard Quarry Raincoat Satellite Seagull
  Staircase Telegram Tramline Umbrella Viaduct Weathercock Windmill`;
const places = `Ankerveld Bellmoor Castelrosso Dunwater Esmerel Fjordholm Grünau Halloway Isola Juniper Karlshaven
  Lindenfurt Montverre Nordby Ostermoor Streetlight Pineford Quayside Rosenhill Sandgate Tarnbeck Upperton Valmora`;
const firstNames = `Ada Benno Clementine Dario Elodie Farid Greta Hamza Ines Jorun Kaito Leonie Mirek Noor Ottilie
  Paloma Quentin Rasmus Salome Tadeo Ulla Vesna Wanda Yusra Zelda`;
const lastNames = `Ashgrove Birkenfeld Calloway-Reed Dovetail Everwind Fennimore Glasswater Holloran Ironwood Kestrelby
  Larkspur Moonraker Nightingdale Oakensby Pemberwick Quillon Ravenshaw Silverthorn Thistlewood Underhay`;
const bandNouns = `Aviaries Cartographers Clockmakers Ferrymen Fireworks Gardeners Lamplighters Locksmiths
  Matchsticks Orchardists Paperboys Postmasters Semaphores Stevedores Weathervanes`;

const words = (text: string): readonly string[] => text.split(/\s+/);

/** The whole catalogue, the same in every run, most popular first. */
export const catalogue: readonly Song[] = makeCatalogue();

/** The song that goes viral in the afternoon. */
export const viralSong: Song = catalogue[viralRank] as Song;

const byId = new Map(catalogue.map((song) => [song.id, song]));

export function songOf(id: string): Song | undefined {
  return byId.get(id);
}

function makeCatalogue(): Song[] {
  const random = seededRandom(1971);
  const artists = Array.from({ length: 160 }, () => artistName(random));
  const titles = new Set<string>();
  while (titles.size < songsCount) titles.add(title(random));
  return [...titles].map((text, rank) => {
    const isViral = rank === viralRank;
    return {
      id: `s${String(rank + 1).padStart(4, '0')}`,
      title: isViral ? 'Lemonade Thunder' : text,
      artist: isViral ? 'Pia Quillfeather' : pick(random, artists),
      lengthMs: 140_000 + pickIndex(random, 110_000),
      bestHour: random() * 24,
      swing: isViral ? 0 : 0.2 + 0.6 * random(),
    };
  });
}

function title(random: Random): string {
  const thing = pick(random, words(things));
  const place = pick(random, words(places));
  switch (pickIndex(random, 6)) {
    case 0:
      return `${pick(random, words(colours))} ${thing}`;
    case 1:
      return `${thing} to ${place}`;
    case 2:
      return `${pick(random, words(moods))} Nights in ${place}`;
    case 3:
      return `The ${pick(random, words(moods))} ${thing}`;
    case 4:
      return `${pickIndex(random, 11) + 1} a.m., ${place}`;
    default:
      return `${pick(random, words(colours))} ${pick(random, words(things))} Waltz`;
  }
}

function artistName(random: Random): string {
  const kind = pickIndex(random, 3);
  if (kind === 0) return `The ${pick(random, words(colours))} ${pick(random, words(bandNouns))}`;
  if (kind === 1)
    return `${pick(random, words(firstNames))} & the ${pick(random, words(bandNouns))}`;
  return `${pick(random, words(firstNames))} ${pick(random, words(lastNames))}`;
}
