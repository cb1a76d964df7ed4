/** A step that lets everything through and writes down what it saw: elements, and the watermarks between them. */
import { defineOperator, type Step } from 'tidemark';

export type Seen =
  | { readonly element: unknown; readonly timestamp: number }
  | { readonly watermark: number };

/** @param seen is called in the order in which things reach the step */
export function probe<T>(seen: (sight: Seen) => void): Step<T, T> {
  return defineOperator<T, T>({
    operator: 'probe',
    keepsKey: true,
    create: ({ output, counters }) => ({
      element(value, timestamp) {
        counters.received += 1;
        counters.accepted += 1;
        seen({ element: value, timestamp });
        output.element(value, timestamp);
      },
      advance(watermark) {
        seen({ watermark });
        return true;
      },
    }),
  });
}
