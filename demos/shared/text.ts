/** Text in columns of a terminal: colours, widths, and cutting to size. */

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'magenta' | 'cyan';

/** Puts a text in colours, or leaves it as it is. */
export type Paint = (text: string, ...colours: Colour[]) => string;

const codes: Readonly<Record<Colour, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  magenta: 35,
  cyan: 36,
};

export const plain: Paint = (text) => text;

export const coloured: Paint = (text, ...colours) =>
  text === '' || colours.length === 0
    ? text
    : `\u001B[${colours.map((colour) => codes[colour]).join(';')}m${text}\u001B[0m`;

/** How many columns a text takes; letters of East Asia and pictures take two, accents none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of segments(text)) width += columnsOf(segment);
  return width;
}

/** A text in exactly `width` columns: padded, or cut with an ellipsis. Control characters are made visible. */
export function fit(text: string, width: number): string {
  const shown = visible(text);
  const missing = width - widthOf(shown);
  if (missing >= 0) return shown + ' '.repeat(missing);
  if (width <= 0) return '';
  let cut = '';
  let taken = 0;
  for (const { segment } of segments(shown)) {
    const columns = columnsOf(segment);
    if (taken + columns > width - 1) break;
    cut += segment;
    taken += columns;
  }
  return `${cut}…${' '.repeat(width - 1 - taken)}`;
}

/** What comes from a file must not be able to steer the terminal. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}

/** A bar of up to `width` columns in steps of an eighth; whatever is more than nothing can be seen. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  if (eighths === 0) return share > 0 && width > 0 ? '▏' : '';
  return '█'.repeat(eighths >> 3) + (' ▏▎▍▌▋▊▉'[eighths & 7] ?? '').trim();
}

const segmenter = new Intl.Segmenter();

function segments(text: string): Iterable<{ segment: string }> {
  return segmenter.segment(text);
}

function columnsOf(segment: string): number {
  const wide =
    /^(?:[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|.\uFE0F)/u;
  if (/^[\p{Mn}\p{Cf}]*$/u.test(segment)) return 0;
  return wide.test(segment) ? 2 : 1;
}
