// The answers of the core that several screens read. Each type is that of the Rust side, by its verb.

export type Style = 'push' | 'pull' | 'push-pull' | 'push-then-pull';

/** The question of a spread: `rumormill_model::spread::Spread`; what is left out has its default. */
export interface Spread {
  nodes: number;
  graph?: string;
  style?: Style;
  pull_after?: number | null;
  fanout?: number;
  loss?: number;
  targets?: 'distinct' | 'independent';
  include_self?: boolean;
  origins?: number;
  origin?: number | null;
  dead?: number;
  coverage?: number;
  stop?: string;
  reset?: boolean;
  semantics?: 'synchronous' | 'sequential' | 'asynchronous';
  max_rounds?: number | null;
}

export interface Distribution {
  mean: number | null;
  variance: number | null;
  /** P(T > x) for x = 0, 1, …. */
  survival: number[];
  success: number[];
  messages: number;
  error: number;
  bound: 'proved' | 'compared';
}

export interface Estimate {
  formula: string;
  mean: number | null;
  p99: number | null;
  survival: number[] | null;
  distance: number | null;
  verdict: 'valid bound' | 'approximation' | 'false here';
}

/** `predict_spread`. */
export interface Law extends Distribution {
  percentiles: Record<string, number | null>;
  bounds?: Record<string, Estimate>;
  ratios: Record<string, number> | null;
}

/** What is known exactly beside a simulation. */
export interface Exact {
  law: Distribution | null;
  informed: number[];
  messages: number | null;
  residue: number | null;
  incomplete: number | null;
  unfinished: number | null;
  missing: string | null;
}

/** `simulate_spread`. */
export interface Runs {
  runs: number;
  engine: string;
  mean: number | null;
  variance: number | null;
  /** Runs that met the goal in round 0, 1, …. */
  finished: number[];
  unfinished: number;
  informed: number[];
  sent: number[];
  /** For each round the 5th and the 95th percentile of the number informed. */
  informed_quantiles: number[][];
  growth: number[];
  /** For each round the 5th and the 95th percentile of the factor by which a run grew. */
  growth_quantiles: number[][];
  incomplete: number;
  residue: number;
  messages: number;
  exact: Exact;
  agreement: Record<string, unknown>;
}
