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
  it('beyond its limits is the nearest within them', () => {
    expect([-5, 7.4, 1e99].map((n) => page.within(n, 64, [2, 200]))).toEqual([2, 7, 200]);
    expect([-1, 0.25, 7].map((p) => page.within(p, 0, [0, 0.9]))).toEqual([0, 0.25, 0.9]);
    expect([16, 17].map((n) => page.within(n, 8, [4, 8, 16]))).toEqual([16, 8]);
    expect(['pull', 'shout'].map((style) => page.within(style, 'push', ['push', 'pull']))).toEqual(['pull', 'push']);
    expect(page.within(12, 5, undefined)).toBe(12);
  });
});
