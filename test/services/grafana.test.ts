import { inflateSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GrafanaStandIn, startGrafana } from '../../src/sandbox/grafana.ts';
import { startStandIn } from '../../src/sandbox/stand-in.ts';
import { type Grafana, grafana } from '../../src/services/grafana.ts';
import { type Filling, interpolate, variableValues } from '../../src/services/grafana-variables.ts';

let standIn: GrafanaStandIn;
let client: Grafana;
let bodies: unknown[];
const range = { from: 1_760_000_000_000, to: 1_760_003_600_000 };
const request = { uid: 'ads-features', panelId: 1, ...range };

beforeEach(async () => {
  bodies = [];
  standIn = await startGrafana({ token: 'glsa_1', onTraffic: (t) => t.what.startsWith('POST') && bodies.push(t.body) });
  client = grafana({ url: standIn.url, token: 'glsa_1' });
});
afterEach(() => standIn.close());

test('a dashboard lists its panels, those in collapsed rows too', async () => {
  expect(await client.getDashboard('ads-features')).toEqual({
    uid: 'ads-features',
    title: 'Ads ranking features',
    url: `${standIn.url}/d/ads-features/ads-ranking-features`,
    panels: [
      { id: 1, title: 'Feature distribution (mean)', type: 'timeseries', unit: 'short' },
      { id: 2, title: 'Serving latency p99', type: 'timeseries', unit: 'ms' },
      { id: 3, title: 'Null rate by feature', type: 'timeseries', unit: 'percentunit' },
    ],
    variables: [
      { name: 'datasource', type: 'datasource', current: { value: 'ads-metrics' } },
      { name: 'feature_set', type: 'custom', current: { value: 'v1' }, options: [{ value: 'v1' }, { value: 'v2' }] },
    ],
  });
});

test("a panel's data comes as named series with gaps kept, its variables filled in", async () => {
  const series = await client.queryPanel(request);
  expect(series.map((s) => [s.name, s.points.length])).toEqual([
    ['ctr_7d', 60],
    ['bid', 60],
    ['age_days', 60],
  ]);
  expect(series[0]!.points[0]!.time).toBe(range.from);
  expect(series[0]!.points.at(-1)!.time).toBe(range.to);
  expect(series[2]!.points[30]!.value).toBeNull();
  expect(bodies).toMatchObject([
    { from: '1760000000000', to: '1760003600000', queries: [{ refId: 'A', expr: 'feature_mean{feature_set="v1"}', datasource: { uid: 'ads-metrics' } }] },
  ]);
});

test('a variable of the request beats the saved one', async () => {
  await client.queryPanel({ ...request, panelId: 2, variables: { feature_set: 'v2' } });
  const expr = 'histogram_quantile(0.99, rate(serving_ms_bucket{feature_set="v2"}[60s]))';
  expect(bodies).toMatchObject([{ queries: [{ expr }] }]);
});

