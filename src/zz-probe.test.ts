import { test } from 'vitest';
import { callback, collect, count, eventTime, iterable, keyBy, memory, pipeline, process, run, nodeRuntime, topK, tumbling, unchecked, valueState, window, map, flatMap } from './index.js';
import { VirtualClock } from './testing/index.js';
const race = (p: Promise<unknown>, ms = 3000) => Promise.race([p, new Promise((r) => setTimeout(() => r('HANG'), ms))]);
test('hot key small chunks', async () => {
  for (const [n, keys, shards, chunk] of [[20_000, 1, 3, 100], [20_000, 1, 2, 7], [20_000, 4, 3, 300]] as const) {
    const out = collect<unknown>({ uid: 'out' });
    const p = pipeline('p', unchecked<number>(), (n$) => n$.pipe(keyBy((n) => n % keys), process({ uid: 'c', state: { c: valueState(0) }, element: (_n, { state }) => { state.c.set(state.c.get() + 1); return [state.c.get()]; } })));
    const r = run(p, { from: iterable(Array.from({ length: n }, (_, i) => i), { chunk }), to: out, parallelism: shards });
    const s = await race(r.done);
    console.log(n, keys, shards, chunk, s === 'HANG' ? s : (s as any).phase, out.values.length);
  }
});
test('idle', async () => {
  const clock = new VirtualClock(0);
  const seen: any[] = [];
  const turn = () => new Promise<void>((r) => setImmediate(r));
  let release: any;
  const src: any = { name: 's', replayable: true, splits: async () => ['0'], open: async () => { let i = 0; return { read: () => i++ === 0 ? Promise.resolve({ cursor: 2, chunk: { kind: 'chunk', values: [0, 1500], timestamps: [NaN, NaN], keys: [], positions: [1, 2], derivedKeys: [], origin: { name: 's', unit: 'element' } } }) : new Promise((r) => (release = r)), close: async () => {} }; } };
  const p = pipeline('p', unchecked<number>(), (n$) => n$.pipe(eventTime({ timestamp: (n) => n, every: '10s', idleness: '1s' }), keyBy(() => 'k'), window(tumbling({ size: 1000 }), count(), { uid: 'w' })));
  const r = run(p, { from: src, to: callback((v) => void seen.push(v), { uid: 'out', allowDuplicates: true }), checkpoint: { records: 1e9 }, runtime: { ...nodeRuntime(), clock: Object.assign(clock, { turn }) } as any });
  for (let i = 0; i < 20; i++) await turn();
  console.log('before', seen.length, 'next timer', clock.next());
  clock.moveTo(1500);
  for (let i = 0; i < 20; i++) await turn();
  console.log('after', seen.length, clock.next());
  clock.moveTo(5000);
  for (let i = 0; i < 20; i++) await turn();
  console.log('after2', seen.length, clock.next());
  void r.stop(); 
});
test('dead', async () => {
  for (const n of [995, 999, 1500]) {
    const p = pipeline('p', unchecked<number>(), (n$) => n$.pipe(map((n) => { if (n % 80 === 0) throw new Error('x'); return n; })));
    const s: any = await race(run(p, { from: iterable(Array.from({ length: n }, (_, i) => i + 1)), to: collect({ uid: 'o' }) }).done.then((s) => s, (e) => e));
    console.log(n, s.phase ?? s.message, s.deadLetters);
  }
});
test('dead sinks', async () => {
  const p = pipeline('p', unchecked<number>(), (n$) => n$);
  for (const f of [() => run(p, { from: iterable([1]), to: collect({ uid: 'o' }), deadLetters: collect({ uid: 'o' }) }), () => run(p, { from: iterable([1]), to: collect({ uid: 'o' }), deadLetters: callback(() => {}, { uid: 'd' }) })]) {
    try { const s: any = await race(f().done); console.log(s.phase); } catch (e: any) { console.log(e.code); }
  }
  const q = pipeline('q', { splits: unchecked<number>() }, ({ splits }) => ({ recover: splits }));
  try { const s: any = await race(run(q, { from: { splits: iterable([1]) }, to: { recover: collect({ uid: 'o' }) } } as any).done); console.log(s.phase); } catch (e: any) { console.log(e.code, e.message); }
});
