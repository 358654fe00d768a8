import { inflateSync } from 'node:zlib';

/** Why the API would refuse this picture, or null: it reads them all, and one that it cannot read refuses the request. */
export function invalidPicture(source: unknown): string | null {
  const { type, media_type: mediaType, data } = (source ?? {}) as { type?: unknown; media_type?: unknown; data?: unknown };
  if (type !== 'base64') return null;
  if (typeof data !== 'string' || data === '') return 'image.source.base64.data: Field required';
  const bytes = Buffer.from(data, 'base64');
  const kind = KINDS.find(({ begins }) => begins(bytes));
  if (!kind) return 'Could not process image';
  if (kind.type !== mediaType) return `The image was specified using the ${String(mediaType)} media type, but the image appears to be a ${kind.type} image`;
  return kind.whole(bytes) ? null : 'Could not process image';
}

const KINDS: { type: string; begins(b: Buffer): boolean; whole(b: Buffer): boolean }[] = [
  { type: 'image/png', begins: (b) => b.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n', whole: isWholePng },
  {
    type: 'image/jpeg',
    begins: (b) => b.toString('latin1', 0, 3) === '\xff\xd8\xff',
    whole: (b) => b.includes('\xff\xda', 2, 'latin1') && b.readUInt16BE(b.length - 2) === 0xffd9,
  },
  { type: 'image/gif', begins: (b) => /^GIF8[79]a/.test(b.toString('latin1', 0, 6)), whole: (b) => b.length > 14 && b.at(-1) === 0x3b },
  {
    type: 'image/webp',
    begins: (b) => b.toString('latin1', 0, 4) === 'RIFF' && b.toString('latin1', 8, 12) === 'WEBP',
    whole: (b) => b.length > 20 && b.readUInt32LE(4) + 8 <= b.length,
  },
];

/** Down to its last chunk, with pixels that can be unpacked. */
function isWholePng(b: Buffer): boolean {
  const pixels: Buffer[] = [];
  for (let at = 8; at + 12 <= b.length; ) {
    const length = b.readUInt32BE(at);
    const name = b.toString('latin1', at + 4, at + 8);
    if (name === 'IEND') return canInflate(Buffer.concat(pixels));
    if (name === 'IDAT') pixels.push(b.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return false;
}

function canInflate(packed: Buffer): boolean {
  try {
    return inflateSync(packed, { maxOutputLength: 512_000_000 }).length > 0;
  } catch {
    return false;
  }
}
