// How numbers are written on the page.

const digits = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** 10 with an exponent: `10⁻⁵`. */
export function power(exponent: number): string {
  const raised = [...String(Math.abs(exponent))].map((digit) => superscripts[Number(digit)]).join('');
  return `10${exponent < 0 ? '⁻' : ''}${raised}`;
}

/** A whole number: `12,345`; from 10⁷ on, as `3×10⁷`, where that is exact. */
export function whole(value: number): string {
  if (Math.abs(value) < 1e7) return digits.format(value);
  const exponent = Math.floor(Math.log10(value) + 1e-12);
  const lead = value / 10 ** exponent;
  const short = Math.round(lead * 100) / 100;
  if (Math.abs(short - lead) > 1e-9) return digits.format(value);
  return short === 1 ? power(exponent) : `${short}×${power(exponent)}`;
}

/** A number to so many significant digits; tiny and huge ones with a power of ten. */
export function short(value: number | null | undefined, significant = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 1e-3 && size < 1e6) {
    const text = Number(size.toPrecision(significant));
    return sign + (size >= 10 ** significant ? digits.format(Math.round(size)) : String(text));
  }
  const [lead, exponent] = size.toExponential(significant - 1).split('e');
  return `${sign}${Number(lead)}×${power(Number(exponent))}`;
}

/** A probability: like `short`, but next to one as `1 − 2×10⁻⁹`. */
export function chance(p: number, significant = 4): string {
  if (p > 0.9999 && p < 1) return `1 − ${short(1 - p, 2)}`;
  return short(p, significant);
}

export function percent(share: number, significant = 3): string {
  return `${short(share * 100, significant)} %`;
}
