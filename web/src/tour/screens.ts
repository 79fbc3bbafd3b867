// The screens of the tour, in their order. Each is loaded when it is shown.

import type { Component } from 'svelte';

export interface Screen {
  /** Its number in the address: `#/tour/2`. */
  number: number;
  title: string;
  load: () => Promise<{ default: Component }>;
}

export const screens: Screen[] = [
  { number: 1, title: 'A rumor spreads', load: () => import('./01-a-rumor-spreads.svelte') },
  { number: 2, title: 'How long does it take?', load: () => import('./02-how-long.svelte') },
  { number: 3, title: 'At least: ⌈log₂ n⌉', load: () => import('./03-at-least.svelte') },
  { number: 4, title: 'Diameter, and bad graphs', load: () => import('./04-bad-graphs.svelte') },
  { number: 5, title: 'At most: nothing', load: () => import('./05-at-most-nothing.svelte') },
  { number: 6, title: 'The epidemic curve', load: () => import('./06-epidemic-curve.svelte') },
  { number: 7, title: 'Waiting times', load: () => import('./07-waiting-times.svelte') },
  { number: 8, title: 'What if x rounds are not enough?', load: () => import('./08-not-enough.svelte') },
  { number: 9, title: 'When to stop talking', load: () => import('./09-when-to-stop.svelte') },
  { number: 10, title: 'More mouths', load: () => import('./10-more-mouths.svelte') },
  { number: 11, title: 'Ask instead of tell', load: () => import('./11-ask.svelte') },
  { number: 12, title: 'A sum that nobody owns', load: () => import('./12-a-sum.svelte') },
  { number: 13, title: 'The sandbox', load: () => import('../sandbox/Sandbox.svelte') },
];
