// What the agent that serves this page knows, kept up to date: notices as server-sent events, the rest
// asked for again and again. When the agent is away, the last that it said stays, with its age.

import { ApiError, get, type Entry, type EventNotice, type EventRecord, type Info, type KeyNotice, type KeyPage, type Member, type Reading } from './api';

/** An event as it is listed: a record, and the payload if it arrived while the page was open. */
export interface Heard { id: string; published: number; origin: string; topic: string; payload?: string; payload_base64?: string; bytes?: number; round: number; age: number; query?: boolean }

/** An aggregate's value at a time, and what is certain of it. */
export interface Point { at: number; value: number | null; lower: number | null; upper: number | null }

/** The counters at a time. */
export interface Sample { at: number; uptime: number; sent: number; received: number; events: number; kv: number; exchanges: number; messages: number }

/** Something that happened to the membership, as the stream told it. */
export interface Change { at: number; text: string; bad: boolean }

const POLL = 2000;
const MOST_EVENTS = 300;
const MOST_POINTS = 400;
const MOST_SAMPLES = 300;
/** Over how long rates are taken. */
const RATE = 10_000;

/** The longest time that is drawn, in seconds. */
export const WINDOW = 120;

/** The time that is drawn, in seconds: long enough for what there is, in steps. */
export function span(oldest: number | undefined, now: number): number {
  const age = oldest === undefined ? 0 : (now - oldest) / 1000;
  return [15, 30, 60].find((seconds) => age <= seconds) ?? WINDOW;
}

type Connection = 'connecting' | 'open' | 'lost';

export class Live {
  connection = $state<Connection>('connecting');
  /** Since when the agent has not answered, why, and when it is tried again. */
  lost_since = $state(0);
  lost_why = $state('');
  next_try = $state(0);
  /** Whether notices arrive as they happen; otherwise everything is as old as the last poll. */
  streaming = $state(false);
  /** When the agent last answered. */
  heard = $state(0);
  now = $state(Date.now());

  info = $state.raw<Info | undefined>(undefined);
  members = $state.raw<Member[]>([]);
  readings = $state.raw<Reading[]>([]);
  /** When each reading arrived, by name. */
  read_at = $state.raw<Record<string, number>>({});
  events = $state.raw<Heard[]>([]);
  entries = $state.raw<Entry[]>([]);
  more_keys = $state(false);
  prefix = $state('');
  changes = $state.raw<Change[]>([]);
  samples = $state.raw<Sample[]>([]);
  missed = $state(0);
  /** Counts up whenever the histories have new points. */
  beats = $state(0);
  /** Why a part could not be read, by part. */
  problems = $state<Record<string, string>>({});

  #histories = new Map<string, Point[]>();
  #arrivals: number[] = [];
  #fresh = new Map<string, Reading>();
  #changed_keys = new Map<string, KeyNotice>();
  #new_events: Heard[] = [];
  #flushing = 0;
  #source: EventSource | undefined;
  #timers: number[] = [];
  #polls = 0;
  /** When the agent was last asked. */
  #polled = 0;
  #polling = false;
  #failures = 0;
  #stopped = false;
  #members_due = false;

