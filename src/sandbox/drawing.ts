import { createRequire } from 'node:module';
import { escapeHtml } from './stand-in.ts';

/** A picture with words in it, as the real services draw theirs: SVG to PNG. The library is loaded with the first one, and without a font only the words are missing. */
export function drawn(width: number, height: number, parts: readonly string[]): Uint8Array {
  const { Resvg } = createRequire(import.meta.url)('@resvg/resvg-js') as typeof import('@resvg/resvg-js');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif">${parts.join('')}</svg>`;
  return new Resvg(svg, { background: 'white', font: { loadSystemFonts: true } }).render().asPng();
}

export function words(
  x: number,
  y: number,
  text: string,
  look: { size?: number; fill?: string; anchor?: 'start' | 'middle' | 'end'; weight?: number } = {},
): string {
  const { size = 13, fill = '#333', anchor = 'start', weight = 400 } = look;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escapeHtml(text)}</text>`;
}

export function bar(x: number, y: number, width: number, height: number, fill: string, opacity = 1): string {
  return `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}" fill-opacity="${opacity}"/>`;
}

export function line(points: readonly (readonly [number, number])[], stroke: string, width = 2): string {
  return `<polyline points="${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}" fill="none" stroke="${stroke}" stroke-width="${width}"/>`;
}
