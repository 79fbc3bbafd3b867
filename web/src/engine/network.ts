// The answers about runs of the protocols themselves. Each type is that of the Rust side.

export interface Mark { at: number; tone: 'fault' | 'repair' | 'change' | 'phase'; text: string }

export interface Band { min: number; mean: number; max: number }

export interface AggregateSample {
  name: string;
  truth: number;
  worst_error: number | null;
  mean_error: number | null;
  width: number | null;
  enclosed: number;
  converged: number;
  disturbed: number;
  unknown: number;
}

export interface Sample {
  at: number;
  nodes: number;
  running: number;
  members: Band | null;
  agreed: number;
  aggregates: AggregateSample[];
  events: { published: number; delivered: number; waiting: number } | null;
  kv: { keys: Band | null; equal: number } | null;
  packets_sent: number;
  packets_lost: number;
}

/** A slice of a run's time, without details. */
export interface Brief { marks: Mark[]; sample: Sample }

export interface NodeLine {
  status: 'running' | 'paused' | 'crashed' | 'left' | 'waiting';
  members: number;
  roster: number;
  events: number;
  keys: number;
  kv: number;
  aggregates: {
    input: number | null;
    value: number | null;
    standard_error: number | null;
    state: string | null;
    certified: { lower: number; upper: number; seconds_ago: number } | null;
  }[];
}

/** A slice with its details: `run_slices`. */
export interface Slice extends Brief {
  nodes: NodeLine[];
  notices: { at: number; node: number; text: string }[];
  traffic: { at: number; from: number; to: number; bytes: number; fate: string }[];
}

export interface Header {
  program: string;
  scenario: string;
  seed: number;
  nodes: number;
  aggregates: string[];
  duration: number;
  period: number;
}

export interface Ending {
  complete: boolean;
  at: number;
  digest: number;
  survivors: number;
  settled_after: number | null;
  enclosures: number;
  balances: number;
  failure: string | null;
  counters: [string, number][];
}

/** `scenario_open`, `trace_open`. */
export interface Opened { run: number; header: Header; slices: Brief[]; ending: Ending | null }

/** `scenario_advance`. */
export interface Advanced { slices: Brief[]; ending: Ending | null }
