import { afterEach, expect, test } from 'vitest';
import type { Traffic } from '../../src/sandbox/control-types.ts';
import { type StandIn, startStandIn } from '../../src/sandbox/stand-in.ts';

let standIn: StandIn;
let acted = 0;
const traffic: Omit<Traffic, 'n' | 'at' | 'with'>[] = [];

async function start() {
  acted = 0;
  traffic.length = 0;
  standIn = await startStandIn({
    onTraffic: (t) => traffic.push(t),
    routes: {
      'GET /repos/:owner/:repo/contents/*path': ({ params, query }) => ({ body: { ...params, ref: query.get('ref') } }),
      'POST /act': ({ body }) => {
        acted++;
        return { body: { id: 9223372036854775807n, body } };
      },
      'GET /page': () => ({ type: 'text/html', body: '<p>hi</p>' }),
      'GET /crash': () => {
        throw new Error('the route broke');
      },
    },
  });
  return standIn.url;
}

afterEach(() => standIn.close());

const post = (url: string, body = '{}') => fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });

test('a route takes named parts and a rest from the path, decoded', async () => {
  const url = await start();
  const answer = await fetch(`${url}/repos/acme/ads/contents/configs/base%20config.json?ref=main`);
  expect(await answer.json()).toEqual({ owner: 'acme', repo: 'ads', path: 'configs/base config.json', ref: 'main' });
});

test('integers of 19 digits keep every digit, in and out', async () => {
  const url = await start();
  const answer = await post(`${url}/act`, '{"job_id": 9223372036854775807, "text": "a 1234567890123456789 \\" in words", "small": 3}');
  expect(await answer.text()).toBe('{"id":9223372036854775807,"body":{"job_id":"9223372036854775807","text":"a 1234567890123456789 \\" in words","small":3}}');
});

test('every exchange is reported once, without its headers', async () => {
  const url = await start();
  await fetch(`${url}/page`, { headers: { authorization: 'Bearer secret' } });
  await fetch(`${url}/nowhere`);
  await fetch(`${url}/crash`);
  expect(traffic.map((t) => [t.what, t.status])).toEqual([
    ['GET /page', 200],
    ['GET /nowhere', 404],
    ['GET /crash', 500],
  ]);
  expect(JSON.stringify(traffic)).not.toContain('secret');
});

test('a fault spoils so many requests of its path and is then healed', async () => {
  const url = await start();
  standIn.fault({ target: 'github', kind: 'status', status: 429, path: '/act', times: 2, ms: 3000 });
  const statuses = [];
  for (let i = 0; i < 3; i++) {
    const answer = await post(`${url}/act`);
    statuses.push([answer.status, answer.headers.get('retry-after')]);
    await answer.text();
  }
  expect(statuses).toEqual([
    [429, '3'],
    [429, '3'],
    [200, null],
  ]);
  expect(acted).toBe(1);
});

test('a lost reply has acted', async () => {
  const url = await start();
  standIn.fault({ target: 'mlflow', kind: 'lost-reply' });
  await expect(post(`${url}/act`)).rejects.toThrow();
  expect(acted).toBe(1);
  standIn.fault(null);
  expect((await post(`${url}/act`)).status).toBe(200);
});

test('a held request waits before it acts, and goes on or is cut off', async () => {
  const url = await start();
  const first = standIn.hold({ method: 'POST', path: '/act' });
  const answer = post(`${url}/act`);
  await first.reached;
  expect(acted).toBe(0);
  first.release();
  expect((await answer).status).toBe(200);

  const second = standIn.hold({ path: '/act', when: 'after' });
  const cut = post(`${url}/act`);
  const failed = expect(cut).rejects.toThrow();
  await second.reached;
  expect(acted).toBe(2);
  second.drop();
  await failed;
});
