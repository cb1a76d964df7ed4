/**
 * The command line as a function: arguments in, text out, an exit code back; so that a test can run all of it. Whatever
 * is outside is handed in by `main.ts`.
 */
import { readArguments, type Asked, type Invocation } from './arguments.js';
import { exitCodes, type CliIo } from './io.js';
import { loadJob } from './job-file.js';
import { runJob, savepointOf } from './run-command.js';
import { ReaderLeft, Speech } from './speech.js';
import { checkpoints, diffState, exportState, getState, listState } from './state-commands.js';
import { why } from './why-command.js';

/** Runs a command. Never rejects: what goes wrong is said, and is in the exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const json = argv.includes('--json');
  const first = new Speech({ ...io, json, verbose: argv.includes('--verbose') });
  let asked: Asked;
  try {
    asked = readArguments(argv);
  } catch (error) {
    first.error(error);
    return exitCodes.usage;
  }
  if (asked === 'version') {
    await first.answer({ type: 'version', version: io.version }, io.version);
    return exitCodes.done;
  }
  if ('help' in asked) {
    await first.answer({ type: 'help', text: asked.help }, asked.help);
    return exitCodes.done;
  }
  const { values } = asked;
  const speech = new Speech({
    ...io,
    json: values['json'] === true,
    verbose: values['verbose'] === true,
  });
  try {
    return await obey(asked, speech, io);
  } catch (error) {
    // `tidemark state export DIR | head` has seen enough.
    if (error instanceof ReaderLeft) return exitCodes.done;
    speech.error(error);
    return exitCodes.failed;
  }
}

async function obey(invocation: Invocation, speech: Speech, io: CliIo): Promise<number> {
  const { command, operands, values } = invocation;
  const [first = '', second = '', third = ''] = operands;
  switch (command.name) {
    case 'run':
      return runJob(await loadJob(first, io.modules), { values, speech, io });
    case 'savepoint':
      return savepointOf(await loadJob(first, io.modules), second, { values, speech, io });
    case 'resume':
      return runJob(await loadJob(first, io.modules), { values, speech, io, resumeFrom: second });
    case 'explain': {
      const explanation = (await loadJob(first, io.modules)).explain();
      const text = values['mermaid'] === true ? explanation.toMermaid() : String(explanation);
      const { toString: _text, toMermaid: _mermaid, ...facts } = explanation;
      await speech.answer({ type: 'explanation', ...facts }, text);
      return exitCodes.done;
    }
    case 'why':
      return why(first, speech, io.modules);
    case 'state list':
      return listState(first, speech);
    case 'state get':
      return getState(first, { uid: second, key: third }, speech);
    case 'state export':
      return exportState(first, second === '' ? undefined : second, speech);
    case 'state diff':
      return diffState(first, second, speech);
    default:
      return checkpoints(first, speech);
  }
}
