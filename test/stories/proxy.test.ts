import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { aCertificate } from './a-certificate.ts';
import { openStage, type StoryStage } from './stage.ts';

// The product where nothing leaves but through a proxy that asks for a login: services under names that only the proxy knows, over TLS.

const LOGIN = 'lab:of-mates-0123';
const closes: (() => void)[] = [];
let stage: StoryStage;
const tunnels = new Set<string>();
const forwarded = new Set<string>();
let unknown = 0;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'labmate-proxy-'));
  closes.push(() => rmSync(dir, { recursive: true }));
  stage = await openStage({
    mode: 'socket',
    scripts: [
      {
        when: 'which jobs',
        steps: [
          {
            calls: [
              { tool: 'list_databricks_jobs', input: {} },
              { tool: 'list_experiments', input: {} },
              { tool: 'get_github_file', input: { repo: 'acme/ads', path: 'README.md' } },
              { tool: 'search_dashboards', input: { query: '' } },
            ],
          },
          { say: 'These.' },
        ],
      },
    ],
    between: async (variables, slack) => {
      const ports = new Map<string, number>();
      const moved = Object.entries(variables).map(([name, value]) => {
        const [here, port] = /^http:\/\/127\.0\.0\.1:(\d+)/.exec(value) ?? [];
        if (here === undefined) return [name, value];
        const host = `${name.toLowerCase().replaceAll('_', '-')}.test`;
        ports.set(host, Number(port));
        return [name, value.replace(here, `${name.startsWith('MLFLOW') ? 'http' : 'https'}://${host}`)];
      });
      slack.socketsAt('https://slack-socket.test');
      ports.set('slack-socket.test', Number(new URL(slack.origin).port));
      const { key, cert } = aCertificate([...ports.keys()]);
      writeFileSync(join(dir, 'ca.pem'), cert);
      const proxy = await aProxy(ports, key, cert);
      // Who would go straight finds nobody: no name ends in .test.
      const address = `http://${LOGIN}@127.0.0.1:${proxy}`;
      return { ...Object.fromEntries(moved), HTTPS_PROXY: address, http_proxy: address, NODE_EXTRA_CA_CERTS: join(dir, 'ca.pem') } as Record<string, string>;
    },
  });
});
afterAll(async () => {
  await stage?.close();
  for (const close of closes) close();
});

async function aProxy(ports: ReadonlyMap<string, number>, key: string, cert: string): Promise<number> {
  const secure = createTlsServer({ key, cert }, (socket) => {
    const service = connect(ports.get(String(socket.servername)) ?? 1, '127.0.0.1');
    for (const end of [socket, service]) end.on('error', () => [socket, service].forEach((s) => void s.destroy()));
    socket.pipe(service).pipe(socket);
  });
  const proxy = createServer((req, res) => {
    const url = new URL(req.url ?? '');
    forwarded.add(url.host);
    const { 'proxy-authorization': login, ...headers } = req.headers;
    if (!isIn(login)) return void res.writeHead(407).end();
    const asked = request({ port: ports.get(url.host), host: '127.0.0.1', method: req.method, path: `${url.pathname}${url.search}`, headers }, (answer) =>
      answer.pipe(res.writeHead(answer.statusCode ?? 502, answer.headers)),
    );
    asked.on('error', () => res.destroy());
    req.pipe(asked);
  });
  proxy.on('connect', (req, socket) => {
    const [host = ''] = (req.url ?? '').split(':');
    if (!isIn(req.headers['proxy-authorization'])) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    tunnels.add(host);
    const inside = connect((secure.address() as AddressInfo).port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    for (const end of [socket, inside]) end.on('error', () => [socket, inside].forEach((s) => void s.destroy()));
    socket.pipe(inside).pipe(socket);
  });
  for (const server of [secure, proxy]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closes.push(() => void server.close());
  }
  closes.push(() => proxy.closeAllConnections());
  return (proxy.address() as AddressInfo).port;
}

function isIn(header: string | undefined): boolean {
  const ok = header === `Basic ${Buffer.from(LOGIN).toString('base64')}`;
  if (!ok) unknown += 1;
  return ok;
}

test('Slack with its Socket Mode, the model and every backend are reached through it, and nothing that is on this machine is', async () => {
  await stage.command('Please say which jobs there are');
  const session = await stage.ended();
  expect(session.ended).toMatchObject({ outcome: 'done' });
  const ok = expect.objectContaining({ is: 'finished', outcome: expect.objectContaining({ status: 'ok' }) });
  expect([...session.calls.values()].map((c) => c.status)).toEqual([ok, ok, ok, ok]);
  expect(wordsOf(await stage.shows('These.'))).toContain('These.');
  const services = ['anthropic-base-url', 'databricks-host', 'github-api-url', 'grafana-url', 'slack-api-url', 'slack-socket'];
  expect([...tunnels].sort()).toEqual(services.map((name) => `${name}.test`));
  expect([...forwarded]).toEqual(['mlflow-tracking-uri.test']);
  expect(unknown).toBe(0);
});
