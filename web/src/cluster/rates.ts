// Rates from counters: what they rose by, over the agent's own time.

import type { Sample } from './live.svelte';

export type Rates = Omit<Sample, 'at' | 'uptime'>;

const keys = ['sent', 'received', 'events', 'kv', 'exchanges', 'messages'] as const;

function between(first: Sample, last: Sample): Rates | undefined {
  const seconds = last.uptime - first.uptime;
  if (seconds <= 0) return undefined;
  return Object.fromEntries(keys.map((key) => [key, Math.max(0, last[key] - first[key]) / seconds])) as Rates;
}

/** The mean rates of the last so many seconds; nothing from one sample. */
export function rates(samples: Sample[], seconds: number): Rates | undefined {
  const last = samples.at(-1);
  if (!last || samples.length < 2) return undefined;
  const first = samples.find(({ uptime }) => uptime >= last.uptime - seconds - 0.5) ?? samples[0];
  return between(first === last ? samples[samples.length - 2] : first, last);
}

/** The rates from sample to sample, each with the time of its end. */
export function series(samples: Sample[]): (Rates & { at: number })[] {
  return samples.slice(1).flatMap((sample, i) => {
    const found = between(samples[i], sample);
    return found ? [{ at: sample.at, ...found }] : [];
  });
}
