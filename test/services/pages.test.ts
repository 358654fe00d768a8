import { afterEach, describe, expect, test } from 'vitest';
import { type Routes, startStandIn } from '../../src/sandbox/stand-in.ts';
import { databricks } from '../../src/services/databricks.ts';
import { parseExact } from '../../src/services/exact-json.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import { allPages } from '../../src/services/pages.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers every request with this and counts them. */
async function serverOf(route: string, answer: (n: number) => unknown) {
  let requests = 0;
  const server = await startStandIn({ routes: { [route]: () => ({ body: answer(requests++) }) } as Routes });
  closing.push(server.close);
  return { url: server.url, requests: () => requests };
}

describe('a page token that leads nowhere', () => {
  const same = 'next_page_token';
  test.each<[string, string, unknown, (url: string) => Promise<unknown>]>([
    ['a history', 'GET /api/2.0/mlflow/metrics/get-history', { metrics: [], [same]: 'on' }, (uri) => mlflow({ uri }).getMetricHistory('r', 'f1')],
    ['artifacts', 'GET /api/2.0/mlflow/artifacts/list', { files: [], [same]: 'on' }, (uri) => mlflow({ uri }).listArtifacts({ runId: 'r' })],
    ['a job', 'GET /api/2.2/jobs/get', { job_id: 7, [same]: 'on' }, (host) => databricks({ host, token: 't' }).getJob('7')],
    ['a run', 'GET /api/2.2/jobs/runs/get', { run_id: 7, [same]: 'on' }, (host) => databricks({ host, token: 't' }).getRun('7')],
  ])('of %s that never changes is followed once', async (_, route, body, read) => {
    const server = await serverOf(route, () => body);
    await expect(read(server.url)).rejects.toMatchObject({ code: 'ENDLESS_PAGES', transient: false, message: expect.stringContaining('without an end') });
    expect(server.requests()).toBe(2);
  });

  test('that is always another one is not followed for ever', async () => {
    let asked = 0;
    const endless = allPages({ upstream: 'MLflow', what: 'read it' }, async () => ++asked, String);
    await expect(endless).rejects.toThrow('Asked to read it, MLflow answered page after page without an end.');
    expect(asked).toBe(1_001);
  });
});

test('a string of many megabytes is JSON like any other, and long ids beside it stay exact', () => {
  const logs = 'a "quoted" line with 16 digits: 1234567890123456\n'.repeat(500_000);
  const id = '12345678901234567890';
  expect(parseExact(`{"logs":${JSON.stringify(logs)},"run_id":${id},"n":[-${id},1.5e3]}`)).toEqual({ logs, run_id: id, n: [`-${id}`, 1500] });
});
