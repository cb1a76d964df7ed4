import { describe, expect, test } from 'vitest';
import { TidemarkError, type ErrorCode } from './errors.js';
import {
  checkName,
  checkUids,
  makeKeyNode,
  nodeNames,
  nodesInOrder,
  plainName,
  spliceGraph,
  uidOf,
  type Edge,
  type GraphNode,
  type InputNode,
  type KeyNode,
  type OperatorNode,
  type UnionNode,
} from './graph.js';

describe('nodesInOrder', () => {
  test('a node stands behind everything that feeds it', () => {
    const a = input('a');
    const b = step('b', [a]);
    const c = step('c', [a]);
    const d = union([c, b]);
    const order = nodesInOrder({ output: { from: d } });
    expect(order.length).toBe(4);
    for (const node of order)
      for (const { from } of node.inputs)
        expect(order.indexOf(from)).toBeLessThan(order.indexOf(node));
  });

  test('a diamond lists each node once', () => {
    const a = input('a');
    const b = step('b', [a]);
    const top = union([step('c', [b]), step('d', [b]), b]);
    const order = nodesInOrder({ one: { from: top }, two: { from: b } });
    expect(new Set(order).size).toBe(order.length);
    expect(order.length).toBe(5);
  });

  test('a chain deeper than the call stack is walked', () => {
    let node: GraphNode = input('a');
    for (let depth = 0; depth < 20_000; depth += 1) node = step('s', [node]);
    expect(nodesInOrder({ output: { from: node } }).length).toBe(20_001);
  });

  test('nodes that no output needs are left out', () => {
    const a = input('a');
    step('unused', [a]);
    expect(nodesInOrder({ output: { from: a } })).toEqual([a]);
  });

  test('equal graphs give equal orders', () => {
    const build = (): string[] => {
      const a = input('a');
      const b = input('b');
      const joined = step('join', [step('left', [a]), step('right', [b])]);
      return nodesInOrder({ x: { from: joined }, y: { from: step('z', [b]) } }).map(plainName);
    };
    expect(build()).toEqual(build());
    expect(build()).toEqual(['a', 'left', 'b', 'right', 'join', 'z']);
  });
});

describe('uidOf', () => {
  test('a uid is prefixed by the scopes of its pipelines, outermost first', () => {
    expect(uidOf({ ...step('top', [], 'chart'), scope: ['day', 'trending'] })).toBe(
      'day/trending/chart',
    );
  });

  test('inputs, unions and stateless steps have none', () => {
    expect(uidOf(input('a'))).toBeUndefined();
    expect(uidOf(union([]))).toBeUndefined();
    expect(uidOf(step('map', []))).toBeUndefined();
    expect(uidOf(key([]))).toBeUndefined();
    expect(uidOf(key([], 'by-song'))).toBe('by-song');
  });
});

describe('nodeNames', () => {
  test('equal steps are numbered in the order of the graph', () => {
    const a = input('in');
    const first = step('map', [a]);
    const second = step('map', [first]);
    const names = nodeNames(nodesInOrder({ output: { from: second } }));
    expect([...names.values()]).toEqual(['in', 'map', 'map-2']);
  });

  test('a uid is the name of its node, whatever stateless steps are called', () => {
    const a = input('in');
    const mapped = step('map', [a]);
    const stateful = step('process', [mapped], 'map');
    const names = nodeNames(nodesInOrder({ output: { from: stateful } }));
    expect(names.get(stateful)).toBe('map');
  });

  test('no two nodes have one name, also when a uid looks like a number of another', () => {
    const a = input('in');
    const first = step('map', [a]);
    const second = step('map', [first]);
    const stateful = step('process', [second], 'map-2');
    const names = nodeNames(nodesInOrder({ output: { from: stateful } }));
    expect(new Set(names.values()).size).toBe(4);
    expect(names.get(stateful)).toBe('map-2');
  });

  test('stateless steps carry the scope of their pipeline', () => {
    const node = { ...step('map', []), scope: ['trending'] };
    expect([...nodeNames([node]).values()]).toEqual(['trending/map']);
  });
});

describe('checkUids', () => {
  test('two stateful steps of one uid are refused, both named', () => {
    const error = refusal(() => checkUids([step('window', [], 'x'), step('process', [], 'x')]));
    expect(error.code).toBe('UID_DUPLICATE');
    expect(error.got).toBe('"x" on window and on process');
  });

  test('a keyBy and a stateful step share one space of uids', () => {
    expect(code(() => checkUids([key([], 'x'), step('window', [], 'x')]))).toBe('UID_DUPLICATE');
  });

  test('a sink shares it too', () => {
    expect(code(() => checkUids([step('window', [], 'x')], ['x']))).toBe('UID_DUPLICATE');
    expect(code(() => checkUids([], ['x', 'x']))).toBe('UID_DUPLICATE');
  });

  test('one uid in two scopes is two uids', () => {
    const inner = step('window', [], 'x');
    expect(() => checkUids([inner, { ...inner, scope: ['p'] }], ['y'])).not.toThrow();
  });

  test('steps without a uid never collide', () => {
    expect(() => checkUids([step('map', []), step('map', []), key([])])).not.toThrow();
  });
});

