/**
 * All exceptions to the gates, by name and with a reason, and the doors to the outside world.
 *
 * An entry that excuses nothing any more is a finding itself, so the tables only hold what is true.
 */
import type { Exceptions } from './habits.js';
import type { Door } from './imports.js';

/** The files that may touch the real clock and real chance. */
export const clockFiles: Exceptions = {
  'src/core/clock.ts': 'It is the door to time, chance and the event loop.',
};

/** The files that may handle values of type `Date`, though not read the clock with it. */
export const dateValueFiles: Exceptions = {
  'src/runtime/time-words.ts': 'It says epoch milliseconds as people read them.',
  'src/state/json-value.ts': 'A Date is one of the values that state may hold.',
  'src/state/heap-size.ts': 'It says how much heap a Date takes.',
  'src/state/value-codec.ts': 'A Date is one of the values that state may hold.',
};

/** Files beyond the length limit. */
export const longFiles: Exceptions = {};

/** Functions beyond the length limit, as `file#name`. */
export const longFunctions: Exceptions = {};

/** Files without a test of their own name, and the test that covers each. */
export const coveredBy: Readonly<Record<string, string>> = {
  'src/connectors/ingest-log.ts': 'src/connectors/ingest.test.ts',
  'src/connectors/ingest-open.ts': 'src/connectors/ingest.test.ts',
  'src/connectors/ingest-reader.ts': 'src/connectors/ingest.test.ts',
  'src/connectors/table-rows.ts': 'src/connectors/open-table.test.ts',
  'src/connectors/table-store.ts': 'src/connectors/table.test.ts',
  'src/state/lmdb-reader.ts': 'src/connectors/open-table.test.ts',
  'src/connectors/file-open.ts': 'src/connectors/file.test.ts',
  'src/connectors/interruption.ts': 'src/connectors/interval.test.ts',
  'src/connectors/iterable-cursor.ts': 'src/connectors/iterable.test.ts',
  'src/cli/cli.ts': 'src/cli/main.test.ts',
  'src/cli/error-text.ts': 'src/cli/speech.test.ts',
  'src/cli/io.ts': 'src/cli/main.test.ts',
  'src/cli/run-command.ts': 'src/cli/main.test.ts',
  'src/cli/why-command.ts': 'src/cli/state-commands.test.ts',
  'src/connectors/prometheus.ts': 'src/connectors/metrics-server.test.ts',
  'src/state/lmdb-view.ts': 'src/checkpoint/state-reader.test.ts',
  'src/dsl/async-in-flight.ts': 'src/dsl/async-map.test.ts',
  'src/dsl/async-map-operator.ts': 'src/dsl/async-map.test.ts',
  'src/cluster/transaction-state.ts': 'src/cluster/transaction.test.ts',
  'src/cluster/wire/api.ts': 'src/cluster/wire/apis.test.ts',
  'src/cluster/wire/wire-bytes.ts': 'src/cluster/wire/fields.test.ts',
  'src/dsl/dedupe-operator.ts': 'src/dsl/dedupe.test.ts',
  'src/dsl/event-time-operator.ts': 'src/dsl/event-time.test.ts',
  'src/dsl/hot-elements.ts': 'src/dsl/sliced-windows.test.ts',
  'src/dsl/process-context.ts': 'src/dsl/process.test.ts',
  'src/dsl/ranking.ts': 'src/dsl/top-k.test.ts',
  'src/dsl/session-queue.ts': 'src/dsl/merging-sessions.test.ts',
  'src/run-options.ts': 'src/run.test.ts',
  'src/runtime/broadcast-copies.ts': 'src/runtime/job.broadcast.test.ts',
  'src/runtime/epoch-parts.ts': 'src/runtime/job-epochs.test.ts',
  'src/runtime/epochs.ts': 'src/testing/simulated-world.test.ts',
  'src/runtime/in-hand.ts': 'src/dsl/async-identity.test.ts',
  'src/runtime/job-assembly.ts': 'src/runtime/job.test.ts',
  'src/runtime/job-checks.ts': 'src/run.test.ts',
  'src/runtime/job-clock.ts': 'src/runtime/job.clock.test.ts',
  'src/runtime/job-stores.ts': 'src/runtime/job.resume.test.ts',
  'src/runtime/job-sources.ts': 'src/connectors/directory.test.ts',
  'src/checkpoint/sort-slots.ts': 'src/checkpoint/store-slabs.test.ts',
  'src/checkpoint/run.ts': 'src/checkpoint/runs.test.ts',
  'src/checkpoint/run-records.ts': 'src/checkpoint/embedded-committer.test.ts',
  'src/runtime/job-memory.ts': 'src/runtime/job.memory.test.ts',
  'src/runtime/job-sinks.ts': 'src/runtime/job.failures.test.ts',
  'src/runtime/job-status.ts': 'src/runtime/job.test.ts',
  'src/runtime/job-teardown.ts': 'src/runtime/job-life.hostile.test.ts',
  'src/runtime/local-idleness.ts': 'src/runtime/local-run.test.ts',
  'src/runtime/operator-context.ts': 'src/dsl/process.test.ts',
  'src/runtime/receivers.ts': 'src/dsl/key-by.test.ts',
  'src/runtime/records.ts': 'src/runtime/job-journal.test.ts',
  'src/runtime/source-errors.ts': 'src/runtime/job.failures.test.ts',
  'src/runtime/state-guard.ts': 'src/runtime/job-life.hostile.test.ts',
  'src/runtime/task-nodes.ts': 'src/runtime/task.test.ts',
  'src/runtime/task-topology.ts': 'src/runtime/task.test.ts',
  'src/runtime/task-wiring.ts': 'src/runtime/task.test.ts',
  'src/runtime/why-causes.ts': 'src/runtime/why.test.ts',
  'src/runtime/why-inside.ts': 'src/runtime/why.test.ts',
  'src/runtime/why-report.ts': 'src/runtime/why.test.ts',
  'src/runtime/why-trace.ts': 'src/runtime/why.test.ts',
  'src/runtime/why-words.ts': 'src/runtime/why.test.ts',
  'src/runtime/wired-node.ts': 'src/runtime/task.test.ts',
  'src/state/blocks.ts': 'src/state/run-writer.test.ts',
  'src/state/cold-keys.ts': 'src/checkpoint/cold-store.test.ts',
  'src/state/eviction.ts': 'src/checkpoint/cold-store.test.ts',
  'src/state/handles-map.ts': 'src/state/handles.test.ts',
  'src/state/handles-value.ts': 'src/state/handles.test.ts',
  'src/state/lmdb-keys.ts': 'src/state/lmdb-backend.test.ts',
  'src/state/merge-runs.ts': 'src/state/run-writer.test.ts',
  'src/state/prefetch.ts': 'src/state/slots.test.ts',
  'src/state/run-index.ts': 'src/state/run-writer.test.ts',
  'src/state/slot-table.ts': 'src/state/slots.test.ts',
  'src/state/state-limits.ts': 'src/runtime/job.memory.test.ts',
  'src/state/stored-slot.ts': 'src/state/slots.test.ts',
  'src/testing/backend-suite.ts': 'src/testing/simulated-disk.test.ts',
  'src/testing/harness-disk.ts': 'src/testing/harness.test.ts',
  'src/testing/harness-engine.ts': 'src/testing/harness.test.ts',
  'src/testing/simulated-content.ts': 'src/testing/simulated-files.test.ts',
  'src/testing/pending-calls.ts': 'src/dsl/async-map.test.ts',
  'src/testing/virtual-clock.ts': 'src/testing/harness.test.ts',
  'src/checkpoint/adapt-record.ts': 'src/checkpoint/savepoint.test.ts',
  'src/checkpoint/committed-state.ts': 'src/checkpoint/snapshot-store.test.ts',
  'src/checkpoint/schema-keywords.ts': 'src/checkpoint/schema-change.test.ts',
  'src/checkpoint/slab-loader.ts': 'src/checkpoint/savepoint.test.ts',
  'src/checkpoint/snapshot-reader.ts': 'src/checkpoint/savepoint.test.ts',
  'src/checkpoint/snapshot-writer.ts': 'src/checkpoint/snapshot-store.test.ts',
  'src/runtime/copy-options.ts': 'src/runtime/job-restore.test.ts',
  'src/runtime/job-copies.ts': 'src/runtime/job-restore.test.ts',
  'src/state/declared-schema.ts': 'src/checkpoint/schema-plan.test.ts',
  'src/state/lmdb-faults.ts': 'src/state/lmdb-backend.test.ts',
  'src/state/packed-states.ts': 'src/checkpoint/schema-plan.test.ts',
};

