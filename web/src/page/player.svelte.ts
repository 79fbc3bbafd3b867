// What plays on a screen: in steps, by itself or one at a time; the keys and the buttons drive it.

import { preferences } from './preferences.svelte';

export interface Playable {
  /** Goes one step on; false at the end. */
  step(): boolean;
  /** Goes back to the start. */
  rewind(): void;
  /** Whether there is no further step; then playing begins again. */
  ended?(): boolean;
  /** Draws the time between two steps, 0 to 1; without it steps are shown at once. */
  between?(share: number): void;
}

export class Player {
  playing = $state(false);
  /** Steps a second. */
  rate = $state(1.2);

  #of: Playable;
  #share = 0;
  #last = 0;
  #frame = 0;

  constructor(of: Playable, rate = 1.2) {
    this.#of = of;
    this.rate = rate;
  }

  /** Plays or pauses; where nothing may move by itself, makes one step instead. */
  toggle(): void {
    if (this.playing) return this.pause();
    if (this.#of.ended?.()) this.rewind();
    if (!preferences.motion) return this.step();
    this.playing = true;
    this.#last = 0;
    this.#frame = requestAnimationFrame(this.#tick);
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
  }

  step(): void {
    this.pause();
    this.#share = 0;
    this.#of.step();
    this.#of.between?.(0);
  }

  rewind(): void {
    this.pause();
    this.#share = 0;
    this.#of.rewind();
    this.#of.between?.(0);
  }

  #tick = (now: number): void => {
    if (!this.playing) return;
    if (!preferences.motion) return this.pause();
    // A tab that was in the background goes on where it was.
    const passed = this.#last ? Math.min(now - this.#last, 100) : 0;
    this.#last = now;
    this.#share += (passed / 1000) * this.rate;
    while (this.#share >= 1) {
      this.#share -= 1;
      if (!this.#of.step()) {
        this.#share = 0;
        this.#of.between?.(0);
        return this.pause();
      }
    }
    this.#of.between?.(this.#share);
    this.#frame = requestAnimationFrame(this.#tick);
  };
}

/** The player that the keys drive: that of the screen shown, the last one used if it has several. */
export const keyed = $state<{ player: Player | undefined }>({ player: undefined });

/** Makes a player for the component that is being set up, driven by the keys until it goes. */
export function player(of: Playable, rate?: number): Player {
  const made = new Player(of, rate);
  $effect(() => {
    keyed.player = made;
    return () => {
      made.pause();
      if (keyed.player === made) keyed.player = undefined;
    };
  });
  return made;
}
