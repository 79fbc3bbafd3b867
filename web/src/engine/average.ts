// The answers about averages. Each type is that of the Rust side, by its verb.

export type Protocol = 'ledger' | 'spsp' | 'push-sum' | 'push-pull';

export interface Strike { share: number; after: number }

/** The question of an average: `rumormill_model::average::Averaging`, with its graph. */
export interface Average {
  nodes?: number;
  graph?: string;
  protocol: Protocol;
  schedule?: string;
  aggregate?: 'average' | 'sum';
  values?: 'uniform' | 'spike' | 'linear' | number[];
  loss?: number;
  crashes?: Strike[];
  detection?: number;
  rounds?: number;
  seed: number;
}

/** What a node holds. */
export interface Held { value: number; weight: number; estimate: number | null }

/** A message, and what the two nodes hold after it. */
export interface Sent {
  message: number;
  from: number;
  to: number;
  reply: boolean;
  lost: boolean;
  content: { value: number; weight: number | null; number: number | null };
  sender: Held;
  receiver: Held;
}

/** `follow_average`. */
export interface Followed {
  rounds: {
    nodes: (Held | null)[];
    total: Held;
    input: number;
    mean_error: number;
    worst_error: number;
    variance: number;
    mass_lost: number;
    sent: number;
    messages: Sent[];
  }[];
}

/** `simulate_average`. */
export interface Averages {
  engine: string;
  runs: number;
  factor: { mean: number | null; standard_error: number | null; theory: number | null; theory_applies: boolean };
  by_round: {
    round: number;
    mean_error: number;
    worst_error: number;
    variance: number;
    factor: number | null;
    mass_lost: number;
    messages: number;
  }[];
  exact_variance: number[];
}
