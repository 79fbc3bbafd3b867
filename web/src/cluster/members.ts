// How the states of members are shown: as words, as levels, as cells.

import type { Cell } from './Cells.svelte';
import type { Member } from './api';
import type { Level } from './health';

export const words: Record<Member['state'], string> = { alive: 'alive', suspect: 'suspected', down: 'left or dead' };
export const levels: Record<Member['state'], Level> = { alive: 'good', suspect: 'note', down: 'bad' };

export const legend = (['alive', 'suspect', 'down'] as const).map((state) => ({ state, level: levels[state], word: words[state] }));

const shapes: Record<Member['state'], Pick<Cell, 'shape' | 'color'>> = {
  alive: { shape: 'square', color: '--good' },
  suspect: { shape: 'triangle', color: '--try-line' },
  down: { shape: 'cross', color: '--bad' },
};

export const member_cell = ({ name, state, me, addr }: Member): Cell => ({ name, ...shapes[state], ring: me, title: `${name}, ${words[state]}, ${addr}${me ? ', this agent' : ''}` });

/** How many members there are in each state. */
export function counted(members: Member[]): Record<Member['state'], number> {
  const counts = { alive: 0, suspect: 0, down: 0 };
  for (const { state } of members) counts[state] += 1;
  return counts;
}
