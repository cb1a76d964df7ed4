/**
 * Copies of hot functions, each with machine code of its own.
 *
 * V8 learns per function of the source text which shapes it meets. The element path of a window or a state is one text
 * that all pipelines of a process share, so the second pipeline makes it guess, and the fifth makes it look everything
 * up (two to three times slower). A copy that is compiled anew for one operator meets the shapes of that one only.
 *
 * A template must name nothing outside itself: its text is compiled where there is nothing else. What it needs comes in
 * by its parameter, constants included. Where making code from text is forbidden (a content security policy), the
 * template itself serves; nobody but the time it takes can tell the difference.
 */

/**
 * @param template a function that makes the hot function out of its parts, and names nothing outside itself
 * @param name tells copies apart: the same name may give the same code once more, as V8 keeps it
 */
export function fresh<Parts, Made>(
  template: (parts: Parts) => Made,
  name: string,
): typeof template {
  try {
    // oxlint-disable-next-line no-implied-eval, no-new-func -- the point of this file; no text of others gets in
    const make = new Function(
      `'use strict'; return (${String(template)}); ${comment(name)}`,
    ) as () => typeof template;
    return make();
  } catch (error) {
    if (error instanceof EvalError) return template;
    throw error;
  }
}

/** Names come from users, and must not end the comment. */
function comment(name: string): string {
  return `/* ${name.replaceAll(/[^\w.-]/gu, '_')} */`;
}
