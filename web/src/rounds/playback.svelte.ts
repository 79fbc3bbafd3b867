// Where a followed run stands: rounds that are over, and the share of the next one that has passed.

import type { Followed } from '../engine/rounds';
import type { Playable } from '../page/player.svelte';

export class Playback implements Playable {
  /** Rounds that are over. */
  round = $state(0);
  /** How far the next one is, 0 to 1. */
  share = $state(0);
  #run: () => Followed | undefined;

  constructor(run: () => Followed | undefined) {
    this.#run = run;
  }

  get last(): number {
    return this.#run()?.rounds.length ?? 0;
  }

  step(): boolean {
    if (this.round < this.last) this.round += 1;
    return this.round < this.last;
  }

  rewind(): void {
    this.round = 0;
    this.share = 0;
  }

  ended(): boolean {
    return this.round >= this.last;
  }

  between(share: number): void {
    this.share = this.ended() ? 0 : share;
  }
}

/** Number informed after so many rounds of a run, or at its end if it has fewer. */
export function informed_after(run: Followed, round: number): number {
  return round === 0 ? run.origins.length : (run.rounds[Math.min(round, run.rounds.length) - 1]?.informed ?? run.origins.length);
}
