// The answers about single runs, graphs, stop rules and broadcasts; each type is that of the Rust side.

import type { Exact } from './types';

/** A call of a followed run: from, to, and its flags. */
export type Call = [from: number, to: number, flags: number];

export const PULLS = 1;
export const LOST = 2;
export const DEAD = 4;
export const ANSWERS = 8;
export const INFORMS = 16;
export const LOSES_INTEREST = 32;

export interface Played {
  /** Number informed after the round. */
  informed: number;
  messages: number;
  calls: Call[];
}

/** `follow_spread`: one run, call by call. */
export interface Followed {
  nodes: number;
  alive: number;
  goal: number;
  /** Each edge once; `null` on the complete graph. */
  edges: [number, number][] | null;
  origins: number[];
  dead: number[];
  /** The round in which each node was informed, 0 at the start. */
  informed_in: (number | null)[];
  lost_interest_in: (number | null)[];
  rounds: Played[];
  finished: number | null;
  over: boolean;
  messages: number;
}

/** `find_runs`: numbers of runs worth seeing. */
export interface Found {
  quick: number | null;
  quick_runs: number;
  slowest: [run: number, rounds: number] | null;
  incomplete: number | null;
  incomplete_runs: number;
}

/** `predict_graph`. */
export interface GraphFacts {
  kind: string;
  nodes: number;
  edges: [number, number][] | null;
  components: number;
  diameter: number | null;
  eccentricity_min: number | null;
  eccentricity_max: number | null;
  origin: { node: number; eccentricity: number; reached: number };
  rounds_at_least: number | null;
  exact_mean: number | null;
  exact_mean_from: string | null;
  statement: string | null;
  law: { mean: number; survival: number[]; informed: number[] } | null;
  /** (n−1) H(n−1). */
  collector: number;
  /** √(n ln n). */
  wheel_order: number;
}

/** `predict_doubling`. */
export interface Doubling {
  nodes: number;
  loss: number;
  rounds: number;
  messages: number;
  complete: number;
  informed: number;
  log10_last_round: number | null;
  log10_all_rounds: number | null;
}

/** `follow_schedule`: one message of the perfect schedule. */
export interface Scheduled {
  round: number;
  from: number;
  to: number;
  sent: boolean;
  lost: boolean;
}

export interface Uncertain {
  value: number;
  /** 0 where the value is exact. */
  standard_error: number;
}

/** `predict_stop`, and each of `stop_by_size`. */
export interface Ending {
  nodes: number;
  semantics: string;
  residue: Uncertain;
  incomplete: Uncertain;
  traffic: Uncertain;
  mean_delay: Uncertain | null;
  last_delivery: Uncertain | null;
  not_given?: string;
  mean_field_residue: number | null;
  counter?: number;
}

export interface Way {
  messages: number;
  rounds: number | null;
  failure: number;
  success: number;
}

/** `compare_ways`: one for each loss. */
export interface AtLoss {
  loss: number;
  single: Way;
  repeated: Way;
  acknowledged: Way;
  eager: Way;
  gossip: Way;
}

/** `simulate_broadcast`. */
export interface BroadcastRuns {
  runs: number;
  mean: number | null;
  messages: number;
  residue: number;
  incomplete: number;
  informed: number[];
  exact: Exact;
}
