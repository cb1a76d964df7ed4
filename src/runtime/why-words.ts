/** The report of `why` as text: a paragraph for each step that waits, then what else there is to know. */
import { count, spanText, timeText } from './time-words.js';
import type { WhyReport, WhyStep } from './why-report.js';

/** Lines about what holds one step back; a source may have thousands of splits. */
const HOLDERS_MAX = 5;

type Facts = Omit<WhyReport, 'text' | 'toString'>;

/** The report as text: a paragraph for each step that waits, then what else there is to know. */
export function textOf(facts: Facts, epoch: number | undefined): string {
  const { pipeline, phase, steps, blocked } = facts;
  if (phase === 'recovering') return `${pipeline} is opening its state. Ask again once it runs.`;
  // At its end a job drops what waits for the clock.
  const waiting = steps.filter(
    (step) => step.waiting > 0 || (step.clockTimers > 0 && phase !== 'finished'),
  );
  const lines = waiting.length > 0 ? waiting.flatMap(stepLines) : quietLines(facts);
  for (const [name, lost] of Object.entries(facts.dropped))
    lines.push(`Dropped by "${name}": ${lostOf(lost).join(', ')}.`);
  if (blocked.length > 0)
    lines.push(
      `Stands still because an output has no room: ${blocked.join(', ')}. Look at the sink.`,
    );
  const end = endLine(pipeline, phase, waiting.length > 0);
  if (end !== undefined) lines.push(end);
  else if (epoch !== undefined)
    lines.push(`Results become visible with their epoch; the last one committed is ${epoch}.`);
  return lines.join('\n');
}

function endLine(pipeline: string, phase: Facts['phase'], waits: boolean): string | undefined {
  switch (phase) {
    case 'finished':
      return `${pipeline} has finished: its inputs are at their end.`;
    case 'stopped':
      return `${pipeline} was stopped${waits ? ': what waits is kept, and the next run goes on with it' : ''}.`;
    case 'failed':
      return `${pipeline} has failed: the next run goes on from the last epoch that was committed.`;
    case 'restarting':
      return `${pipeline} has failed, and begins again from the last epoch that was committed.`;
    case 'recovering':
    case 'running':
    case 'finishing':
    case 'testing':
      return undefined;
  }
}

function stepLines(step: WhyStep): string[] {
  const { name, waiting, clockTimers, clockDueInMs, heldBy } = step;
  const lines: string[] = [];
  if (waiting > 0) {
    lines.push(`${waitingText(step)} ${standingOf(step)}.`);
    for (const holder of heldBy.slice(0, HOLDERS_MAX))
      lines.push(`  ${capital(holder.reason)}.`, `    ${holder.cure}`);
    if (heldBy.length > HOLDERS_MAX) lines.push(`  So do ${heldBy.length - HOLDERS_MAX} others.`);
  }
  if (clockTimers > 0) {
    const due =
      clockDueInMs === undefined ? '' : `: the next one is due in ${spanText(clockDueInMs)}`;
    const verb = clockTimers === 1 ? 'waits' : 'wait';
    lines.push(`${count(clockTimers, 'processing-time timer')} of "${name}" ${verb}${due}.`);
  }
  return lines;
}

/** Windows are not counted: overlapping ones of a key wait together. */
function waitingText({ name, kind, waiting }: WhyStep): string {
  if (/window/i.test(kind)) return `Windows of "${name}" wait. The first of them`;
  if (waiting === 1) return `1 timer of "${name}" waits. It`;
  return `${count(waiting, 'timer')} of "${name}" wait. The first of them`;
}

/** What is needed, and how far things are. */
function standingOf({ watermark, needs, behindMs, heldBy }: WhyStep): string {
  const wanted =
    needs === undefined ? 'needs a further watermark' : `needs watermark ${timeText(needs)}`;
  if (watermark === 'none') return `${wanted}; there is none yet`;
  if (watermark === 'end') return `${wanted}; everything has come, so it is due`;
  const at = `${wanted}; it is at ${timeText(watermark)}`;
  if (behindMs === undefined) return at;
  return behindMs === 0 && heldBy.length === 0
    ? `${at}, so it is due`
    : `${at}, ${spanText(behindMs)} behind`;
}

/** Nothing waits: what became of the elements instead. */
function quietLines({ phase, steps }: Facts): string[] {
  const isOver = phase === 'finished' || phase === 'stopped' || phase === 'failed';
  if (steps.length === 0) return isOver ? [] : ['Nothing waits: no step keeps state or timers.'];
  const became = steps.map(({ name, kind, counters }) => {
    const { received, accepted } = counters;
    if (received === 0) return `  ${title(name, kind)} has had no element.`;
    const counts = [`${accepted} accepted`, ...lostOf(counters)].join(', ');
    return `  ${title(name, kind)} has had ${count(received, 'element')}: ${counts}.`;
  });
  const late = steps.some(({ counters }) => counters.late > 0)
    ? [
        '  What was late came after its result: more outOfOrderness or allowedLateness would take it.',
      ]
    : [];
  return ['Nothing waits.', ...became, ...late];
}

function lostOf({ late, dead, filtered }: Facts['dropped'][string]): string[] {
  const words: [number, string][] = [
    [late, 'late'],
    [dead, 'failed'],
    [filtered, 'filtered'],
  ];
  return words.flatMap(([number, word]) => (number > 0 ? [`${number} ${word}`] : []));
}

function title(name: string, kind: string): string {
  return name === kind ? `"${name}"` : `${kind} "${name}"`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
