/** Numbers, times and spans in words. Times are UTC, so that the same input reads the same everywhere. */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `1234567` is `1,234,567`. */
export function amount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `16:35`. */
export function clockTime(ms: number): string {
  return iso(ms).slice(11, 16);
}

/** `Fri 6 Mar`. */
export function day(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '?';
  return `${days[date.getUTCDay()]} ${date.getUTCDate()} ${months[date.getUTCMonth()]}`;
}

/** `Fri 6 Mar 16:35:07`. */
export function moment(ms: number): string {
  return `${day(ms)} ${iso(ms).slice(11, 19)}`;
}

/** `2026-03-06 16:35:07`, for times that may lie anywhere. */
export function timestamp(ms: number): string {
  const text = iso(ms);
  return text === '?' ? `${ms} ms` : text.slice(0, 19).replace('T', ' ');
}

/** A span in its two largest units: `1 h 5 min`, `2.3 s`. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return 'for ever';
  const minutes = Math.floor(ms / 60_000);
  if (ms < 60_000) return `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.floor(ms / 1000)} s`;
  if (minutes < 60) return withRest(minutes, 'min', Math.floor((ms % 60_000) / 1000), 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return withRest(hours, 'h', minutes % 60, 'min');
  return `${amount(Math.floor(hours / 24))} days`;
}

function withRest(count: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${restUnit}`;
}

/** A Date reaches 270,000 years either way; beyond there is no text. */
function iso(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '?';
  return date.toISOString().replace(/^[+-]\d\d(?=\d{4})/, '');
}
