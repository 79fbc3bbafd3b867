import { beforeAll, describe, expect, it } from 'vitest';

let page: typeof import('./address.svelte');

beforeAll(async () => {
  Object.assign(globalThis, { location: { hash: '' }, addEventListener: () => {} });
  page = await import('./address.svelte');
});

describe('an address', () => {
  it('is read as it is written', () => {
    const there = { path: ['tour', '2'], query: { nodes: '64', graph: 'small-world:8,0.1' } };
    expect(page.parse(page.write(there))).toEqual(there);
    expect(page.parse('')).toEqual({ path: [], query: {} });
  });
  it('with a broken escape is taken as it stands', () => {
    expect(page.parse('#/tour/%E0%A4%A?x=1').path).toEqual(['tour', '%E0%A4%A']);
  });
});

describe('a setting', () => {
  it('that is no number is the default', () => {
    expect(page.read('12', 5)).toBe(12);
    for (const bad of ['', ' ', 'x', 'NaN', 'Infinity', undefined]) expect(page.read(bad, 5)).toBe(5);
  });
  it('that is a switch is yes or no', () => {
    expect(page.read('yes', false)).toBe(true);
    expect(page.read('no', true)).toBe(false);
  });
});
