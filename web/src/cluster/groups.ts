// Members that hold the same, as groups with letters.

import type { Comparison, Held } from './api';

export interface Group { letter: string; digest: string; size: number; names: string[] }

/** The groups by a digest, the largest first; of two that are as large, that of `me`. */
export function grouped(found: Comparison, me: string | undefined, digest: (held: Held) => string, size: (held: Held) => number): Group[] {
  const groups = new Map<string, Group>();
  for (const held of found.nodes) {
    const key = digest(held);
    const group = groups.get(key) ?? { letter: '', digest: key, size: size(held), names: [] };
    group.names.push(held.node);
    groups.set(key, group);
  }
  const mine = ({ names }: Group) => Number(me !== undefined && names.includes(me));
  const sorted = [...groups.values()].sort((a, b) => b.names.length - a.names.length || mine(b) - mine(a) || (a.digest < b.digest ? -1 : 1));
  return sorted.map((group, i) => ({ ...group, letter: i < 26 ? String.fromCharCode(65 + i) : '…' }));
}
