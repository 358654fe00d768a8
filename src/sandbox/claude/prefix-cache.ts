import { createHash } from 'node:crypto';
import { blocksOf, type MessagesRequest } from './messages-types.ts';

export type Counted = { input_tokens: number; cache_read_input_tokens: number; cache_creation_input_tokens: number };

/**
 * Byte-exact prompt caching: a request reads the longest prefix that an earlier request wrote and that has not expired, and writes its own.
 * One changed byte anywhere before a block makes everything from there new, which is what a test of prefix stability wants to see.
 * Unlike the service it has no smallest prefix and looks back any number of blocks.
 */
export function prefixCache(options: { now: () => number; ttlMs?: number }): { count(request: MessagesRequest): Counted } {
  const ttl = options.ttlMs ?? 5 * 60_000;
  const expiry = new Map<string, number>();
  return {
    count(request) {
      const prefixes = prefixesOf(request);
      const all = tokens(prefixes.at(-1)?.bytes ?? 0);
      if (!isMarked(request)) return { input_tokens: all, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
      const now = options.now();
      const hit = prefixes.findLast((p) => (expiry.get(p.hash) ?? 0) > now);
      const written = prefixes.at(-1);
      // A hit renews what it read.
      for (const prefix of [hit, written]) if (prefix) expiry.set(prefix.hash, now + ttl);
      const read = tokens(hit?.bytes ?? 0);
      return { input_tokens: 0, cache_read_input_tokens: read, cache_creation_input_tokens: all - read };
    },
  };
}

/** About four bytes a token: good enough to compare requests with each other. */
export function tokens(bytes: number): number {
  return Math.ceil(bytes / 4);
}

function prefixesOf(request: MessagesRequest): { hash: string; bytes: number }[] {
  const hash = createHash('sha256');
  let bytes = 0;
  const parts: unknown[] = [[request.model, request.tools ?? []], request.system ?? ''];
  for (const message of request.messages) for (const block of blocksOf(message)) parts.push([message.role, block]);
  return parts.map((part) => {
    const text = JSON.stringify(part, (key, value) => (key === 'cache_control' ? undefined : value));
    hash.update(text);
    bytes += Buffer.byteLength(text);
    return { hash: hash.copy().digest('hex'), bytes };
  });
}

function isMarked(request: MessagesRequest): boolean {
  return JSON.stringify(request).includes('"cache_control"');
}
