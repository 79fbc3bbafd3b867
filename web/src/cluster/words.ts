// How the live view writes what it shows.

import { short } from '../page/numbers';

/** `12:03:05`, on the reader's clock. */
export const clock = (time: number): string => new Date(time).toTimeString().slice(0, 8);

/** A time that has passed: `now`, `12 s`, `3 min`, `2 h`, `5 d`. */
export function ago(seconds: number): string {
  if (seconds < 1) return 'now';
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes: `512 B`, `20.4 KiB`. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(value) : Number(value.toPrecision(3))} ${UNITS[unit]}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;

/** Bounds as their half-width: `± 7×10⁻¹⁵`; nothing if they meet. */
export function within(bounds: { lower: number; upper: number } | null | undefined): string {
  if (!bounds) return '';
  const half = (bounds.upper - bounds.lower) / 2;
  return half === 0 ? 'exact' : `± ${short(half, 2)}`;
}

/** A text that other nodes wrote, cut to a line. */
export function line(text: string, most = 160): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

/** Bytes as other nodes wrote them: as text, or in base64, which says so. */
export function content(text: string | undefined, base64: string | undefined): { text: string; binary: boolean } {
  return text !== undefined ? { text, binary: false } : { text: base64 ?? '', binary: base64 !== undefined };
}

/** A word for a POSIX shell. */
export const quote = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command against the agent that serves this page. */
export function command(words: string, host = location.host): string {
  return `rumormill ${host === '127.0.0.1:7980' ? '' : `--agent http://${host} `}${words}`;
}

/** Milliseconds of a duration as the settings write them: `200ms`, `1s`, `1m30s`. */
export function millis(duration: string): number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return [...duration.matchAll(/([\d.]+)(ms|[smhd])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit], 0);
}
