import { expect, it } from 'vitest';
import type { Comparison } from './api';
import { grouped } from './groups';
import type { Sample } from './live.svelte';
import { rates, series } from './rates';
import { ago, bytes, command, content, millis, plural, quote, within } from './words';

it('times and sizes are short', () => {
  expect([0.4, 12.9, 100, 7000, 200_000].map(ago)).toEqual(['now', '12 s', '1 min', '1 h', '2 d']);
  expect([0, 999, 1000, 20_900, 5_000_000].map(bytes)).toEqual(['0 B', '999 B', '0.977 KiB', '20.4 KiB', '4.77 MiB']);
  expect([1, 2, 1000].map((n) => plural(n, 'key'))).toEqual(['1 key', '2 keys', '1,000 keys']);
  expect(within({ lower: 9, upper: 11 })).toBe('± 1');
  expect([within({ lower: 3, upper: 3 }), within(null)]).toEqual(['exact', '']);
  expect(['200ms', '1s', '1m30s', '1.5s'].map(millis)).toEqual([200, 1000, 90_000, 1500]);
});

it('a command is safe to paste', () => {
  expect(['a-b/c', 'v2 started', "it's", '$(reboot)', ''].map(quote)).toEqual(['a-b/c', "'v2 started'", `'it'\\''s'`, "'$(reboot)'", "''"]);
  expect(command('members', '127.0.0.1:7980')).toBe('rumormill members');
  expect(command('get', '10.0.0.5:7980')).toBe('rumormill --agent http://10.0.0.5:7980 get');
});

it('bytes that are no text say so', () => {
  expect([content('', undefined), content(undefined, '/wA='), content(undefined, undefined)]).toEqual([
    { text: '', binary: false }, { text: '/wA=', binary: true }, { text: '', binary: false },
  ]);
});

it('rates are taken over the agent’s own time', () => {
  const sample = (uptime: number, sent: number): Sample => ({ at: uptime * 1000, uptime, sent, received: 0, events: 0, kv: 0, exchanges: 0, messages: 0 });
  expect(rates([sample(1, 5)], 10)).toBeUndefined();
  expect(rates([sample(0, 0), sample(2, 100)], 10)?.sent).toBe(50);
  expect(rates([sample(0, 0), sample(20, 100), sample(22, 300)], 10)?.sent).toBe(100);
  // The agent has started again.
  expect(rates([sample(100, 900), sample(2, 10)], 10)).toBeUndefined();
  expect(series([sample(0, 0), sample(2, 100), sample(3, 100)]).map(({ sent }) => sent)).toEqual([50, 0]);
});

it('members that hold the same are a group, the largest first', () => {
  const held = (node: string, keys_digest: string) => ({ node, members: 3, members_digest: 'x', keys: 1, keys_digest });
  const found: Comparison = { expected: 4, answered: 4, nodes: [held('a', '1'), held('b', '2'), held('c', '2'), held('d', '3')], silent: [] };
  const groups = grouped(found, 'd', (one) => one.keys_digest, (one) => one.keys);
  expect(groups.map(({ letter, names }) => [letter, names])).toEqual([['A', ['b', 'c']], ['B', ['d']], ['C', ['a']]]);
  expect(grouped(found, 'a', (one) => one.members_digest, (one) => one.members)).toHaveLength(1);
});
