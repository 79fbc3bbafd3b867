import { describe, expect, it } from 'vitest';
import type { Info, Member, Reading } from './api';
import { verdict } from './health';

const info = {
  members: 3,
  joining: false,
  join: [],
  kv: { members_differing: 0 },
  clock: { correction_seconds: 0, members_skewed: 0 },
  store: null,
  narrow_paths: [],
  loss: 0,
} as unknown as Info;
const member = (name: string, state: Member['state']) => ({ name, state }) as Member;
const reading = (name: string, state: Reading['state']) => ({ name, state, converged: state === 'settled' }) as Reading;

const up = ['a', 'b', 'c'].map((name) => member(name, 'alive'));

describe('the one line', () => {
  it('says that all is well, and how much', () => {
    expect(verdict(info, up, [])).toEqual({ level: 'good', text: 'All is well: 3 members up.', findings: [] });
    expect(verdict(info, up, [reading('x', 'settled')]).text).toBe('All is well: 3 members up, 1 aggregate converged.');
  });
  it('names who is down, before all that is only on its way', () => {
    const found = verdict(info, [up[0], member('b', 'suspect'), member('c', 'down')], [reading('x', 'following')]);
    expect(found.level).toBe('bad');
    expect(found.text).toBe('1 member left or was declared dead: c; and 2 more.');
    expect(found.findings.map(({ text }) => text).slice(1)).toEqual(['1 member suspected: b', '1 aggregate not converged: x']);
  });
  it('is no alarm while aggregates follow their inputs', () => {
    expect(verdict(info, up, [reading('x', 'following')]).level).toBe('note');
    expect(verdict(info, up, [reading('x', 'disturbed')]).level).toBe('bad');
  });
  it('counts long lists', () => {
    const down = Array.from({ length: 12 }, (_, i) => member(`n${i}`, 'down'));
    expect(verdict(info, down, []).text).toBe('12 members left or were declared dead: n0, n1, n2 and 9 more.');
  });
  it('shows what the agent says of itself', () => {
    const ill = { ...info, joining: true, join: [{ address: 'seed:7946', problems: [] }], kv: { members_differing: 2 }, store: { directory: '/d', problem: 'disk full' }, loss: 0.25 } as unknown as Info;
    const { findings } = verdict(ill, up, []);
    expect(findings.map(({ text }) => text)).toEqual([
      'no member has been reached yet: seed:7946',
      'the keys of 2 members have differed for more than a minute',
      'the store cannot be written: disk full',
      'this agent drops 25 % of its datagrams on purpose',
    ]);
  });
});
