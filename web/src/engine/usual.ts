// The answers about the usual story, each by its verb: `crates/rumormill-wasm/src/usual.rs`.

/** A round of `spread_curve`: how many are informed after it, exactly and by each equation. */
export interface Point {
  round: number;
  exact: number;
  logistic: number;
  collisions: number;
  collisions_taylor: number | null;
  recurrence: number;
}

export type Ratios = Record<'collisions_taylor' | 'collisions' | 'process', number>;

/** `spread_curve`. */
export interface Curve {
  rounds: Point[];
  /** Mean messages up to each round, exactly. */
  sent: number[] | null;
  messages: number;
  /** The same of the logistic equation, for plain push. */
  logistic_sent: number[] | null;
  logistic_messages: number | null;
  times: { exact: number; logistic: number; collisions: number; collisions_taylor: number | null };
  ratios: Ratios | null;
  /** What the ratios tend to as nodes are added. */
  limits: Ratios;
}

export interface Stage {
  from: number;
  to: number;
  mean: number;
  variance: number;
  waits_mean: number;
  waits_variance: number;
}

/** `spread_stages`. */
export interface Stages {
  stages: Stage[];
  mean: number;
  variance: number;
  waits_mean: number;
  waits_variance: number;
}

/** `spread_waits`, for each number of nodes. */
export type Waits = { nodes: number; mean: number; variance: number; waits_mean: number; waits_variance: number }[];

/** `spread_switches`, for each last round of push. */
export type Switches = { after: number; mean: number; p99: number | null; messages: number }[];

export interface Cost {
  runs: number;
  finished: number;
  mean: number | null;
  variance: number | null;
  survival: number[];
  messages: number;
  bytes: number;
  copies: number;
  exact_mean: number | null;
  p_value: number | null;
}

/** `spread_updates`. */
export interface Updates { rumors: Cost; exchange: Cost }
