import { expect, it } from 'vitest';
import { chance, short, whole } from './numbers';

it('numbers are short', () => {
  expect([0, 11.158119, 751.94, 4.79772e-5, 6.94e-23, 1234567, -0.5, Infinity, null].map((x) => short(x))).toEqual([
    '0', '11.16', '751.9', '4.798×10⁻⁵', '6.94×10⁻²³', '1.235×10⁶', '−0.5', '∞', '–',
  ]);
});

it('whole numbers keep their digits', () => {
  expect([64, 12345, 1e9, 3e12, 12345678].map(whole)).toEqual(['64', '12,345', '10⁹', '3×10¹²', '12,345,678']);
});

it('chances next to one say how next', () => {
  expect([0.5, 1, 1 - 2e-9].map((p) => chance(p))).toEqual(['0.5', '1', '1 − 2×10⁻⁹']);
});
