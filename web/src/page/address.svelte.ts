// Where the reader is, and everything that is set there: the part of the address behind `#`.

import { untrack } from 'svelte';

/** `#/tour/2?nodes=64`: the path in parts, and the settings. */
export interface Address {
  path: string[];
  query: Record<string, string>;
}

export function parse(hash: string): Address {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').filter(Boolean).map(decode);
  return { path: parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function write({ path, query }: Address): string {
  const settings = new URLSearchParams(query).toString();
  return `#/${path.map(encodeURIComponent).join('/')}${settings ? `?${settings}` : ''}`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The present address; it follows the browser's. */
export const address = $state<Address>(parse(location.hash));

addEventListener('hashchange', () => Object.assign(address, parse(location.hash)));

/** Goes to another place; the way back is kept. */
export function go(path: string[], query: Record<string, string> = {}): void {
  location.hash = write({ path, query });
}

type Value = number | string | boolean;

/** Reads a setting as what its default is; what can't be read is the default. */
export function read<T extends Value>(text: string | undefined, fallback: T): T {
  if (text === undefined) return fallback;
  if (typeof fallback === 'number') {
    const number = Number(text);
    return (text.trim() !== '' && Number.isFinite(number) ? number : fallback) as T;
  }
  if (typeof fallback === 'boolean') return (text === 'yes') as T;
  return text as T;
}

/** What a setting may be: two numbers are a range (of whole numbers, if both are), other lists the values. */
export type Limits<T> = { [K in keyof T]?: readonly T[K][] };

/** A value within its limits: the nearest end of a range; of a list, the default for what isn't in it. */
export function within<T extends Value>(value: T, fallback: T, limits: readonly T[] | undefined): T {
  if (!limits) return value;
  const [low, high] = limits;
  if (limits.length !== 2 || typeof low !== 'number' || typeof high !== 'number') return limits.includes(value) ? value : fallback;
  const fits = Number.isInteger(low) && Number.isInteger(high) ? Math.round(value as number) : (value as number);
  return Math.min(high, Math.max(low, fits)) as T;
}

const text = (value: Value): string => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value));

/**
 * The settings of a screen, which the address holds: those that differ from the defaults. Call it while
 * the screen is set up.
 */
export function settings<T extends Record<string, Value>>(defaults: T, limits: Limits<T> = {}): T {
  type Key = keyof T & string;
  const keys = Object.keys(defaults) as Key[];
  const here = address.path.join('/');
  const take = (key: Key) => within(read(address.query[key], defaults[key]), defaults[key], limits[key]);
  const read_all = () => Object.fromEntries(keys.map((key) => [key, take(key)])) as unknown as T;
  const state = $state(read_all());
  // From the address, when the reader goes back or opens another link to this screen.
  $effect(() => {
    void address.query;
    if (address.path.join('/') !== here) return;
    // Only when the address changes: what the reader has just set is not in it yet.
    untrack(() => {
      for (const key of keys) {
        const value = take(key);
        if (state[key] !== value) state[key] = value;
      }
    });
  });
  // And into it.
  $effect(() => {
    const query: Record<string, string> = {};
    for (const key of keys) if (state[key] !== defaults[key]) query[key] = text(state[key]);
    if (location.hash && parse(location.hash).path.join('/') !== here) return;
    const hash = write({ path: here.split('/'), query });
    if (hash !== location.hash) {
      history.replaceState(null, '', hash);
      address.query = query;
    }
  });
  return state;
}
