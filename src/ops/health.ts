import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { within } from '../within.ts';
import { exposition, type Metric } from './metrics.ts';

/** Answers null where all is well, else a sentence that says what is not. A check that throws or takes over a second is not well. */
export type Check = () => Promise<string | null> | string | null;

export type Health = { url: string; close(): Promise<void> };

const CHECK_MS = 1_000;

/** The operator's door: `/healthz` says that the process lives, `/readyz` whether it is of use (503 with the reasons), `/metrics` what it counts. */
export async function startHealth(options: {
  host: string;
  port: number;
  /** By name, such as `redis` or `slack`. */
  checks: Record<string, Check> | (() => Record<string, Check>);
  /** What is to be known beside it, of one that is ready too. */
  warnings?: (() => readonly string[]) | undefined;
  /** Answers what is asked below this path. */
  board?: { path: string; answer: RequestListener } | undefined;
  metrics?: (() => readonly Metric[] | Promise<readonly Metric[]>) | undefined;
}): Promise<Health> {
  const server = createServer((request, response) => {
    const say = (status: number, type: string, body: string) => response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    const path = request.url?.split('?')[0];
    const { board } = options;
    if (board && (path === board.path || path?.startsWith(`${board.path}/`))) return board.answer(request, response);
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'text/plain', 'GET only\n');
    if (path === '/healthz') return say(200, 'application/json', '{"ok":true}\n');
    if (path === '/readyz')
      return void reasons(typeof options.checks === 'function' ? options.checks() : options.checks).then((found) => {
        const warnings = options.warnings?.() ?? [];
        const told = { ready: found.length === 0, reasons: found, ...(warnings.length > 0 ? { warnings } : {}) };
        say(found.length === 0 ? 200 : 503, 'application/json', `${JSON.stringify(told)}\n`);
      });
    if (path === '/metrics')
      return void Promise.resolve(options.metrics?.() ?? []).then(
        (metrics) => say(200, 'text/plain; version=0.0.4; charset=utf-8', exposition(metrics)),
        () => say(503, 'text/plain', 'the figures cannot be read now\n'),
      );
    return say(404, 'text/plain', 'there are /healthz, /readyz and /metrics\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new Error(`ADMIN_PORT ${options.port} on ${options.host} cannot be opened (${cause.code}): choose another with ADMIN_PORT.`, { cause })),
    );
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`, close };
}

async function reasons(checks: Record<string, Check>): Promise<string[]> {
  const answers = await Promise.all(Object.entries(checks).map(async ([name, check]) => ({ name, why: await withinLimit(check) })));
  return answers.flatMap(({ name, why }) => (why === null ? [] : [`${name}: ${why}`]));
}

async function withinLimit(check: Check): Promise<string | null> {
  // What a check throws may hold an address or a token, and this page is for anybody on the admin network.
  const answer = Promise.resolve()
    .then(check)
    .catch(() => 'the check itself failed');
  return within(CHECK_MS, answer, () => 'no answer within 1 s');
}
