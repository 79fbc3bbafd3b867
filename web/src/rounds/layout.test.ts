import { describe, expect, it } from 'vitest';
import { layout, size } from './layout';

describe('a layout', () => {
  it('has a place of its own for each node, inside the picture', () => {
    for (const graph of ['complete', 'ring', 'star', 'wheel', 'grid', 'random-regular:4']) {
      for (const nodes of [4, 16, 64, 144]) {
        const points = layout(graph, nodes);
        expect(points).toHaveLength(nodes);
        expect(new Set(points.map(({ x, y }) => `${x.toFixed(5)} ${y.toFixed(5)}`)).size).toBe(nodes);
        for (const { x, y } of points) expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(1);
      }
    }
  });
  it('has the hub in the middle', () => {
    expect(layout('wheel', 9)[0]).toEqual({ x: 0, y: 0 });
  });
  it('leaves room between nodes', () => {
    for (const nodes of [3, 64, 200]) {
      const points = layout('complete', nodes);
      const radius = size(points);
      const apart = Math.min(...points.flatMap((a, i) => points.slice(0, i).map((b) => Math.hypot(a.x - b.x, a.y - b.y))));
      expect(2 * radius).toBeLessThan(apart);
    }
  });
});
