import { bar, drawn, line, words } from './drawing.ts';
import { png } from './png.ts';
import { type Answered, type Asked, escapeHtml, html, type OnTraffic, type StandIn, startStandIn } from './stand-in.ts';

export type GrafanaStandIn = StandIn & {
  /** Installs or removes the picture renderer, as an operator would. */
  renderer(installed: boolean): void;
};

const SOURCE = { type: 'prometheus', uid: 'ads-metrics' };
const panel = (id: number, title: string, unit: string, expr: string) => ({
  id,
  title,
  type: 'timeseries',
  datasource: { type: SOURCE.type, uid: '$datasource' },
  fieldConfig: { defaults: { unit } },
  targets: [{ refId: 'A', expr }],
});

/** The dashboard of the ads ranking model; the third panel sits in a collapsed row. */
export const dashboard = {
  uid: 'ads-features',
  title: 'Ads ranking features',
  templating: {
    list: [
      { name: 'datasource', type: 'datasource', current: { text: 'ads-metrics', value: SOURCE.uid } },
      { name: 'feature_set', type: 'custom', current: { text: 'v1', value: 'v1' }, options: [{ value: 'v1' }, { value: 'v2' }] },
    ],
  },
  panels: [
    panel(1, 'Feature distribution (mean)', 'short', 'feature_mean{feature_set="$feature_set"}'),
    panel(2, 'Serving latency p99', 'ms', 'histogram_quantile(0.99, rate(serving_ms_bucket{feature_set="$feature_set"}[$__rate_interval]))'),
    { id: 10, title: 'More', type: 'row', panels: [panel(3, 'Null rate by feature', 'percentunit', 'null_rate{feature_set="[[feature_set]]"}')] },
  ],
};
const panels = dashboard.panels.flatMap((p) => ('panels' in p ? p.panels : [p]));

/** A stand-in for Grafana: one dashboard, its data, and, when installed, a renderer. Without one it answers 200 with a placeholder, as Grafana does. */
export async function startGrafana(
  options: { port?: number | undefined; onTraffic?: OnTraffic | undefined; token?: string | undefined; rendererAvailable?: boolean | undefined } = {},
): Promise<GrafanaStandIn> {
  let renderer = options.rendererAvailable ?? false;
  const before = (asked: Asked): Answered | null => {
    if (!asked.path.startsWith('/api/') && !asked.path.startsWith('/render/')) return null;
    const token = /^Bearer (\S+)$/.exec(asked.headers.authorization ?? '')?.[1];
    if (!token) return refusal(401, 'Unauthorized');
    return options.token !== undefined && token !== options.token ? refusal(401, 'Invalid API key') : null;
  };
  const standIn = await startStandIn({
    port: options.port,
    onTraffic: options.onTraffic,
    before,
    otherwise: () => refusal(404, 'Not found'),
    routes: {
      'GET /api/frontend/settings': () => ({ body: { rendererAvailable: renderer, buildInfo: { version: '12.3.0' } } }),
      'GET /api/search': ({ query: q }) => ({ body: search(q) }),
      'GET /api/dashboards/uid/:uid': ({ params }) =>
        params['uid'] === dashboard.uid
          ? { body: { dashboard, meta: { url: `/d/${dashboard.uid}/ads-ranking-features` } } }
          : refusal(404, 'Dashboard not found'),
      'POST /api/ds/query': ({ body }) => query(body as QueryBody),
      'GET /render/d-solo/:uid': ({ query: q }) => ({ type: 'image/png', body: picture(q, renderer) }),
      'GET /d/:uid': ({ query: q }) => html(page(q)),
      'GET /d/:uid/:slug': ({ query: q }) => html(page(q)),
    },
  });
  return {
    ...standIn,
    renderer(installed) {
      renderer = installed;
    },
  };
}

/** Found by the words of the title, as Grafana's search does; nothing but dashboards here. */
function search(q: URLSearchParams): unknown[] {
  const words = (q.get('query') ?? '').toLowerCase();
  const limit = Number(q.get('limit') ?? 1000);
  const from = (Number(q.get('page') ?? 1) - 1) * limit;
  const hits = words === '' || dashboard.title.toLowerCase().includes(words) ? [dashboard] : [];
  return hits.slice(from, from + limit).map(({ uid, title }) => {
    const url = `/d/${uid}/ads-ranking-features`;
    return { id: 1, uid, title, uri: 'db/ads-ranking-features', url, slug: '', type: 'dash-db', tags: ['ads'], isStarred: false, folderTitle: 'Ads' };
  });
}

type QueryBody = { queries?: { refId: string; expr?: string; datasource?: { uid?: string } }[]; from?: string; to?: string };

