// A question whose settings move: the newest one is answered; those overtaken before they were asked are
// dropped.

import { untrack } from 'svelte';
import { engine as shared, type Engine } from './client';

/** What is known of a question at the moment. */
export class Answer<T> {
  /** The last answer; stays while a newer question is worked on. */
  value = $state.raw<T | undefined>(undefined);
  /** Why the newest question has no answer, in words. */
  error = $state<string | undefined>(undefined);
  /** Whether a question is being worked on. */
  busy = $state(false);
  /** Milliseconds from the question to the answer. */
  millis = $state(0);

  #engine: Engine;
  #next: { verb: string; args: object } | undefined;

  constructor(engine: Engine = shared) {
    this.#engine = engine;
  }

  ask(verb: string, args: object): void {
    this.#next = { verb, args };
    if (!this.busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.busy = true;
    while (this.#next) {
      const { verb, args } = this.#next;
      this.#next = undefined;
      const started = performance.now();
      try {
        const value = await this.#engine.ask<T>(verb, args);
        // Shown even if a newer question waits: while a slider moves, the picture moves along.
        this.value = value;
        if (this.#next) continue;
        this.error = undefined;
      } catch (error) {
        if (this.#next) continue;
        this.error = (error as Error).message;
      }
      this.millis = performance.now() - started;
    }
    this.busy = false;
  }
}

/** Asks whenever what `question` reads changes; call it while a component is set up. */
export function answer<T>(question: () => [verb: string, args: object] | undefined, engine?: Engine): Answer<T> {
  const kept = new Answer<T>(engine);
  $effect(() => {
    const asked = $state.snapshot(question()) as [string, object] | undefined;
    // What the answer says is no reason to ask again.
    if (asked) untrack(() => kept.ask(...asked));
  });
  return kept;
}