  start(): void {
    void this.#poll();
    this.#timers.push(setInterval(() => this.#tick(), 1000) as unknown as number);
    document.addEventListener('visibilitychange', this.#visible);
  }

  stop(): void {
    this.#stopped = true;
    this.#timers.forEach(clearInterval);
    clearTimeout(this.#flushing);
    this.#source?.close();
    document.removeEventListener('visibilitychange', this.#visible);
  }

  /** Asks now, whatever is due. */
  retry(): void {
    this.next_try = 0;
    void this.#poll();
  }

  history(name: string): Point[] {
    void this.beats;
    return this.#histories.get(name) ?? [];
  }

  /** Events a second over the last ten seconds. */
  get event_rate(): number {
    const since = this.now - RATE;
    return (this.#arrivals.filter((at) => at > since).length / RATE) * 1000;
  }

  /** Seconds since the agent last answered. */
  get age(): number {
    return this.heard ? Math.max(0, (this.now - this.heard) / 1000) : 0;
  }

  get stale(): boolean {
    return this.connection === 'lost' || this.age > 6;
  }

  #visible = () => {
    if (!document.hidden) this.retry();
  };

  #tick(): void {
    this.now = Date.now();
    this.#arrivals = this.#arrivals.filter((at) => at > this.now - 2 * RATE);
    if (this.connection === 'open' && !this.stale) {
      for (const reading of this.readings) this.#point(reading, this.now);
      this.beats += 1;
    }
    const due = this.connection === 'lost' ? this.now >= this.next_try : this.now - this.#polled >= (document.hidden ? 5 * POLL : POLL) - 200;
    if (due) void this.#poll();
  }

  async #poll(): Promise<void> {
    if (this.#polling || this.#stopped) return;
    this.#polling = true;
    this.#polled = Date.now();
    try {
      const again = this.connection !== 'open';
      const all = again ? [this.#read_members(), this.#read_aggregates(), this.#read_events(), this.read_keys()] : [];
      const [info] = await Promise.all([get<Info>('v1/info'), ...all]);
      if (this.#stopped) return;
      if (this.info && this.info.id !== info.id) this.#forget();
      this.info = info;
      this.now = this.heard = Date.now();
      this.#failures = 0;
      this.connection = 'open';
      this.#sample(info);
      this.#listen();
      this.#polls += 1;
      const large = this.members.length > 200;
      if (again) return;
      if (this.#members_due || this.#polls % (large ? 3 : 1) === 0) await this.#read_members();
      if (this.#polls % 3 === 0 || !this.streaming) await this.#read_aggregates();
      if (!this.streaming) await Promise.all([this.#read_events(), this.read_keys()]);
    } catch (error) {
      this.#lose(error as Error);
    } finally {
      this.#polling = false;
    }
  }

  #lose(error: Error): void {
    if (this.#stopped) return;
    this.#failures += 1;
    if (this.connection !== 'lost') {
      this.lost_since = Date.now();
      this.connection = 'lost';
    }
    this.lost_why = error.message;
    this.streaming = false;
    this.#source?.close();
    this.#source = undefined;
    this.now = Date.now();
    this.next_try = this.now + Math.min(1000 * 2 ** (this.#failures - 1), 10_000);
  }

  /** Another incarnation of the agent answers: what was drawn of the last one ends. */
  #forget(): void {
    this.#histories.clear();
    this.samples = [];
    this.#source?.close();
    this.#source = undefined;
  }

  /** Reads a part; a refusal is shown in its panel, silence is the agent's. */
  async #part(name: string, read: () => Promise<void>): Promise<void> {
    try {
      await read();
      delete this.problems[name];
    } catch (error) {
      if (error instanceof ApiError && !error.unreachable) this.problems[name] = error.message;
      else throw error;
    }
  }

  #read_members = () =>
    this.#part('members', async () => {
      this.#members_due = false;
      this.members = await get<Member[]>('v1/members');
    });

  #read_aggregates = () =>
    this.#part('aggregates', async () => {
      const at = Date.now();
      this.#take(await get<Reading[]>('v1/aggregates'), at, true);
    });

  #read_events = () =>
    this.#part('events', async () => {
      // Topics with an underscore are the nodes' own: requests for traces and digests.
      const records = (await get<EventRecord[]>('v1/events')).filter(({ topic }) => !topic.startsWith('_'));
      const known = new Map(this.events.map((event) => [event.id, event]));
      const listed = records.slice(-MOST_EVENTS).reverse();
      this.events = listed.map(({ id, published_at_ms: published, age_ms: age, ...record }) => ({ ...record, id, published, age, ...known.get(id) }));
    });

  read_keys = () =>
    this.#part('keys', async () => {
      const page = await get<KeyPage>(`v1/kv/?limit=200&prefix=${encodeURIComponent(this.prefix)}`);
      this.entries = page.entries;
      this.more_keys = page.next !== null;
    });

  #take(readings: Reading[], at: number, all: boolean): void {
    const by_name = all ? new Map<string, Reading>() : new Map(this.readings.map((reading) => [reading.name, reading]));
    const read_at = { ...this.read_at };
    for (const reading of readings) {
      by_name.set(reading.name, reading);
      read_at[reading.name] = at;
      this.#point(reading, at);
    }
    this.readings = [...by_name.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.read_at = read_at;
    this.beats += 1;
  }

