// Where nodes stand on a picture, and how they are painted: stamps of pixels, copied into an image.

export type Layout = 'spiral' | 'ring' | 'grid';

/** The layout that shows a graph best. */
export function layout_of(graph: string): Layout {
  const family = graph.split(':')[0];
  if (family === 'ring' || family === 'path' || family === 'small-world') return 'ring';
  if (family === 'grid' || family === 'torus') return 'grid';
  return 'spiral';
}

export interface Places {
  /** The side of a node's square, in pixels. */
  size: number;
  /** Centres. */
  x: Float32Array;
  y: Float32Array;
}

/** Places nodes in a picture of so many pixels. */
export function place(layout: Layout, nodes: number, width: number, height: number): Places {
  const [x, y] = [new Float32Array(nodes), new Float32Array(nodes)];
  const margin = 14;
  const [cx, cy] = [width / 2, height / 2];
  const radius = Math.min(width, height) / 2 - margin;
  if (layout === 'grid') {
    const side = Math.ceil(Math.sqrt(nodes));
    const step = (2 * radius) / side;
    for (let i = 0; i < nodes; i++) {
      x[i] = cx - radius + ((i % side) + 0.5) * step;
      y[i] = cy - radius + (Math.floor(i / side) + 0.5) * step;
    }
    return { size: fit(step), x, y };
  }
  if (layout === 'ring') {
    // Neighbours lie side by side on a ring; where that is too narrow, on one that winds inwards.
    const around = (2 * Math.PI * radius) / nodes;
    const turns = around >= 4 ? 1 : Math.max(2, Math.round(Math.sqrt(nodes / 4)));
    if (turns === 1) {
      for (let i = 0; i < nodes; i++) {
        const angle = (2 * Math.PI * i) / nodes - Math.PI / 2;
        x[i] = cx + radius * Math.cos(angle);
        y[i] = cy + radius * Math.sin(angle);
      }
      return { size: fit(Math.min(26, (2 * Math.PI * radius) / nodes)), x, y };
    }
    const inner = radius * 0.12;
    for (let i = 0; i < nodes; i++) {
      // Equal lengths along the spiral: the square of the radius grows evenly.
      const r = Math.sqrt(radius * radius - ((radius * radius - inner * inner) * i) / nodes);
      const angle = (2 * Math.PI * turns * (radius - r)) / (radius - inner) - Math.PI / 2;
      x[i] = cx + r * Math.cos(angle);
      y[i] = cy + r * Math.sin(angle);
    }
    return { size: fit(Math.min((radius - inner) / turns, Math.sqrt((Math.PI * radius * radius) / nodes))), x, y };
  }
  // A sunflower: as even as a disc allows (Vogel 1979), stretched to the picture.
  const [rx, ry] = [width / 2 - margin, height / 2 - margin];
  for (let i = 0; i < nodes; i++) {
    const r = Math.sqrt((i + 0.5) / nodes);
    const angle = i * 2.399963229728653;
    x[i] = cx + rx * r * Math.cos(angle);
    y[i] = cy + ry * r * Math.sin(angle);
  }
  return { size: fit(Math.sqrt((Math.PI * rx * ry) / nodes) * 0.95), x, y };
}

const fit = (step: number): number => Math.max(1, Math.min(22, Math.floor(step * 0.82)));

/** `#rrggbb` as a pixel. */
export function pixel(color: string): number {
  const [, r, g, b] = /^#(..)(..)(..)$/.exec(color.trim()) ?? ['', '80', '80', '80'];
  return ((255 << 24) | (parseInt(b, 16) << 16) | (parseInt(g, 16) << 8) | parseInt(r, 16)) >>> 0;
}

/** How a node looks: filled, hollow, with a dark core, a lower half only, a cross. */
export type Shape = 'full' | 'hollow' | 'core' | 'half' | 'cross';

/** The pixels of a stamp, row by row; 0 where the ground shows. */
export function stamp(shape: Shape, size: number, fill: number, line: number): Uint32Array {
  const pixels = new Uint32Array(size * size);
  const middle = (size - 1) / 2;
  const round = size >= 5;
  const edge = size >= 10 ? 1.9 : 1.25;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [dx, dy] = [column - middle, row - middle];
      const away = round ? Math.hypot(dx, dy) : Math.max(Math.abs(dx), Math.abs(dy));
      if (away > middle + 0.35) continue;
      const rim = away > middle + 0.35 - edge;
      let color = fill;
      if (size >= 3) {
        if (shape === 'hollow') color = rim ? line : 0;
        if (shape === 'core') color = away < middle * 0.45 ? line : fill;
        if (shape === 'half') color = dy >= 0 ? fill : rim ? line : 0;
        if (shape === 'cross') color = Math.abs(Math.abs(dx) - Math.abs(dy)) < 0.9 ? line : 0;
        if (shape === 'full' && size >= 7) color = rim ? line : fill;
      } else if (shape === 'hollow' || shape === 'cross') {
        color = line;
      }
      pixels[row * size + column] = color;
    }
  }
  return pixels;
}
