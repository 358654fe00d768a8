import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dashboard, type GrafanaStandIn, startGrafana } from '../../src/sandbox/grafana.ts';
import { peers } from './peers.ts';

// Our Grafana stand-in as Grafana's own MCP server meets it, which talks to it as to any Grafana.

const peer = peers.mcpGrafana;

describe.skipIf(peer.skipped !== undefined)('the Grafana stand-in, asked by mcp-grafana', () => {
  const seen: { what: string; status: number | null | undefined }[] = [];
  let grafana: GrafanaStandIn;
  let client: Client;
  const open = async (token: string) => {
    const opened = new Client({ name: 'labmate-test', version: '0.0.1' });
    const env = { ...(process.env as Record<string, string>), GRAFANA_URL: grafana.url, GRAFANA_SERVICE_ACCOUNT_TOKEN: token };
    const command = peer.skipped === undefined ? peer.program : '';
    await opened.connect(new StdioClientTransport({ command, args: ['-t', 'stdio'], env, stderr: 'ignore' }));
    return opened;
  };
  const call = async (name: string, args: Record<string, unknown>, from = client) => {
    const { content, isError } = (await from.callTool({ name, arguments: args })) as CallToolResult;
    const [first] = content;
    return { failed: isError === true, text: first?.type === 'text' ? first.text : '', image: first?.type === 'image' ? first : null };
  };
  beforeAll(async () => {
    if (peer.skipped !== undefined) return;
    grafana = await startGrafana({ token: 'glsa_live', rendererAvailable: true, onTraffic: ({ what, status }) => seen.push({ what, status }) });
    client = await open('glsa_live');
  });
  afterAll(async () => {
    await client?.close();
    await grafana?.close();
  });

  test('finds the dashboard by its words, and nothing by others', async () => {
    const found = JSON.parse((await call('search_dashboards', { query: 'ranking' })).text);
    expect(found).toMatchObject({ total: 1, dashboards: [{ uid: dashboard.uid, title: dashboard.title, type: 'dash-db', folderTitle: 'Ads' }] });
    expect(JSON.parse((await call('search_dashboards', { query: 'weather' })).text)).toMatchObject({ total: 0 });
  });

  test('reads the dashboard, its variables and its queries, those in a collapsed row too', async () => {
    expect(JSON.parse((await call('get_dashboard_by_uid', { uid: dashboard.uid })).text).dashboard).toEqual(dashboard);
    const summary = JSON.parse((await call('get_dashboard_summary', { uid: dashboard.uid })).text);
    expect(summary.variables.map((v: { name: string }) => v.name)).toEqual(['datasource', 'feature_set']);
    const queries = JSON.parse((await call('get_dashboard_panel_queries', { uid: dashboard.uid })).text);
    expect(queries.map((q: { title: string }) => q.title)).toEqual(['Feature distribution (mean)', 'Serving latency p99', 'Null rate by feature']);
  });

  test('gets a picture of a panel', async () => {
    const { image } = await call('get_panel_image', { dashboardUid: dashboard.uid, panelId: 1, timeRange: { from: 'now-1h', to: 'now' } });
    expect(image).toMatchObject({ mimeType: 'image/png', data: expect.stringMatching(/^iVBORw0KGgo/) });
  });

  test('is told in words that it understands what is not there, and who it is not', async () => {
    expect(await call('get_dashboard_by_uid', { uid: 'nope' })).toMatchObject({ failed: true, text: expect.stringContaining('Dashboard not found') });
    const stranger = await open('glsa_other');
    expect(await call('search_dashboards', { query: 'ranking' }, stranger)).toMatchObject({ failed: true, text: expect.stringMatching(/401|Unauthorized/i) });
    await stranger.close();
  });

  test('asks nothing of the stand-in that it does not know', () => {
    // Newer servers have /apis beside /api; it looks there first and then takes the old way.
    const unknown = seen.filter(({ what, status }) => status === 404 && !what.includes('/nope') && !what.startsWith('GET /apis/'));
    expect(seen.length).toBeGreaterThan(4);
    expect(unknown).toEqual([]);
  });
});