  #point({ name, sum, certified }: Reading, at: number): void {
    const history = this.#histories.get(name) ?? [];
    this.#histories.set(name, history);
    const last = history.at(-1);
    if (last && at <= last.at) return;
    history.push({ at, value: sum.value, lower: certified?.sum.lower ?? null, upper: certified?.sum.upper ?? null });
    if (history.length > MOST_POINTS) history.splice(0, history.length - MOST_POINTS);
  }

  #sample({ counters, uptime_seconds: uptime }: Info): void {
    const of = (name: string) => Number(counters[name] ?? 0);
    const group = (name: string) => (counters[name] as { bytes: number } | undefined)?.bytes ?? 0;
    const sample = {
      at: Date.now(),
      uptime,
      sent: of('bytes_sent') + of('stream_bytes_sent'),
      received: of('bytes_received') + of('stream_bytes_received'),
      events: group('events'),
      kv: group('kv'),
      exchanges: of('exchanges'),
      messages: of('datagrams_sent') + of('stream_messages_sent'),
    };
    this.samples = [...this.samples.slice(1 - MOST_SAMPLES), sample];
  }

  #listen(): void {
    if (this.#source || this.#stopped) return;
    const source = new EventSource(new URL('v1/watch', document.baseURI));
    this.#source = source;
    const on = <T>(kind: string, act: (notice: T) => void) =>
      source.addEventListener(kind, (event) => act(JSON.parse((event as MessageEvent<string>).data) as T));
    source.onopen = () => (this.streaming = true);
    source.onerror = () => {
      this.streaming = false;
      source.close();
      if (this.#source === source) this.#source = undefined;
      // The agent may be gone, or only the stream: asking tells.
      if (this.connection === 'open') setTimeout(() => this.retry(), 100);
    };
    on<{ reading: Reading }>('aggregate', ({ reading }) => {
      this.#fresh.set(reading.name, reading);
      this.#flush_soon();
    });
    for (const kind of ['event', 'query']) {
      on<EventNotice>(kind, ({ published_at_ms: published, age_ms: age, ...event }) => {
        this.#arrivals.push(Date.now());
        this.#new_events.push({ ...event, published, age, query: kind === 'query' });
        this.#flush_soon();
      });
    }
    on<KeyNotice>('key', (notice) => {
      this.#changed_keys.set(notice.key, notice);
      this.#flush_soon();
    });
    on<{ member: Member }>('member_up', ({ member }) => this.#happened(`${member.name} is up`, false));
    on<{ member: Member }>('member_down', ({ member }) => this.#happened(`${member.name} left or was declared dead`, true));
    on<{ member: Member }>('renewed', () => this.#happened('this agent was declared dead, and came back as a new incarnation', true));
    on<{ name: string }>('name_conflict', ({ name }) => this.#happened(`two members have the name ${name}`, true));
    on<{ member: string }>('clock_skew', ({ member }) => this.#happened(`the clock of ${member} is too far off`, true));
    on<{ member: string }>('kv_differs', ({ member }) => this.#happened(`the keys of ${member} differ for long`, true));
    on<{ notices: number }>('missed', ({ notices }) => {
      this.missed += notices;
      void this.#read_events().catch((error: Error) => this.#lose(error));
      void this.read_keys().catch((error: Error) => this.#lose(error));
    });
  }

  #happened(text: string, bad: boolean): void {
    this.changes = [{ at: Date.now(), text, bad }, ...this.changes].slice(0, 50);
    if (this.#members_due) return;
    this.#members_due = true;
    setTimeout(() => {
      if (this.#members_due && this.connection === 'open') void this.#read_members().catch((error: Error) => this.#lose(error));
    }, 100);
  }

  #flush_soon(): void {
    this.#flushing ||= setTimeout(() => this.#flush(), 150) as unknown as number;
  }

  /** Many notices at once make one change of the page. */
  #flush(): void {
    this.#flushing = 0;
    this.now = this.heard = Date.now();
    if (this.#fresh.size) {
      this.#take([...this.#fresh.values()], this.now, false);
      this.#fresh.clear();
    }
    if (this.#new_events.length) {
      const fresh = this.#new_events.reverse();
      const ids = new Set(fresh.map(({ id }) => id));
      this.events = [...fresh, ...this.events.filter(({ id }) => !ids.has(id))].slice(0, MOST_EVENTS);
      this.#new_events = [];
    }
    if (this.#changed_keys.size) {
      const entries = new Map(this.entries.map((entry) => [entry.key, entry]));
      for (const { deleted, ...entry } of this.#changed_keys.values()) {
        if (deleted) entries.delete(entry.key);
        else if (entry.key.startsWith(this.prefix)) entries.set(entry.key, entry);
      }
      this.entries = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      this.#changed_keys.clear();
    }
  }
}
