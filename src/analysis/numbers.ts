/** What a number is in JSON, which knows neither NaN nor infinities. */
export type JsonNumber = number | 'NaN' | 'Infinity' | '-Infinity';

/** SQL stores clip infinities to the greatest double, so that one counts as infinite too. */
export function isUsable(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) < Number.MAX_VALUE;
}

export function jsonNumber(value: number): JsonNumber {
  if (Number.isNaN(value)) return 'NaN';
  if (isUsable(value)) return value;
  return value > 0 ? 'Infinity' : '-Infinity';
}

/** Epoch ms as an ISO time. A client that logs nanoseconds gives numbers that are no date: they stay as they are. */
export function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

/** Six significant digits, for people: 0.7416, 1234570, 1.2e-7. */
export function figure(value: number | string | null): string {
  if (value === null) return 'none';
  if (typeof value === 'string') return value;
  return isUsable(value) ? String(Number(value.toPrecision(6))) : jsonNumber(value).toString();
}

/** A difference, with its sign, in four significant digits as every table shows it: +0.0216, -3, 0. */
export function signed(value: number): string {
  return `${value > 0 ? '+' : ''}${figure(isUsable(value) ? Number(value.toPrecision(4)) : value)}`;
}

/** A change in per cent, likewise: +3.03 %. */
export function percent(value: number): string {
  return `${signed(value)} %`;
}

/**
 * A logged number as the decimal it was logged as: `units * 10^exponent`. In binary 0.707 is a hair more than 1 % above 0.7, in decimals it is 1 % exactly,
 * and "more than 1 %" must not turn on that hair.
 */
type Decimal = { units: bigint; exponent: number };

/** Exactly a - b, rounded once to the nearest double. Both must be finite. */
export function minus(a: number, b: number): number {
  const { units, exponent } = subtract(decimal(a), decimal(b));
  return Number(`${units}e${exponent}`);
}

/** Whether (a - b) * scale is strictly more than limit * unit, in exact decimals. All must be finite. */
export function differsByMore(a: number, b: number, scale: number, limit: number, unit: number): boolean {
  const left = times(subtract(decimal(a), decimal(b)), decimal(scale));
  return subtract(left, times(decimal(limit), decimal(unit))).units > 0n;
}

function decimal(value: number): Decimal {
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return { units: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

function subtract(a: Decimal, b: Decimal): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  const at = (d: Decimal) => d.units * 10n ** BigInt(d.exponent - exponent);
  return { units: at(a) - at(b), exponent };
}

function times(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, exponent: a.exponent + b.exponent };
}

/** "both" of two, "all 3" of more. */
export function allOf(n: number): string {
  return n === 2 ? 'both' : `all ${n}`;
}

/** So many of a thing, in words. */
export const countOf = (n: number | bigint, thing: string) => `${n} ${thing}${Number(n) === 1 ? '' : 's'}`;
