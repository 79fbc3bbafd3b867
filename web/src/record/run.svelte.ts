// A run of the protocols themselves, recorded or made here: all its slices in brief, and one with its details.

import { Engine } from '../engine/client';
import type { Advanced, Brief, Ending, Header, Opened, Slice } from '../engine/network';

export type End = Ending & { digest_hex: string };

/** Slices that are computed at a time, so that the picture grows meanwhile. */
const AT_ONCE = 24;

export class Run {
  header = $state.raw<Header | undefined>(undefined);
  slices = $state.raw<Brief[]>([]);
  ending = $state.raw<End | undefined>(undefined);
  /** The slice that is looked at. */
  at = $state(0);
  slice = $state.raw<Slice | undefined>(undefined);
  error = $state<string | undefined>(undefined);
  busy = $state(false);
  /** Whether it was made here. */
  made = $state(false);

  #engine = new Engine();
  #number: number | undefined;
  #turn = 0;

  /** Opens a recording. */
  async read(bytes: Promise<ArrayBuffer>): Promise<void> {
    await this.#open(false, async () => {
      const { answer } = await this.#engine.exchange<Opened>('trace_open', {}, await bytes);
      return answer;
    });
  }

  /** Makes the run of a scenario. */
  async make(scenario: () => object): Promise<void> {
    const turn = await this.#open(true, () => this.#engine.ask<Opened>('scenario_open', { scenario: scenario() }));
    if (turn === undefined) return;
    this.busy = true;
    try {
      let all: Brief[] = [];
      while (turn === this.#turn && !this.ending) {
        const more = await this.#engine.ask<Advanced>('scenario_advance', { run: this.#number, slices: AT_ONCE });
        if (turn !== this.#turn) return;
        const first = !all.length && more.slices.length > 0;
        all = [...all, ...more.slices];
        this.slices = all;
        this.ending = (more.ending as End | null) ?? undefined;
        if (first) await this.look(this.at);
      }
    } catch (error) {
      if (turn === this.#turn) this.error = (error as Error).message;
    }
    if (turn === this.#turn) this.busy = false;
  }

  async #open(made: boolean, open: () => Promise<Opened>): Promise<number | undefined> {
    const turn = ++this.#turn;
    this.busy = true;
    this.error = undefined;
    try {
      const opened = await open();
      if (turn !== this.#turn) return;
      const old = this.#number;
      this.#number = opened.run;
      if (old !== undefined) void this.#engine.ask('run_close', { run: old });
      this.header = opened.header;
      this.slices = opened.slices;
      this.ending = (opened.ending as End | null) ?? undefined;
      this.slice = undefined;
      this.made = made;
      this.at = 0;
      if (opened.slices.length) await this.look(0);
      return turn;
    } catch (error) {
      if (turn === this.#turn) this.error = (error as Error).message;
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }

  #wanted: number | undefined;
  #looking = false;

  /** Shows a slice; of those asked for meanwhile the last one. */
  async look(at: number): Promise<void> {
    this.at = Math.max(0, Math.min(at, this.slices.length - 1));
    this.#wanted = this.at;
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#wanted !== undefined && this.slices.length) {
        const from = this.#wanted;
        this.#wanted = undefined;
        [this.slice] = await this.#engine.ask<Slice[]>('run_slices', { run: this.#number, from, to: from + 1 });
      }
    } catch (error) {
      this.error = (error as Error).message;
    } finally {
      this.#looking = false;
    }
  }

  /** The slice at whose end, or before whose end, a time is. */
  at_time(seconds: number): number {
    const found = this.slices.findIndex(({ sample }) => sample.at >= seconds - 1e-9);
    return found < 0 ? this.slices.length - 1 : found;
  }
}
