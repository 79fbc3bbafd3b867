// The screens of the tour, in their order. Each is loaded when it is shown.

import type { Component } from 'svelte';

export interface Screen {
  /** Its number in the address: `#/tour/2`. */
  number: number;
  title: string;
  load: () => Promise<{ default: Component }>;
}

export const screens: Screen[] = [
  { number: 2, title: 'How long does it take?', load: () => import('./02-how-long.svelte') },
];
