import { inflateSync } from 'node:zlib';

export type Pixels = { width: number; height: number; at(x: number, y: number): readonly [number, number, number] };

/** Decodes an 8-bit PNG, so that a test can look at what was really drawn. */
export function readPng(bytes: Uint8Array): Pixels {
  const file = Buffer.from(bytes);
  if (file.toString('latin1', 1, 4) !== 'PNG') throw new Error('this is no PNG');
  const [width, height, channels] = [file.readUInt32BE(16), file.readUInt32BE(20), file[25] === 6 ? 4 : 3];
  const data: Buffer[] = [];
  for (let i = 8; i < file.length; i += 12 + file.readUInt32BE(i)) {
    if (file.toString('latin1', i + 4, i + 8) === 'IDAT') data.push(file.subarray(i + 8, i + 8 + file.readUInt32BE(i)));
  }
  const raw = inflateSync(Buffer.concat(data));
  const row = width * channels;
  const out = Buffer.alloc(height * row);
  const px = (x: number, y: number) => (x < 0 || y < 0 ? 0 : (out[y * row + x] ?? 0));
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const [a, b, c] = [px(x - channels, y), px(x, y - 1), x < channels ? 0 : px(x - channels, y - 1)];
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const guess = [0, a, b, Math.floor((a + b) / 2), paeth][filter ?? 0] ?? 0;
      out[y * row + x] = ((raw[y * (row + 1) + 1 + x] ?? 0) + guess) & 255;
    }
  }
  const at = (x: number, y: number) => [0, 1, 2].map((i) => out[y * row + x * channels + i] ?? 0) as [number, number, number];
  return { width, height, at };
}

/** How many pixels of a part of the picture satisfy `is`. */
export function count(
  pixels: Pixels,
  area: { x0?: number; y0?: number; x1?: number; y1?: number },
  is: (rgb: readonly [number, number, number]) => boolean,
): number {
  let found = 0;
  for (let y = area.y0 ?? 0; y < (area.y1 ?? pixels.height); y++)
    for (let x = area.x0 ?? 0; x < (area.x1 ?? pixels.width); x++) if (is(pixels.at(x, y))) found += 1;
  return found;
}
