import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { requestSpans } from '../../src/ops/request-spans.ts';
import { useProxies } from '../../src/proxy.ts';

const exporter = new InMemorySpanExporter();
const inside = new AsyncLocalStorage<Context>();
const server = createServer((_request, response) => response.end('Hi'));
let spans: { stop(): void };
let here: string;
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  spans = requestSpans(provider.getTracer('test'), inside);
});
afterEach(() => exporter.reset());
afterAll(() => {
  spans.stop();
  server.close();
});

/** The one span of a request to this address: its host and its address. */
async function toldOf(url: string) {
  await inside.run(ROOT_CONTEXT, async () => (await fetch(url)).text());
  await expect.poll(() => exporter.getFinishedSpans().length).toBe(1);
  const [span] = exporter.getFinishedSpans();
  return [span?.attributes['server.address'], span?.attributes['url.full']];
}

test.each([
  ['/api/runs?who=me', '/api/runs'],
  ['//other.example/runs', '//other.example/runs'],
  ['//', '//'],
  ['/http://other.example', '/http://other.example'],
])('a request to %s names the host it went to, whatever its path begins with', async (path, said) => {
  expect(await toldOf(`${here}${path}`)).toEqual(['127.0.0.1', `${here}${said}`]);
});

test('one that a proxy forwards names the host it is for', async () => {
  const back = useProxies({ http: here, https: '', except: '' });
  expect(await toldOf('http://mlflow.example//runs?who=me').finally(back)).toEqual(['mlflow.example', 'http://mlflow.example//runs']);
});
