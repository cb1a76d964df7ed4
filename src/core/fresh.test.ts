import { expect, test } from 'vitest';
import { fresh } from './fresh.js';

function adding({ step }: { readonly step: number }) {
  return (value: number): number => value + step;
}

test('a copy does what its template does, and is not the same function', () => {
  const copy = fresh(adding, 'a');
  expect(copy).not.toBe(adding);
  expect(String(copy)).toBe(String(adding));
  expect(copy({ step: 2 })(40)).toBe(42);
});

test('a name cannot end the comment that it is put into', () => {
  const copy = fresh(adding, '*/ throw new Error("code of a name"); /*');
  expect(copy({ step: 1 })(1)).toBe(2);
});

test('a template that names something outside itself is found out when it is called', () => {
  const outside = 5;
  const copy = fresh((_parts: undefined) => () => outside, 'b');
  expect(() => copy(undefined)()).toThrow(ReferenceError);
});

test('where code may not be made from text, the template itself serves', () => {
  const { Function: real } = globalThis;
  globalThis.Function = function refusing() {
    throw new EvalError('Code generation from strings disallowed');
  } as unknown as FunctionConstructor;
  try {
    expect(fresh(adding, 'c')).toBe(adding);
  } finally {
    globalThis.Function = real;
  }
});
