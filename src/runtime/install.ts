/** Mode (i): to subscribe to a DataStream is to run its graph here. Loading this file hands the runner to the streams. */
import { Observable, Subject, Subscription, takeUntil, type Subscriber } from 'rxjs';
import { systemClock } from '../core/clock.js';
import {
  broadcastInputs,
  checkUids,
  nodesInOrder,
  type InputNode,
  type Outputs,
} from '../core/graph.js';
import { TidemarkError } from '../core/errors.js';
import { installLocalRunner, type LocalConnection } from '../dsl/data-stream.js';
import { LocalRun } from './local-run.js';

type Feeds = ReadonlyMap<InputNode, Observable<unknown>>;

interface Listener {
  emit(output: string, value: unknown, timestamp: number): void;
  error(error: unknown): void;
  complete(): void;
}

installLocalRunner({
  subscribe(edge, subscriber: Subscriber<unknown>) {
    const outputs: Outputs = { output: edge };
    const stop = start(
      outputs,
      new Map(),
      {
        emit: (_output, value) => subscriber.next(value),
        error: (error) => subscriber.error(error),
        complete: () => subscriber.complete(),
      },
      (teardown) => subscriber.add(teardown),
    );
    subscriber.add(stop);
  },
  connect(outputs, feeds): LocalConnection {
    const subjects = new Map(Object.keys(outputs).map((name) => [name, new Subject<unknown>()]));
    const all = [...subjects.values()];
    const running = new Subscription();
    let isStarted = false;
    return {
      outputs: Object.fromEntries(
        [...subjects].map(([name, subject]) => [name, subject.asObservable()]),
      ),
      start() {
        if (isStarted) return;
        isStarted = true;
        const listener: Listener = {
          emit: (output, value) => subjects.get(output)?.next(value),
          error: (error) => all.forEach((subject) => subject.error(error)),
          complete: () => all.forEach((subject) => subject.complete()),
        };
        running.add(start(outputs, feeds, listener, (teardown) => running.add(teardown)));
      },
      stop: () => running.unsubscribe(),
    };
  },
});

/** Begins a run and subscribes to its inputs, broadcast ones first. Returns what stops it. */
function start(
  outputs: Outputs,
  feeds: Feeds,
  listener: Listener,
  onClose: (teardown: () => void) => void,
): () => void {
  checkUids(nodesInOrder(outputs));
  const stop$ = new Subject<void>();
  let isOver = false;
  const finish = (tell: () => void): void => {
    if (isOver) return;
    stop();
    tell();
  };
  const fail = (error: unknown): void => finish(() => listener.error(error));
  const run = new LocalRun({
    outputs,
    clock: systemClock,
    beyondCapacity: 'refuse',
    // What leaves after the end of the run (a step that was already under way) has no listener any more.
    emit: (output, value, timestamp) => {
      if (!isOver) listener.emit(output, value, timestamp);
    },
    failed: fail,
  });
  function stop(): void {
    if (isOver) return;
    isOver = true;
    run.close();
    stop$.next();
    stop$.complete();
  }
  // Registered before the first subscription: a synchronous source must hear of take(1) while it emits.
  onClose(stop);
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };
  let open = run.inputs.length;
  for (const [input, node] of inOrder(run, feeds)) {
    if (isOver) break;
    observableOf(node, feeds)
      .pipe(takeUntil(stop$))
      .subscribe({
        next: (value) => {
          try {
            run.next(input, value);
          } catch (error) {
            fail(error);
          }
        },
        error: fail,
        complete: () => {
          guarded(() =>
            run.end(input, () => {
              open -= 1;
              if (open === 0) run.whenEnded(() => finish(() => listener.complete()));
            }),
          );
        },
      });
  }
  return stop;
}

/** Broadcast inputs first; then in the order of their declaration, which need not be that of the graph. */
function inOrder({ inputs, plan }: LocalRun, feeds: Feeds): [number, InputNode][] {
  const declared = [...feeds.keys()];
  const isBroadcast = broadcastInputs([...plan.names.keys()]);
  const rank = (node: InputNode): number => (isBroadcast.has(node) ? 0 : 1);
  return [...inputs.entries()].sort(
    ([, a], [, b]) => rank(a) - rank(b) || declared.indexOf(a) - declared.indexOf(b),
  );
}

function observableOf(node: InputNode, feeds: Feeds): Observable<unknown> {
  const observable = feeds.get(node) ?? node.observable;
  if (observable instanceof Observable) return observable;
  throw new TidemarkError('STREAM_FOREIGN', {
    expected: 'a stream that is fed by an Observable',
    got: 'the declared input of a pipeline',
    where: `input "${node.name}"`,
    hint: 'Subscribe to observable$.pipe(pipeline), or give the pipeline to run(...) with a source.',
  });
}
