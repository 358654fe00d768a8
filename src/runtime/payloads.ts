import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import { isPayloadRef, PAYLOAD_LIMIT } from '../session/payload.ts';
import type { Keys } from './keys.ts';

/** Large payloads, by the SHA-256 of their bytes, compressed. Written before the line that names them: a crash leaves only an orphan. */
export type Blobs = { put(data: Uint8Array): Promise<string>; get(sha256: string): Promise<Uint8Array | null> };

/** Redis could not be asked for a payload: this says nothing of the record that names it. */
export class PayloadsAway extends Error {
  override readonly name = 'PayloadsAway';
}

export function openBlobs(redis: Redis, keys: Keys): Blobs {
  return {
    async put(data) {
      const sha256 = createHash('sha256').update(data).digest('hex');
      const key = keys.blob(sha256);
      // One that nobody named any more may be about to go; it is named again now.
      if ((await redis.set(key, brotliCompressSync(data), 'NX')) === null) await redis.persist(key);
      return sha256;
    },
    async get(sha256) {
      const packed = await redis.getBuffer(keys.blob(sha256)).catch((cause: unknown) => {
        throw new PayloadsAway(`Redis could not be asked for the payload ${sha256}`, { cause });
      });
      if (!packed) return null;
      const data = brotliDecompressSync(packed);
      if (createHash('sha256').update(data).digest('hex') !== sha256) throw new Error(`the stored payload ${sha256} has other bytes than its name says`);
      return data;
    },
  };
}

/** Takes members over the limit out of an event and puts `{sha256, bytes, media_type}` in their place. */
export async function deflate<T extends object>(event: T, blobs: Blobs): Promise<T> {
  const slim = { ...event } as Record<string, unknown>;
  for (const [name, value] of Object.entries(slim)) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'string')) continue;
    const data = Buffer.from(JSON.stringify(value));
    if (data.length <= PAYLOAD_LIMIT) continue;
    slim[name] = { sha256: await blobs.put(data), bytes: data.length, media_type: 'application/json' };
  }
  return slim as T;
}

/** Puts the payloads of a stored line back. Throws where one is gone: a session must not go on with half of its past. */
export async function inflate(raw: Record<string, unknown>, blobs: Blobs): Promise<Record<string, unknown>> {
  if (!Object.values(raw).some(isPayloadRef)) return raw;
  const whole = { ...raw };
  for (const [name, value] of Object.entries(raw)) {
    if (!isPayloadRef(value)) continue;
    const data = await blobs.get(value.sha256);
    if (!data) throw new Error(`the payload ${value.sha256} of line ${raw['seq']} is gone`);
    whole[name] = JSON.parse(Buffer.from(data).toString('utf8'));
  }
  return whole;
}