test('without a renderer there is no picture, although Grafana answers 200 with one', async () => {
  const placeholder = await fetch(`${standIn.url}/render/d-solo/ads-features?panelId=1`, { headers: { authorization: 'Bearer glsa_1' } });
  expect([placeholder.status, placeholder.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect(await client.renderPanel({ ...request, width: 400, height: 200 })).toBeNull();
});

test('with a renderer the picture is a PNG of the size that was asked for', async () => {
  standIn.renderer(true);
  const image = Buffer.from((await client.renderPanel({ ...request, width: 400, height: 200 }))!);
  expect([image.readUInt32BE(16), image.readUInt32BE(20)]).toEqual([400, 200]);
  const pixels = inflateSync(image.subarray(image.indexOf('IDAT') + 4, image.length - 16));
  expect(new Set(pixels).size).toBeGreaterThan(5);
});

test('a panel that is not there is an error that names those that are', async () => {
  standIn.renderer(true);
  const missing = {
    message: 'Dashboard ads-features has no panel 9; it has 1 (Feature distribution (mean)), 2 (Serving latency p99), 3 (Null rate by feature).',
    status: 404,
  };
  await expect(client.renderPanel({ ...request, panelId: 9, width: 400, height: 200 })).rejects.toMatchObject(missing);
  await expect(client.queryPanel({ ...request, panelId: 9 })).rejects.toMatchObject(missing);
  await expect(client.getDashboard('nope')).rejects.toMatchObject({ status: 404, transient: false });
});

test('one failing query says which one and why', async () => {
  const half = { status: 207, body: { results: { A: { status: 200, frames: [] }, B: { status: 500, error: 'bad_data:\nparse error' } } } };
  const other = await startStandIn({
    routes: {
      'GET /api/dashboards/uid/:uid': () => ({
        body: {
          dashboard: { uid: 'd', title: 'D', panels: [{ id: 1, title: 'P', type: 'timeseries', targets: [{ refId: 'A' }, { refId: 'B' }] }] },
          meta: { url: '/d/d/d' },
        },
      }),
      'POST /api/ds/query': () => half,
    },
  });
  const words = "Grafana's data source could not answer query B of panel 1 (P): bad_data: parse error";
  await expect(grafana({ url: other.url, token: 't' }).queryPanel({ ...request, uid: 'd' })).rejects.toMatchObject({ message: words });
  await other.close();
});

test('when every query fails, the reason is told although the answer is a 400', async () => {
  const words = /could not answer query A of panel 1 .*: data source not found$/;
  await expect(client.queryPanel({ ...request, variables: { datasource: 'other' } })).rejects.toMatchObject({
    message: expect.stringMatching(words),
    transient: false,
  });
});

test('a wrong token and a page instead of JSON are told apart', async () => {
  await expect(grafana({ url: standIn.url, token: 'wrong' }).getDashboard('ads-features')).rejects.toMatchObject({ status: 401, transient: false });
  standIn.fault({ target: 'grafana', kind: 'html', status: 502, times: 1 });
  await expect(client.getDashboard('ads-features')).rejects.toMatchObject({ status: 502, transient: true });
});

test('the link of a panel shows the same time and variables', () => {
  expect(client.panelUrl({ ...request, variables: { feature_set: 'v2' } })).toBe(
    `${standIn.url}/d/ads-features?viewPanel=1&from=1760000000000&to=1760003600000&var-feature_set=v2`,
  );
});

const braced = (inside: string) => `$\{${inside}}`;
function fill(text: string, of: Filling, type: string | null = null): string {
  return interpolate({ deep: [text] }, { v: of }, { ...range, intervalMs: 7200 }, type).deep[0] ?? '';
}

test("Grafana's own words and every way to name a variable are filled in, macros are not", () => {
  expect(fill(`$v [[v]] ${braced('v')} $none`, { of: ['x'] })).toBe('x x x $none');
  expect(fill('$__interval $__interval_ms $__range_s $__rate_interval $__timeFilter(t)', { of: [] })).toBe('7s 7200 3600 60s $__timeFilter(t)');
});

test.each([
  ['postgres', "WHERE env = '$v'", "WHERE env = 'it''s'", "IN ('a.b','it''s')"],
  ['grafana-postgresql-datasource', "WHERE env = '$v'", "WHERE env = 'it''s'", "IN ('a.b','it''s')"],
  ['mysql', "WHERE env = '$v'", "WHERE env = 'it''s'", "IN ('a.b','it''s')"],
  ['mssql', "WHERE env = '$v'", "WHERE env = 'it''s'", "IN ('a.b','it''s')"],
  ['prometheus', 'up{env="$v"}', `up{env="it's"}`, String.raw`IN ((a\\.b|it's))`],
  ['loki', '{env="$v"}', `{env="it's"}`, String.raw`IN (a\\.b|it's)`],
  ['influxdb', '/^$v$/', "/^it's$/", String.raw`IN ((a\.b|it's))`],
  ['some-other', '$v', "it's", "IN ({a.b,it's})"],
])('%s gets variables as its own plugin writes them', (type, one, asOne, asMany) => {
  expect(fill(one, { of: ["it's"] }, type)).toBe(asOne);
  expect(fill('IN ($v)', { of: ['a.b', "it's"] }, type)).toBe(asMany);
});

test('one value of a variable that may have several is written as a list', () => {
  const one = { of: ['a.b'], list: true };
  expect(fill('IN ($v)', one, 'postgres')).toBe("IN ('a.b')");
  expect(fill('{env=~"$v"}', one, 'prometheus')).toBe(String.raw`{env=~"a\\.b"}`);
});

test('no value ends the string that it stands in', () => {
  const value = { of: [String.raw`x"} or secret{a="\ ' --`] };
  expect(fill('up{env="$v"}', value, 'prometheus')).toBe(String.raw`up{env="x\"} or secret{a=\"\\ ' --"}`);
  expect(fill("env = '$v'", { of: ["x' UNION SELECT now(), password FROM users --"] }, 'postgres')).toBe(
    "env = 'x'' UNION SELECT now(), password FROM users --'",
  );
});

test.each([
  ['csv', 'x,y.z'],
  ['raw', 'x,y.z'],
  ['pipe', 'x|y.z'],
  ['regex', String.raw`(x|y\.z)`],
  ['sqlstring', "'x','y.z'"],
  ['singlequote', "'x','y.z'"],
  ['doublequote', '"x","y.z"'],
  ['unheard', '{x,y.z}'],
])('a dashboard may ask for the format %s', (format, expected) => {
  expect(fill(braced(`v:${format}`), { of: ['x', 'y.z'] }, 'postgres')).toBe(expected);
});

test('"all" stands for every option, or for what the dashboard says it is', () => {
  const all = { current: { value: ['$__all'] } };
  const options = [{ value: '$__all' }, { value: 'v1' }, { value: 'v2' }];
  const variables = [
    { name: 'a', ...all, options },
    { name: 'b', ...all },
    { name: 'c', ...all, allValue: '.+' },
    { name: 'd', current: { value: 'v1' }, includeAll: true, options },
  ];
  const saved = { a: { of: ['v1', 'v2'], list: true }, b: { of: ['.*'], asIs: true }, c: { of: ['.+'], asIs: true } };
  expect(variableValues(variables, {})).toEqual({ ...saved, d: { of: ['v1'], list: true } });
  expect(variableValues(variables, { d: '$__all' })).toEqual({ ...saved, d: { of: ['v1', 'v2'], list: true } });
  expect(fill('{env=~"$v"}', { of: ['.+'], asIs: true }, 'prometheus')).toBe('{env=~".+"}');
});