function query({ queries = [], from = '0', to = '0' }: QueryBody): Answered {
  const results: Record<string, unknown> = {};
  for (const { refId, expr = '', datasource } of queries) {
    if (datasource?.uid !== SOURCE.uid) results[refId] = { status: 404, error: 'data source not found', frames: [] };
    // Nobody fills variables in for a caller of this API.
    else if (/\$|\[\[/.test(expr))
      results[refId] = { status: 400, error: `bad_data: invalid parameter "query": unexpected character: '$' in ${expr}`, frames: [] };
    else results[refId] = { status: 200, frames: frames(refId, expr, Number(from), Number(to)) };
  }
  const failed = Object.values(results).filter((r) => (r as { status: number }).status !== 200).length;
  return { status: failed === 0 ? 200 : failed === queries.length ? 400 : 207, body: { results } };
}

function seriesOf(expr: string): string[] {
  return /feature_mean|null_rate/.test(expr) ? ['ctr_7d', 'bid', 'age_days'] : ['ranker'];
}

function frames(refId: string, expr: string, from: number, to: number): unknown[] {
  const features = seriesOf(expr);
  return features.map((feature, n) => {
    const times = Array.from({ length: 60 }, (_, i) => Math.round(from + ((to - from) * i) / 59));
    const values = times.map((_, i) => (n === 2 && i === 30 ? null : value(expr, n, i)));
    const labels = { [features.length > 1 ? 'feature' : 'service']: feature };
    const fields = [
      { name: 'Time', type: 'time' },
      { name: 'Value', type: 'number', labels, config: { displayNameFromDS: feature } },
    ];
    return { schema: { refId, fields }, data: { values: [times, values] } };
  });
}

/** A wave that depends on the query alone, so that everybody sees the same numbers. */
function value(expr: string, series: number, i: number): number {
  const seed = [...expr].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 9973, 7) / 9973;
  const [level, swing] = /serving/.test(expr)
    ? [42 + seed * 8, 6]
    : /null_rate/.test(expr)
      ? [0.02 + series * 0.01, 0.008]
      : [0.4 + series * 0.2 + seed * 0.1, 0.06];
  return Number((level + swing * Math.sin(i / 6 + series + seed * 6)).toPrecision(6));
}

/** With a renderer, lines on white; without one, or for a panel that is not there, the grey placeholder that must not pass for a panel. */
function picture(q: URLSearchParams, renderer: boolean): Uint8Array {
  const size = (name: string, otherwise: number) => Math.min(2000, Math.max(10, Number(q.get(name)) || otherwise));
  const [width, height] = [size('width', 1000), size('height', 500)];
  const shown = renderer ? panels.find((p) => p.id === Number(q.get('panelId'))) : undefined;
  if (!shown) return png(width, height, () => [204, 204, 220]);
  const expr = shown.targets[0]?.expr ?? '';
  const names = seriesOf(expr);
  const points = names.map((_, n) => Array.from({ length: 61 }, (_, i) => value(expr, n, i)));
  const [least, most] = [Math.min(...points.flat()), Math.max(...points.flat())];
  const [left, right, top, bottom] = [64, width - 16, 48, height - 62];
  const y = (v: number) => bottom - ((bottom - top) * (v - least)) / (most - least || 1);
  const [from, to] = [Number(q.get('from')) || 0, Number(q.get('to')) || 0];
  const x = (i: number) => left + ((right - left) * i) / 60;
  const scale = [0, 0.25, 0.5, 0.75, 1].map((part) => least + (most - least) * part);
  return drawn(width, height, [
    words(16, 28, shown.title, { size: 17, weight: 700 }),
    ...scale.flatMap((v) => [
      line(
        [
          [left, y(v)],
          [right, y(v)],
        ],
        '#e3e3e8',
        1,
      ),
      words(left - 8, y(v) + 4, Number(v.toPrecision(3)).toString(), { size: 12, fill: '#666', anchor: 'end' }),
    ]),
    ...(to > from
      ? [0, 20, 40, 60].map((i) =>
          words(x(i), bottom + 20, new Date(from + ((to - from) * i) / 60).toISOString().slice(11, 16), {
            size: 12,
            fill: '#666',
            anchor: i === 60 ? 'end' : 'middle',
          }),
        )
      : []),
    ...points.map((values, n) =>
      line(
        values.map((v, i) => [x(i), y(v)]),
        COLOURS[n] ?? '#888',
      ),
    ),
    ...names.flatMap((name, n) => [bar(left + n * 150, height - 26, 14, 4, COLOURS[n] ?? '#888'), words(left + 20 + n * 150, height - 20, name, { size: 13 })]),
  ]);
}

const COLOURS = ['#5794f2', '#73bf69', '#fa6400'];

function page(q: URLSearchParams): string {
  const one = panels.find((p) => p.id === Number(q.get('viewPanel')));
  const list = (one ? [one] : panels).map((p) => `<h2>${escapeHtml(p.title)}</h2><pre>${escapeHtml(p.targets[0]?.expr ?? '')}</pre>`).join('');
  return `<!doctype html><meta charset="utf-8"><title>${escapeHtml(dashboard.title)}</title><body style="font:15px system-ui;max-width:800px;margin:24px auto">
<p>This is the sandbox's stand-in for Grafana.</p><h1>${escapeHtml(dashboard.title)}</h1>${list}</body>`;
}

function refusal(status: number, message: string): Answered {
  return { status, body: { message, statusCode: status, traceID: '' } };
}
