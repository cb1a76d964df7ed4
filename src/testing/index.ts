/** The door of `tidemark/testing`: what tests of pipelines, operators, backends and connectors are made with. */
export {
  TestHarness,
  testHarness,
  type HarnessCheckpoint,
  type HarnessOptions,
  type OutputRecord,
} from './harness.js';
export { filesSuite } from './files-suite.js';
export { stateBackendSuite } from './backend-suite.js';
export { simulatedDisk, type SimulatedDisk } from './simulated-disk.js';
export { simulatedFiles, type SimulatedFiles } from './simulated-files.js';
export { VirtualClock } from './virtual-clock.js';
export {
  SimulatedWorld,
  seededRandom,
  simulatedWorld,
  type Outcome,
  type PlannedCrash,
  type SimulatedWorldOptions,
} from './simulated-world.js';
export { verifyOperator, type CaseStep, type OperatorCase } from './verify-operator.js';
export {
  verifySink,
  type SinkCase,
  type VerifiedSink,
  type VerifySinkOptions,
} from './verify-sink.js';
export { verifySource, type VerifiedSource, type VerifySourceOptions } from './verify-source.js';
export { PendingCalls, type PendingCall } from './pending-calls.js';
