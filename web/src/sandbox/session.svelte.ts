// A session of the sandbox: what the core plays, as the page sees it.

import type { Engine } from '../engine/client';

/** What the reader does; the round after which it was done goes with it in a list. */
export type Action =
  | { do: 'kill'; nodes: number[] }
  | { do: 'strike'; share: number; seed: number }
  | { do: 'cut'; share: number }
  | { do: 'heal' }
  | { do: 'loss'; loss: number }
  | { do: 'inform'; node: number }
  | { do: 'raise'; node: number; by: number }
  | { do: 'reseed'; seed: number };

export type Timed = Action & { after: number };

export interface Statistics {
  alive: number;
  messages: number;
  informed?: number;
  interested?: number;
  variance?: number;
  worst_error?: number;
  mass_lost?: number;
}

interface View {
  session: number;
  nodes: number;
  round: number;
  contacts: number;
  from: number;
  history: Statistics[];
  actions: Timed[];
}

/** Contacts of a round that are shown, at most. */
export const CONTACTS = 300;

/** What a picture is drawn from: a byte for each node, and from, to and flags of contacts. */
export interface Shown {
  round: number;
  states: Uint8Array;
  contacts: Uint32Array;
}

export const [LOST, ANSWER] = [1, 2];

export class Session {
  round = $state(0);
  nodes = $state(0);
  shown = $state.raw<Shown | undefined>(undefined);
  /** How the nodes stood after each round; grows in place, `round` says how far it counts. */
  history: Statistics[] = [];
  actions = $state.raw<Timed[]>([]);
  error = $state<string | undefined>(undefined);

  /** Whether a question is under way; the next step waits for it. */
  busy = false;
  #engine: Engine;
  #number: number | undefined;
  #mode: object = {};

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get open(): boolean {
    return this.#number !== undefined;
  }

  async start(mode: object, actions: Timed[] = [], round = 0): Promise<void> {
    const old = this.#number;
    this.#mode = mode;
    await this.#ask('sandbox_open', { mode, actions, round, contacts: CONTACTS });
    if (old !== undefined && old !== this.#number) await this.#engine.ask('sandbox_close', { session: old });
  }

  /** Goes to a round; false if a question is still under way. */
  seek(round: number): boolean {
    if (this.busy || this.#number === undefined) return false;
    void this.#ask('sandbox_seek', { session: this.#number, round: Math.max(0, round), contacts: CONTACTS, from: Math.min(round, this.history.length) });
    return true;
  }

  async act(action: Action): Promise<void> {
    if (this.#number !== undefined) await this.#ask('sandbox_act', { session: this.#number, action, from: this.round });
  }

  /** A copy that goes on with other random numbers. */
  async fork(seed: number): Promise<Session | undefined> {
    if (this.#number === undefined) return;
    const fork = new Session(this.#engine);
    fork.#mode = this.#mode;
    await fork.#ask('sandbox_fork', { session: this.#number, seed });
    return fork;
  }

  close(): void {
    if (this.#number !== undefined) void this.#engine.ask('sandbox_close', { session: this.#number });
    this.#number = undefined;
  }

  /** A promise that holds once nothing is under way. */
  #last: Promise<void> = Promise.resolve();

  #ask(verb: string, args: object): Promise<void> {
    this.busy = true;
    const asked = this.#last.then(() => this.#exchange(verb, args));
    this.#last = asked;
    return asked.finally(() => {
      if (this.#last === asked) this.busy = false;
    });
  }

  async #exchange(verb: string, args: object): Promise<void> {
    try {
      const { answer: view, bytes } = await this.#engine.exchange<View>(verb, args);
      this.#number = view.session;
      this.nodes = view.nodes;
      this.history.length = Math.min(this.history.length, view.from);
      if (verb === 'sandbox_open' || verb === 'sandbox_fork') this.history.length = 0;
      view.history.forEach((one, i) => (this.history[view.from + i] = one));
      const words = Math.ceil(view.nodes / 4) * 4;
      this.shown = {
        round: view.round,
        states: new Uint8Array(bytes, 0, view.nodes),
        contacts: new Uint32Array(bytes, words, 3 * view.contacts),
      };
      this.round = view.round;
      if (JSON.stringify(view.actions) !== JSON.stringify(this.actions)) this.actions = view.actions;
      this.error = undefined;
    } catch (error) {
      this.error = (error as Error).message;
    }
  }
}
