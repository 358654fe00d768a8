import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Slack as it is, but for the methods that it refuses with a word for a while. `target` is asked for each call: it may be known later. */
export async function refusing(target: () => string, wordFor: (method: string) => string | undefined) {
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const method = (req.url ?? '').split('/').at(-1) ?? '';
    const json = { 'content-type': 'application/json' };
    const error = wordFor(method);
    if (error) return void res.writeHead(200, json).end(JSON.stringify({ ok: false, error }));
    const headers = { authorization: req.headers.authorization ?? '', 'content-type': req.headers['content-type'] ?? '' };
    const answer = await fetch(new URL(method, target()), { method: 'POST', headers, body: Buffer.concat(chunks) }).catch(() => null);
    // Cut off there, cut off here.
    if (!answer) return void res.destroy();
    res.writeHead(answer.status, json).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
