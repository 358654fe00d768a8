import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GrafanaStandIn, startGrafana } from '../../src/sandbox/grafana.ts';
import { grafana } from '../../src/services/grafana.ts';
import type { ToolAnswer, ToolContext } from '../../src/tools/define-tool.ts';
import { getGrafanaPanel } from '../../src/tools/get-grafana-panel.ts';
import { rangeOf } from '../../src/tools/time-range.ts';
import { readPng } from '../charts/read-png.ts';

let standIn: GrafanaStandIn;
/** What was drawn or queried. */
let sent: string[];
beforeEach(async () => {
  sent = [];
  standIn = await startGrafana({ onTraffic: ({ what }) => /render|query/.test(what) && sent.push(what) });
});
afterEach(() => standIn.close());

const now = Date.parse('2026-11-22T12:00:00Z');

async function look(input: Record<string, unknown> = {}): Promise<Extract<ToolAnswer, { kind: 'done' }>> {
  const settings = { defaults: {}, metrics: {}, thresholdReading: 'relative' as const, recordsPath: 'experiments', environments: {} };
  const ctx: ToolContext = {
    services: { grafana: grafana({ url: standIn.url, token: 't' }) },
    settings,
    session: null,
    signal: new AbortController().signal,
    now: () => now,
  };
  const answer = await getGrafanaPanel.run(getGrafanaPanel.input.parse({ dashboard_uid: 'ads-features', panel_id: '1', ...input }) as never, ctx);
  if (answer.kind !== 'done') throw new Error('not done');
  expect(getGrafanaPanel.output.parse(answer.data)).toEqual(answer.data);
  return answer;
}

test("without a renderer there are the numbers and labmate's own chart, never Grafana's placeholder", async () => {
  const answer = await look();
  expect(answer.data).toMatchObject({
    title: 'Feature distribution (mean)',
    unit: 'short',
    from: '2026-11-22T06:00:00.000Z',
    to: '2026-11-22T12:00:00.000Z',
    picture: 'own chart',
    notes: ["Grafana drew no picture, so this one is labmate's own chart of the panel's data."],
  });
  expect((answer.data['series'] as { name: string; points: unknown[] }[]).map((s) => [s.name, s.points.length])).toEqual([
    ['ctr_7d', 20],
    ['bid', 20],
    ['age_days', 20],
  ]);
  expect(readPng(answer.images![0]!.data).width).toBe(1000);
  expect(answer.text).toMatch(/^Feature distribution \(mean\) \(short\), .*\n- ctr_7d: [▁-█]{20} {2}\S+ → \S+ \(min .*\), mean /);
});

test('with a renderer the picture is Grafana’s own', async () => {
  standIn.renderer(true);
  const answer = await look({ format: 'image', width: 400, height: 200 });
  expect(answer.data).toMatchObject({ picture: 'grafana', series: [], notes: [] });
  expect(answer.images).toMatchObject([{ mediaType: 'image/png', alt: 'Feature distribution (mean), 2026-11-22 06:00 to 12:00 UTC' }]);
});

test('a renderer that fails costs the picture, not the numbers', async () => {
  standIn.renderer(true);
  standIn.fault({ target: 'grafana', kind: 'html', status: 500, path: '/render/' });
  const answer = await look();
  expect(answer.data).toMatchObject({ picture: 'own chart' });
  expect((answer.data['notes'] as string[])[0]).toMatch(/^Grafana is failing \(500\)/);
});

test('only data means no picture', async () => {
  const answer = await look({ format: 'data', panel_id: '2', variables: { feature_set: 'v2' } });
  expect(answer.images).toBeUndefined();
  expect(answer.data).toMatchObject({ picture: 'none', panel_url: expect.stringContaining('var-feature_set=v2') });
});

test('an unknown panel is answered with those that are there', async () => {
  await expect(look({ panel_id: '7' })).rejects.toThrow(
    'NO_SUCH_PANEL: Dashboard ads-features has no panel 7. Next: choose one of its panels: 1 (Feature distribution (mean)), 2',
  );
});

test('a variable that the dashboard does not have is answered with those it has', async () => {
  await expect(look({ variables: { env: 'x' } })).rejects.toThrow(
    'NO_SUCH_VARIABLE: The dashboard has no variable env. Next: choose of its variables: datasource, feature_set. (not retryable)',
  );
});

test('where the dashboard lists the values of a variable there are no others', async () => {
  await expect(look({ variables: { feature_set: 'v3' } })).rejects.toThrow(
    'NO_SUCH_VALUE: The variable feature_set has no value v3. Next: choose one of its values: v1, v2. (not retryable)',
  );
});

test.each(["x' UNION SELECT now(), password FROM users --", '1--', 'a b', 'x"} or secret{a="', '$__all', '${feature_set}', 'x;y', 'a|b', 'f(x)'])(
  'a value that could be more than a value is sent to nobody: %s',
  async (value) => {
    standIn.renderer(true);
    await expect(look({ variables: { datasource: value } })).rejects.toThrow(
      /^UNSAFE_VALUE: .* Next: choose such a value, or one that the dashboard names: ads-metrics;/,
    );
    expect(sent).toEqual([]);
  },
);

test('times are read as people write them', () => {
  expect(rangeOf('now-6h', 'now', now)).toEqual({ from: now - 21_600_000, to: now });
  for (const from of ['2026-11-20T00:00:00Z', '2026-11-20T00:00', '2026-11-20', '2026-11-20T02:00:00+02:00'])
    expect(rangeOf(from, String(now), now)).toEqual({ from: Date.parse('2026-11-20T00:00:00Z'), to: now });
  for (const [from, to] of [
    ['yesterday-ish', 'now'],
    ['4', 'now'],
    ['now', 'now-1h'],
    ['now-5000d', 'now'],
  ] as const)
    expect(() => rangeOf(from, to, now)).toThrow(/^BAD_TIME/);
});
