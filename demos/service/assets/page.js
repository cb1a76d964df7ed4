/**
 * Draws the live chart: one row of SVG per song, which keeps its row while it climbs and falls.
 *
 * Whatever comes from the stream is put into text nodes and numbers, never into markup.
 */

const rowHeight = 46;
const barHeight = 10;
const gutter = 30;
/** Rows that have left are removed after their way out. */
const leavingMs = 700;
const againMs = 5_000;

const chart = document.getElementById('chart');
const rows = new Map();
let latest = { number: 0, window: null, places: [], taken: 0, late: 0 };

const say = (id, text) => (document.getElementById(id).textContent = text);

function element(name, className) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  made.setAttribute('class', className);
  return made;
}

function makeRow(song) {
  const group = element('g', 'row');
  group.setAttribute('role', 'listitem');
  const parts = {
    rank: element('text', 'rank'),
    song: element('text', 'song'),
    plays: element('text', 'plays'),
    track: element('rect', 'track'),
    bar: element('rect', 'bar'),
  };
  for (const text of [parts.rank, parts.song, parts.plays]) text.setAttribute('y', '17');
  parts.rank.setAttribute('x', String(gutter - 10));
  parts.song.setAttribute('x', String(gutter));
  for (const rect of [parts.track, parts.bar]) {
    rect.setAttribute('x', String(gutter));
    rect.setAttribute('y', '26');
    rect.setAttribute('height', String(barHeight));
    rect.setAttribute('rx', String(barHeight / 2));
  }
  parts.bar.style.width = '0px';
  group.append(...Object.values(parts));
  group.style.opacity = '0';
  chart.append(group);
  return { group, ...parts, name: song, fitted: '', leaving: undefined };
}

/** The name of the song, cut with an ellipsis when it is longer than its line. */
function fitName(row, width) {
  const key = `${Math.round(width)} ${row.group.dataset.rank === '1'}`;
  if (row.fitted === key) return;
  row.fitted = key;
  const letters = [...row.name];
  row.song.textContent = row.name;
  let low = 0;
  let high = letters.length;
  if (row.song.getComputedTextLength() <= width) return;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    row.song.textContent = `${letters.slice(0, middle).join('')}…`;
    if (row.song.getComputedTextLength() <= width) low = middle;
    else high = middle - 1;
  }
  row.song.textContent = `${letters.slice(0, low).join('')}…`;
}

function place(row, { rank, plays }, width, most) {
  const full = Math.max(0, width - gutter);
  row.group.dataset.rank = String(rank);
  row.group.setAttribute('aria-label', `${rank}. ${row.name}: ${plays} plays`);
  row.rank.textContent = String(rank);
  row.plays.textContent = plays.toLocaleString('en');
  row.plays.setAttribute('x', String(width));
  row.track.setAttribute('width', String(full));
  fitName(row, full - row.plays.getComputedTextLength() - 14);
  row.group.style.transform = `translate(0px, ${(rank - 1) * rowHeight}px)`;
  row.group.style.opacity = '1';
  row.bar.style.width = `${Math.max(barHeight, (full * plays) / most)}px`;
}

function draw() {
  const width = chart.clientWidth;
  const { places } = latest;
  const most = places[0]?.plays ?? 1;
  chart.style.height = `${places.length * rowHeight}px`;
  document.getElementById('empty').hidden = places.length > 0;
  const entered = [];
  for (const { song } of places) {
    const known = rows.get(song);
    clearTimeout(known?.leaving);
    if (known !== undefined) known.leaving = undefined;
    else {
      const row = makeRow(song);
      row.group.style.transform = `translate(0px, ${places.length * rowHeight}px)`;
      rows.set(song, row);
      entered.push(row);
    }
  }
  // Without a look at the layout in between, a new row would not move from where it begins.
  for (const row of entered) row.group.getBoundingClientRect();
  for (const entry of places) place(rows.get(entry.song), entry, width, most);
  const songs = new Set(places.map(({ song }) => song));
  for (const [song, row] of rows) if (!songs.has(song)) leave(song, row, places.length);
}

function leave(song, row, count) {
  if (row.leaving !== undefined) return;
  row.group.style.transform = `translate(0px, ${count * rowHeight}px)`;
  row.group.style.opacity = '0';
  row.leaving = setTimeout(() => {
    row.group.remove();
    rows.delete(song);
  }, leavingMs);
}

function onChart(given) {
  latest = given;
  if (latest.window !== null) {
    const [start, end] = [latest.window.start, latest.window.end].map((ms) =>
      new Date(ms).toLocaleTimeString('en-GB'),
    );
    say('window', `${start} – ${end}, anew every second`);
  }
  const count = (number, noun) => `${number.toLocaleString('en')} ${noun}`;
  say('counts', `${count(latest.taken, 'plays')}, ${count(latest.late, 'too late')}`);
  draw();
}

function setState(state, words) {
  const shown = document.getElementById('state');
  if (shown.dataset.state === state && shown.textContent === words) return;
  shown.dataset.state = state;
  shown.textContent = words;
}

function connect() {
  const stream = new EventSource('/trends/stream');
  stream.addEventListener('open', () => setState('live', 'live'));
  stream.addEventListener('chart', (event) => onChart(JSON.parse(event.data)));
  stream.addEventListener('end', (event) => {
    const { reason } = JSON.parse(event.data);
    setState(
      'stopped',
      reason === 'failed' ? 'the pipeline has failed' : 'the service has stopped',
    );
  });
  stream.addEventListener('error', () => {
    if (document.getElementById('state').dataset.state !== 'stopped')
      setState('lost', 'connecting again');
    // The browser tries again by itself, except after an answer such as 503.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, againMs);
  });
}

connect();
new ResizeObserver(draw).observe(chart);