/** Files that no entry of the package reaches yet, though what they reach counts as reached. */
export const groundwork: Exceptions = {
  'src/cluster/kafka/kafkajs-connection.ts': 'The partition layer will send through it.',
  'src/cluster/transaction.ts': 'The partition layer will commit by it.',
  'src/cluster/wire/aborted-filter.ts': 'The fetcher of the partition layer will ask it.',
  'src/cluster/wire/record-batch-encoder.ts': 'The partition layer will write with it.',
  'src/cluster/wire/record-columns.ts': 'The fetcher of the partition layer will fill them.',
  'src/cluster/wire/transaction-apis.ts': 'The partition layer will send them.',
};

export const doors: readonly Door[] = [
  {
    modules: ['kafkajs'],
    allowed: ['src/cluster/kafka/'],
    instead: 'send through a KafkajsConnection (src/cluster/kafka/kafkajs-connection.ts)',
  },
  {
    modules: ['lmdb'],
    // The others only read, beside an owner.
    allowed: ['src/state/lmdb-backend.ts', 'src/state/lmdb-reader.ts', 'src/state/lmdb-view.ts'],
    instead: 'ask for a StateBackend (src/state/backend.ts)',
  },
  {
    modules: ['fs', 'node:fs'],
    allowed: [
      'src/connectors/',
      'src/state/lmdb-backend.ts',
      'src/state/lmdb-birth.ts',
      'src/state/lmdb-room.ts',
      'src/state/lmdb-reader.ts',
      'src/state/lmdb-view.ts',
    ],
    instead: 'use runtime.files (src/core/runtime.ts)',
  },
  {
    modules: ['rxjs'],
    allowed: ['src/dsl/', 'src/runtime/', 'src/connectors/', 'src/testing/', 'src/run.ts'],
    instead: 'operators and machines are called directly, never through an Observable',
  },
  {
    modules: ['zod'],
    allowed: [
      'src/time/',
      'src/state/',
      'src/dsl/',
      'src/checkpoint/',
      'src/runtime/',
      'src/cluster/',
      'src/connectors/',
      'src/cli/',
      'src/testing/',
      'src/run-options.ts',
    ],
    instead: 'core knows Standard Schema only',
  },
  { modules: ['csv-parse'], allowed: ['src/connectors/'], instead: 'read through a file source' },
  {
    modules: ['prom-client'],
    allowed: ['src/connectors/prometheus.ts'],
    instead: 'give a family of metrics (src/runtime/metrics.ts)',
  },
  { modules: ['fast-check'], allowed: ['src/testing/'], instead: 'it is not there in production' },
  { modules: ['vitest'], allowed: [], instead: 'it is not there in production' },
  {
    modules: ['http', 'https', 'http2', 'net', 'tls', 'dgram'].flatMap((name) => [
      name,
      `node:${name}`,
    ]),
    // LMDB has no owner of its own; a socket in the directory is one that dies with its process.
    allowed: ['src/connectors/', 'src/cluster/', 'src/console/', 'src/state/lmdb-backend.ts'],
    instead: 'write a connector',
  },
];
