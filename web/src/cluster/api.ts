// The agent's HTTP API, as far as the live view uses it. What the fields mean: `/openapi.json`.

export interface Member {
  name: string;
  addr: string;
  incarnation: number;
  id: string;
  state: 'alive' | 'suspect' | 'down';
  me: boolean;
}

export interface Estimate { value: number | null; standard_error: number | null }
export interface Bounded { value: number; lower: number; upper: number }

export interface Reading {
  name: string;
  mode: 'live' | 'epoch';
  epoch: number | null;
  state: 'settled' | 'following' | 'disturbed';
  sum: Estimate;
  average: Estimate;
  count: Estimate;
  variance: number | null;
  standard_deviation: number | null;
  certified: { seconds_ago: number; sum: Bounded; average: Bounded | null; count: Bounded; min: number | null; max: number | null } | null;
  converged: boolean;
  members: number;
  disturbed_seconds_ago: number | null;
  caveats: string[];
}

export interface Link { name: string; addr: string; linked: boolean; outstanding: boolean; exchanges: number; net: number }
export interface Explanation { reading: Reading; input: number | null; links: Link[]; nodes: number | null; window: { number: number; phase: string; reached: number; of: number } }

export interface Input { name: string; value: number; mode: 'live' | 'epoch' }

export type Counters = { [name: string]: number | { [name: string]: number } };

export interface Info {
  name: string;
  address: string;
  http_address: string | null;
  incarnation: number;
  id: string;
  version: string;
  cluster: string;
  uptime_seconds: number;
  members: number;
  joining: boolean;
  join: { address: string; problems: string[] }[];
  loss: number;
  settings: { interval: string; events: { style: string; fanout: number; interval: string; pull_interval: string; eager: boolean; stop: string } };
  events: { kept: number; hot: number; bytes: number };
  kv: { keys: number; tombstones: number; bytes: number; members_differing: number; digest: string };
  clock: { correction_seconds: number; members_known: number; members_skewed: number };
  narrow_paths: { member: string; limit_bytes: number }[];
  store: { directory: string; problem: string | null } | null;
  inputs: Input[];
  counters: Counters;
}

export interface Payload { payload?: string; payload_base64?: string }
export interface EventNotice extends Payload { id: string; published_at_ms: number; origin: string; topic: string; round: number; age_ms: number }
export interface EventRecord { id: string; published_at_ms: number; origin: string; topic: string; bytes: number; round: number; age_ms: number; pulled: boolean; copies: number; rejected: boolean }
export interface Trace { id: string; expected: number; answered: number; informed: { node: string; record: EventRecord }[]; missing: string[]; silent: string[] }

export interface Entry { key: string; value?: string; value_base64?: string; version: string; origin: string }
export interface KeyPage { entries: Entry[]; next: string | null }
export interface KeyNotice { key: string; deleted: boolean; value?: string; value_base64?: string; version: string; origin: string }

export interface Held { node: string; members: number; members_digest: string; keys: number; keys_digest: string }
export interface Comparison { expected: number; answered: number; nodes: Held[]; silent: string[] }

/** The agent refused a request, in its own words; or it did not answer, and `unreachable` is true. */
export class ApiError extends Error {
  constructor(message: string, readonly unreachable = false, readonly status = 0) {
    super(message);
  }
}

const PATIENCE = 8000;

async function request(method: string, path: string, body?: string, patience = PATIENCE): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), { method, body, signal: AbortSignal.timeout(patience), cache: 'no-store' });
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    throw new ApiError(late ? `no answer within ${patience / 1000} s` : 'no connection to the agent', true);
  }
  if (response.ok) return response;
  const text = await response.text();
  let message = `the agent answered ${response.status}`;
  try {
    message = (JSON.parse(text) as { error: string }).error ?? message;
  } catch {
    // Not the API's own words.
  }
  throw new ApiError(message, response.status === 503 && message === 'the agent has stopped', response.status);
}

export async function get<T>(path: string, patience?: number): Promise<T> {
  const response = await request('GET', path, undefined, patience);
  try {
    return (await response.json()) as T;
  } catch {
    throw new ApiError(`${path} is not what an agent answers; does an agent serve this page?`, true);
  }
}

/** Whether an agent serves this page: its name, as a header of the page itself. */
export async function agent(): Promise<string | undefined> {
  try {
    const response = await fetch(new URL('.', document.baseURI), { method: 'HEAD', cache: 'no-store' });
    return response.headers.get('rumormill-agent') ?? undefined;
  } catch {
    return undefined;
  }
}

/** A name or a key as one segment of a path. */
export function segment(text: string): string {
  if (text === '.' || text === '..') throw new ApiError(`a browser cannot ask for ${JSON.stringify(text)}; use the command`);
  return encodeURIComponent(text);
}

export const set_input = (name: string, value: number, mode: string) => request('PUT', `v1/inputs/${segment(name)}`, JSON.stringify({ value, mode }));
export const unset_input = (name: string) => request('DELETE', `v1/inputs/${segment(name)}`);
export const publish = async (topic: string, payload: string) => (await (await request('POST', 'v1/events', JSON.stringify({ topic, payload }))).json()) as { id: string };
export const put_key = (key: string, value: string) => request('PUT', `v1/kv/${segment(key)}`, value);
export const delete_key = (key: string) => request('DELETE', `v1/kv/${segment(key)}`);
