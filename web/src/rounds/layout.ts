// Where the nodes of a run stand in its picture, in a square from −1 to 1.

export interface Point { x: number; y: number }

function circle(nodes: number, from = 0): Point[] {
  return Array.from({ length: nodes }, (_, i) => {
    const angle = ((i + from) / nodes) * 2 * Math.PI - Math.PI / 2;
    return { x: Math.cos(angle), y: Math.sin(angle) };
  });
}

/** A sunflower's seeds: even, and without rows. */
function disc(nodes: number): Point[] {
  const golden = Math.PI * (3 - Math.sqrt(5));
  return Array.from({ length: nodes }, (_, i) => {
    const radius = Math.sqrt((i + 0.5) / nodes);
    return { x: radius * Math.cos(i * golden), y: radius * Math.sin(i * golden) };
  });
}

function square(nodes: number): Point[] {
  const side = Math.round(Math.sqrt(nodes));
  const at = (i: number) => (side > 1 ? (2 * i) / (side - 1) - 1 : 0);
  return Array.from({ length: nodes }, (_, v) => ({ x: at(v % side), y: at(Math.floor(v / side)) }));
}

/** The positions of a family's nodes, as `--graph` names it. */
export function layout(graph: string, nodes: number): Point[] {
  const [family] = graph.split(':');
  if (family === 'grid' || family === 'torus') return square(nodes).map(({ x, y }) => ({ x: x * 0.9, y: y * 0.9 }));
  if (family === 'star' || family === 'wheel') return [{ x: 0, y: 0 }, ...circle(nodes - 1)];
  if (family === 'complete' && nodes > 24) return disc(nodes);
  return circle(nodes);
}

/** The radius of a node that keeps neighbours apart, as a share of the picture's half. */
export function size(points: Point[]): number {
  let least = 2;
  for (let i = 0; i < points.length; i++) {
    for (let j = Math.max(0, i - 40); j < i; j++) {
      const distance = Math.hypot(points[i].x - points[j].x, points[i].y - points[j].y);
      if (distance < least) least = distance;
    }
  }
  return Math.min(points.length <= 8 ? 0.15 : 0.085, Math.max(0.012, least * 0.34));
}
