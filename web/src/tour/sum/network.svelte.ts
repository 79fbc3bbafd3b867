// A run of the protocols themselves, made in a worker of its own, slice by slice.

import { Engine } from '../../engine/client';
import type { Advanced, Brief, Ending, Opened, Slice } from '../../engine/network';

/** Slices that are asked for at a time: the picture grows while the rest is computed. */
const AT_ONCE = 20;

export class Made {
  slices = $state.raw<Slice[]>([]);
  ending = $state.raw<Ending | undefined>(undefined);
  error = $state<string | undefined>(undefined);
  busy = $state(false);

  #engine = new Engine();
  #wanted = 0;

  /** Runs a scenario; one that is under way is given up. */
  async run(scenario: object): Promise<void> {
    const mine = ++this.#wanted;
    let run: number | undefined;
    this.busy = true;
    try {
      const opened = await this.#engine.ask<Opened>('scenario_open', { scenario });
      run = opened.run;
      let all: Slice[] = [];
      let known = 0;
      for (let ending: Ending | null = null; !ending && mine === this.#wanted; ) {
        const more: Advanced = await this.#engine.ask<Advanced>('scenario_advance', { run, slices: AT_ONCE });
        const to: number = known + more.slices.length;
        all = [...all, ...(await this.#engine.ask<Slice[]>('run_slices', { run, from: known, to }))];
        known = to;
        ending = more.ending;
        if (mine !== this.#wanted) break;
        this.error = undefined;
        this.slices = all;
        this.ending = ending ?? undefined;
      }
    } catch (error) {
      if (mine === this.#wanted) this.error = (error as Error).message;
    }
    if (run !== undefined) await this.#engine.ask('run_close', { run });
    if (mine === this.#wanted) this.busy = false;
  }
}

export type { Brief };
