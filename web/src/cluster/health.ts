// Whether all is well, in one line and in a list: from what the agent says, and whether it says it.

import type { Info, Member, Reading } from './api';
import { plural } from './words';

export type Level = 'good' | 'note' | 'bad';

/** Something that is not as it should be, and the view that shows it. */
export interface Finding { level: Exclude<Level, 'good'>; text: string; view?: string[] }

export interface Verdict { level: Level; text: string; findings: Finding[] }

const names = (all: { name: string }[]): string => {
  const first = all.slice(0, 3).map(({ name }) => name).join(', ');
  return all.length > 3 ? `${first} and ${all.length - 3} more` : first;
};

export function findings(info: Info, members: Member[], readings: Reading[]): Finding[] {
  const found: Finding[] = [];
  const add = (level: Finding['level'], text: string, ...view: string[]) => found.push({ level, text, view });
  if (info.joining) add('bad', `no member has been reached yet: ${info.join.map(({ address }) => address).join(', ')}`, 'members');
  const suspect = members.filter(({ state }) => state === 'suspect');
  const down = members.filter(({ state }) => state === 'down');
  if (down.length) add('bad', `${plural(down.length, 'member')} left or ${down.length === 1 ? 'was' : 'were'} declared dead: ${names(down)}`, 'members');
  if (suspect.length) add('note', `${plural(suspect.length, 'member')} suspected: ${names(suspect)}`, 'members');
  const disturbed = readings.filter(({ state }) => state === 'disturbed');
  const following = readings.filter(({ state, converged }) => state !== 'disturbed' && !converged);
  if (disturbed.length) add('bad', `${plural(disturbed.length, 'aggregate')} disturbed: ${names(disturbed)}`, 'aggregates');
  if (following.length) add('note', `${plural(following.length, 'aggregate')} not converged: ${names(following)}`, 'aggregates');
  const { members_differing: differing } = info.kv;
  if (differing) add('bad', `the keys of ${plural(differing, 'member')} have differed for more than a minute`, 'agreement');
  const { members_skewed: skewed, correction_seconds: correction } = info.clock;
  if (skewed) add('bad', `the clocks of ${plural(skewed, 'member')} are too far off`, 'members');
  if (correction) add('note', `this agent's clock is corrected by ${correction} s`, 'members');
  if (info.store?.problem) add('bad', `the store cannot be written: ${info.store.problem}`);
  if (info.narrow_paths.length) add('note', `large datagrams do not reach ${plural(info.narrow_paths.length, 'member')}`, 'links');
  if (info.loss) add('note', `this agent drops ${info.loss * 100} % of its datagrams on purpose`, 'traffic');
  return found.sort((a, b) => Number(a.level === 'note') - Number(b.level === 'note'));
}

/** The one line. */
export function verdict(info: Info, members: Member[], readings: Reading[]): Verdict {
  const found = findings(info, members, readings);
  if (!found.length) {
    const up = plural(info.members, 'member');
    const settled = readings.length ? `, ${plural(readings.length, 'aggregate')} converged` : '';
    return { level: 'good', text: `All is well: ${up} up${settled}.`, findings: found };
  }
  const [first, ...rest] = found;
  const more = rest.length ? `; and ${rest.length} more` : '';
  return { level: first.level, text: `${first.text[0].toUpperCase()}${first.text.slice(1)}${more}.`, findings: found };
}
