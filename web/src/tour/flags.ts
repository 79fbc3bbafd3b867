// A spread as flags of the `rumormill` command: what differs from the command's defaults.

import type { Spread } from '../engine/types';

export function flags({ nodes, style = 'push', pull_after, fanout = 1, loss = 0 }: Spread): string {
  return [
    `--nodes ${nodes}`,
    style === 'push-then-pull' ? (pull_after === undefined || pull_after === null ? '' : `--pull-after ${pull_after}`) : style === 'push' ? '' : `--style ${style}`,
    fanout === 1 ? '' : `--fanout ${fanout}`,
    loss === 0 ? '' : `--loss ${loss}`,
  ].filter(Boolean).join(' ');
}