describe('checkName', () => {
  test.each(['a', 'A-z_0.9', 'x'.repeat(64), '...', '__proto__'])('%j is a name', (name) => {
    expect(checkName(name, 'w')).toBe(name);
  });

  test.each(['', '.', '..', 'a/b', 'a b', 'ü', 'x'.repeat(65), 'a\n', '\0', undefined, null, 7])(
    '%j is none',
    (name) => {
      expect(code(() => checkName(name, 'w'))).toBe('UID_INVALID');
    },
  );

  test('a symbol is refused in words', () => {
    expect(code(() => checkName(Symbol('s'), 'w'))).toBe('UID_INVALID');
  });
});

describe('spliceGraph', () => {
  test('the declared input gives way to the arrow of the other graph', () => {
    const entry = input('entry');
    const inner = step('map', [entry]);
    const outer = step('outer', [input('source')]);
    const spliced = spliceGraph({ output: { from: inner } }, new Map([[entry, { from: outer }]]));
    expect(spliced['output']?.from.inputs[0]?.from).toBe(outer);
    expect(inner.inputs[0]?.from).toBe(entry);
  });

  test('an arrow from a side output stays one', () => {
    const entry = input('entry');
    const source: Edge = { from: step('outer', []), side: 'late' };
    const inner = step('map', [entry]);
    const spliced = spliceGraph({ output: { from: inner } }, new Map([[entry, source]]));
    expect(spliced['output']?.from.inputs[0]?.side).toBe('late');
  });

  test('an output that is the input itself becomes the arrow of the other graph', () => {
    const entry = input('entry');
    const outer = step('outer', []);
    const spliced = spliceGraph({ output: { from: entry } }, new Map([[entry, { from: outer }]]));
    expect(spliced['output']?.from).toBe(outer);
  });

  test('scopes nest, the outermost first', () => {
    const entry = input('entry');
    const inner = step('window', [entry], 'w');
    const outer: GraphNode = step('outer', []);
    const one = spliceGraph({ o: { from: inner } }, new Map([[entry, { from: outer }]]), 'inner');
    const again = spliceGraph(one, new Map([[outer, { from: step('root', []) }]]), 'outer');
    expect(uidOf(again['o']?.from as GraphNode)).toBe('outer/inner/w');
  });

  test('shared nodes stay shared', () => {
    const entry = input('entry');
    const shared = step('map', [entry]);
    const both = union([shared, step('filter', [shared])]);
    const spliced = spliceGraph(
      { output: { from: both } },
      new Map([[entry, { from: step('outer', []) }]]),
    );
    expect(nodesInOrder(spliced).map(plainName)).toEqual(['outer', 'map', 'filter', 'union']);
  });

  test('steps behind a copied keyBy are keyed by the copy', () => {
    const entry = input('entry');
    const keyed = key([entry]);
    const filter = { ...step('filter', [keyed]), keyedBy: keyed };
    const spliced = spliceGraph(
      { output: { from: filter } },
      new Map([[entry, { from: step('outer', []) }]]),
      'p',
    );
    const copy = spliced['output']?.from;
    expect(copy?.keyedBy).toBe(copy?.inputs[0]?.from);
    expect(copy?.keyedBy).not.toBe(keyed);
    expect(copy?.keyedBy?.keyedBy).toBe(copy?.keyedBy);
  });

  test('an eventTime gives way to a stream that has event time, and only to such a one', () => {
    const entry = input('entry');
    const time = { ...step('eventTime', [entry]), hasEventTime: true };
    (time.spec as { assignsTime?: boolean }).assignsTime = true;
    const after = { ...step('map', [time]), hasEventTime: true };
    const timed = { ...step('outer', []), hasEventTime: true };
    const names = (outer: GraphNode): string[] =>
      nodesInOrder(spliceGraph({ o: { from: after } }, new Map([[entry, { from: outer }]]))).map(
        plainName,
      );
    expect(names(timed)).toEqual(['outer', 'map']);
    expect(names(step('outer', []))).toEqual(['outer', 'eventTime', 'map']);
  });

  test('a stream without event time in its definition gains that of the stream it lands on', () => {
    const entry = input('entry');
    const map = step('map', [entry]);
    const timed = { ...step('outer', []), hasEventTime: true };
    const spliced = spliceGraph({ o: { from: map } }, new Map([[entry, { from: timed }]]));
    expect(spliced['o']?.from.hasEventTime).toBe(true);
  });
});

function base(inputs: readonly GraphNode[]): Omit<UnionNode, 'kind'> {
  return {
    inputs: inputs.map((from) => ({ from })),
    keyedBy: undefined,
    hasEventTime: false,
    scope: [],
  };
}

function input(name: string): InputNode {
  return { kind: 'input', name, parse: undefined, observable: undefined, ...base([]) };
}

function union(inputs: readonly GraphNode[]): UnionNode {
  return { kind: 'union', ...base(inputs) };
}

function key(inputs: readonly GraphNode[], uid?: string): KeyNode {
  const { inputs: edges } = base(inputs);
  return makeKeyNode({
    kind: 'key',
    keyOf: () => 0,
    uid,
    inputs: edges,
    hasEventTime: false,
    scope: [],
  });
}

function step(operator: string, inputs: readonly GraphNode[], uid?: string): OperatorNode {
  return {
    kind: 'operator',
    ...base(inputs),
    spec: {
      operator,
      uid,
      inputs: 1,
      keyed: false,
      needsEventTime: false,
      keepsKey: false,
      sideOutputs: [],
      facts: {},
      create: () => ({ element() {} }),
    },
  };
}

function refusal(act: () => unknown): TidemarkError {
  try {
    act();
  } catch (error) {
    if (error instanceof TidemarkError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function code(act: () => unknown): ErrorCode {
  return refusal(act).code;
}
