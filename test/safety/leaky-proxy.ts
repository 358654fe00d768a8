import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A text with the secrets in it, in every form in which systems repeat them. */
export function leaked(secrets: readonly string[]): string {
  return secrets
    .flatMap((secret) => {
      const bytes = Buffer.from(secret);
      return [
        secret,
        `Bearer ${secret}`,
        `Basic ${Buffer.from(`token:${secret}`).toString('base64')}`,
        bytes.toString('base64'),
        bytes.toString('base64url'),
        bytes.toString('hex'),
        bytes.toString('hex').toUpperCase(),
        `https://x.example/?t=${encodeURIComponent(secret)}`,
        JSON.stringify({ secret }),
      ];
    })
    .join(' ');
}

/**
 * Stands between the product and a backend. The product comes with `ours`, the backend knows `theirs`; whatever text the backend answers with, in results as in
 * errors, `spoil` may put the secrets into it, as a backend does that repeats what it was asked with.
 */
export async function leakyProxy(target: string, ours: string, theirs: string, spoil: (path: string, body: unknown, status: number) => unknown) {
  const server = createServer((req, res) => {
    void (async () => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(req.headers)) {
        if (['host', 'connection', 'content-length', 'accept-encoding', 'transfer-encoding', 'expect'].includes(name)) continue;
        headers.set(name, String(value).replaceAll(ours, theirs));
      }
      const body = await bytesOf(req);
      const answer = await fetch(new URL(req.url ?? '/', target), {
        method: req.method ?? 'GET',
        headers,
        redirect: 'manual',
        ...(body.length > 0 ? { body: new Uint8Array(Buffer.from(body.toString('latin1').replaceAll(ours, theirs), 'latin1')) } : {}),
      });
      const text = Buffer.from(await answer.arrayBuffer());
      const type = answer.headers.get('content-type') ?? 'application/json';
      const spoilt = type.includes('json') ? Buffer.from(JSON.stringify(spoil(req.url ?? '', JSON.parse(text.toString() || 'null'), answer.status))) : text;
      const passed = [...answer.headers].filter(([name]) => !['content-length', 'content-encoding', 'transfer-encoding', 'connection'].includes(name));
      res.writeHead(answer.status, Object.fromEntries(passed)).end(spoilt);
    })().catch(() => res.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((closed) => server.close(() => closed()).closeAllConnections()),
  };
}

async function bytesOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Puts `text` into every string member that is named like one that people write. */
export function spoilt(value: unknown, text: string, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((v) => spoilt(v, text, names));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, typeof v === 'string' && names.has(k) ? `${v} ${text}` : spoilt(v, text, names)]));
}
