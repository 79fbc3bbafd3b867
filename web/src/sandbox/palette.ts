// How the state of a node is drawn: colour and shape, for the picture and for its legend.

import { pixel, stamp, type Shape } from './layout';

export interface Look { byte: number; name: string; shape: Shape; fill: string; line: string }

const css = (token: string): string => getComputedStyle(document.documentElement).getPropertyValue(token).trim();

/** The states of a rumor. */
export function rumor_looks(): Look[] {
  const [node, line] = [css('--node'), css('--node-line')];
  const [informed, informed_line] = [css('--informed'), css('--informed-line')];
  return [
    { byte: 0, name: 'uninformed', shape: 'hollow', fill: node, line },
    { byte: 2, name: 'informed this round', shape: 'core', fill: css('--fresh'), line: informed_line },
    { byte: 1, name: 'informed', shape: 'full', fill: informed, line: informed_line },
    { byte: 3, name: 'informed, silent', shape: 'half', fill: css('--usual-2'), line: css('--usual-2') },
    { byte: 255, name: 'dead', shape: 'cross', fill: css('--dead'), line: css('--dead') },
  ];
}

/** The states of an average that are no shades. */
export function average_looks(): Look[] {
  return [
    { byte: 251, name: 'no estimate', shape: 'hollow', fill: css('--node'), line: css('--node-line') },
    { byte: 255, name: 'dead', shape: 'cross', fill: css('--dead'), line: css('--dead') },
  ];
}

/** From the smallest estimate to the largest: blue to yellow, told apart with any colour vision, and by brightness. */
const SHADES: [number, number, number][] = [
  [0, 34, 98],
  [66, 86, 118],
  [124, 123, 120],
  [190, 174, 106],
  [254, 232, 77],
];

export function shade(share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (SHADES.length - 1);
  const low = Math.min(Math.floor(at), SHADES.length - 2);
  const mixed = SHADES[low].map((from, i) => Math.round(from + (SHADES[low + 1][i] - from) * (at - low)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The stamp of each state, by its byte. */
export function stamps(rumor: boolean, size: number): Uint32Array[] {
  const looks = rumor ? rumor_looks() : average_looks();
  const all: Uint32Array[] = [];
  if (!rumor) {
    for (let byte = 0; byte <= 250; byte++) {
      const color = pixel(shade(byte / 250));
      all[byte] = stamp('full', size, color, color);
    }
  }
  for (const { byte, shape, fill, line } of looks) all[byte] = stamp(shape, size, pixel(fill), pixel(line));
  return all;
}
