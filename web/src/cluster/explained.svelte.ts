// What an aggregate rests on at this agent, asked for while it is looked at.

import { get, segment, type Explanation } from './api';
import type { Live } from './live.svelte';

const EVERY = 3000;

export function explained(live: () => Live, name: () => string | undefined): { value: Explanation | undefined; error: string | undefined } {
  const known = $state<{ value: Explanation | undefined; error: string | undefined }>({ value: undefined, error: undefined });
  $effect(() => {
    const wanted = name();
    const there = live();
    if (wanted === undefined) return;
    let gone = false;
    const ask = async () => {
      if (document.hidden || there.connection !== 'open') return;
      try {
        const value = await get<Explanation>(`v1/aggregates/${segment(wanted)}/explain`);
        if (!gone) [known.value, known.error] = [value, undefined];
      } catch (error) {
        if (!gone) known.error = (error as Error).message;
      }
    };
    void ask();
    const timer = setInterval(ask, EVERY);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  });
  return known;
}
