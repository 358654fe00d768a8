import { z } from 'zod';
import { type DashboardVariable, type Filling, interpolate, type TimeRange, variableValues } from './grafana-variables.ts';
import { send, sendJson, UpstreamError } from './http.ts';

export type Panel = { id: number; title: string; type: string; unit: string | null };
export type Series = { name: string; points: { time: number; value: number | null }[] };

export type DashboardHit = { uid: string; title: string; url: string; folder: string | null };

/** Throws UpstreamError. Times are epoch ms. */
export type Grafana = {
  /** By words of the title, at most 50 a page; `page` counts from 1. */
  searchDashboards(query: { words: string; page: number }, signal?: AbortSignal): Promise<{ dashboards: DashboardHit[]; nextPage: number | null }>;
  getDashboard(uid: string, signal?: AbortSignal): Promise<{ uid: string; title: string; url: string; panels: Panel[]; variables: DashboardVariable[] }>;
  /** Null where no renderer is installed: Grafana then draws a placeholder that must not pass for the panel. */
  renderPanel(request: PanelQuery & { width: number; height: number }, signal?: AbortSignal): Promise<Uint8Array | null>;
  queryPanel(request: PanelQuery, signal?: AbortSignal): Promise<Series[]>;
  panelUrl(request: PanelQuery): string;
};

export type PanelQuery = { uid: string; panelId: number; from: number; to: number; variables?: Record<string, string> | undefined };

const RENDER_MS = 60_000;
const MOST_POINTS = 500;
const HITS_A_PAGE = 50;

const datasource = z.object({ uid: z.string().optional(), type: z.string().optional() }).loose();
const target = z.object({ refId: z.string(), hide: z.boolean().optional(), datasource: z.union([datasource, z.string()]).nullish() }).loose();
const plainPanel = z.object({
  id: z.number(),
  title: z.string().default(''),
  type: z.string(),
  targets: z.array(target).optional(),
  datasource: z.union([datasource, z.string()]).nullish(),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }).optional() }).optional(),
});
const panelSchema = plainPanel.extend({ panels: z.array(plainPanel).optional() });
const variableSchema = z.object({
  name: z.string(),
  type: z.string().optional(),
  multi: z.boolean().nullish(),
  includeAll: z.boolean().nullish(),
  current: z.object({ value: z.unknown() }).partial().optional(),
  allValue: z.string().nullish(),
  options: z
    .array(z.object({ value: z.unknown() }).partial())
    .nullish()
    .transform((o) => o ?? undefined),
});
const dashboardSchema = z.object({
  dashboard: z.object({
    uid: z.string(),
    title: z.string(),
    panels: z.array(panelSchema).optional(),
    templating: z.object({ list: z.array(variableSchema).optional() }).optional(),
  }),
  meta: z.object({ url: z.string() }),
});
const hitSchema = z.object({ uid: z.string(), title: z.string(), url: z.string().default(''), folderTitle: z.string().optional() });
const settingsSchema = z.object({ rendererAvailable: z.boolean().default(false) });
const fieldSchema = z.object({
  name: z.string(),
  type: z.string().optional(),
  labels: z.record(z.string(), z.string()).nullish(),
  config: z.object({ displayNameFromDS: z.string().optional() }).nullish(),
});
const frameSchema = z.object({
  schema: z.object({ name: z.string().optional(), fields: z.array(fieldSchema).default([]) }),
  data: z.object({ values: z.array(z.array(z.unknown())).default([]) }).optional(),
});
const resultsSchema = z.object({
  results: z.record(z.string(), z.object({ status: z.number().optional(), error: z.string().optional(), frames: z.array(frameSchema).nullish() })).optional(),
  message: z.string().optional(),
});

type FoundPanel = z.output<typeof plainPanel>;

/** A client that reads dashboards, their panels' data and, where a renderer is installed, their pictures. */
export function grafana(options: { url: string; token: string }): Grafana {
  const root = options.url.replace(/\/+$/, '');
  const common = { upstream: 'Grafana', headers: { authorization: `Bearer ${options.token}` } };

  async function dashboardOf(uid: string, signal?: AbortSignal) {
    const url = `${root}/api/dashboards/uid/${encodeURIComponent(uid)}`;
    const { dashboard, meta } = await sendJson({ ...common, what: `read dashboard ${uid}`, url, signal }, dashboardSchema);
    // A collapsed row keeps its panels inside itself.
    const panels: FoundPanel[] = (dashboard.panels ?? []).flatMap((p) => (p.type === 'row' ? (p.panels ?? []) : [p]));
    return { ...dashboard, panels, url: `${root}${meta.url}`, variables: dashboard.templating?.list ?? [] };
  }

  /** Grafana draws "Panel not found" into a picture it answers 200 with, so the id is held against the dashboard itself. */
  async function panelOf({ uid, panelId }: PanelQuery, signal?: AbortSignal) {
    const dashboard = await dashboardOf(uid, signal);
    const panel = dashboard.panels.find((p) => p.id === panelId);
    if (panel) return { dashboard, panel };
    const there = dashboard.panels.map((p) => `${p.id} (${p.title})`).join(', ') || 'none';
    throw new UpstreamError(`Dashboard ${uid} has no panel ${panelId}; it has ${there}.`, { upstream: 'Grafana', status: 404, transient: false });
  }

  return {
    async searchDashboards({ words, page }, signal) {
      const query = { type: 'dash-db', query: words, limit: HITS_A_PAGE, page };
      const hits = await sendJson({ ...common, what: 'search dashboards', url: `${root}/api/search`, query, signal }, z.array(hitSchema));
      const dashboards = hits.map(({ uid, title, url, folderTitle }) => ({ uid, title, url: `${root}${url || `/d/${uid}`}`, folder: folderTitle ?? null }));
      // Grafana counts nothing: only a page that is not full is known to be the last.
      return { dashboards, nextPage: hits.length < HITS_A_PAGE ? null : page + 1 };
    },

    async getDashboard(uid, signal) {
      const { title, url, panels, variables } = await dashboardOf(uid, signal);
      const shown = panels.map((p) => ({ id: p.id, title: p.title, type: p.type, unit: p.fieldConfig?.defaults?.unit ?? null }));
      return { uid, title, url, panels: shown, variables };
    },

    async renderPanel(request, signal) {
      const asking = { ...common, what: 'tell whether it can draw pictures', url: `${root}/api/frontend/settings`, signal };
      const { rendererAvailable } = await sendJson(asking, settingsSchema);
      if (!rendererAvailable) return null;
      await panelOf(request, signal);
      const { uid, panelId, from, to, width, height } = request;
      const query = { panelId, from, to, width, height, timeout: RENDER_MS / 1000, ...varsOf(request) };
      const url = `${root}/render/d-solo/${encodeURIComponent(uid)}`;
      const headers = { ...common.headers, accept: 'image/*' };
      const { bytes } = await send({ ...common, headers, what: `draw panel ${panelId} of ${uid}`, url, query, timeoutMs: RENDER_MS, signal });
      return isPng(bytes) ? bytes : null;
    },

    async queryPanel(request, signal) {
      const { dashboard, panel } = await panelOf(request, signal);
      const { from, to } = request;
      const range = { from, to, intervalMs: Math.max(1000, Math.ceil((to - from) / MOST_POINTS)) };
      const values = variableValues(dashboard.variables, request.variables ?? {});
      const queries = (panel.targets ?? []).filter((t) => !t.hide).map((t) => queryOf(t, panel, values, range));
      if (queries.length === 0) return [];
      const asking = { ...common, what: `query panel ${panel.id} of ${request.uid}`, url: `${root}/api/ds/query`, signal };
      // When every query fails Grafana answers 400, with the reasons in the same shape.
      const { results, message } = await sendJson({ ...asking, alsoAnswers: 400, json: { queries, from: String(from), to: String(to) } }, resultsSchema);
      if (!results) throw refusedQuery(panel, message ?? 'it gave no reason');
      return Object.entries(results).flatMap(([refId, result]) => {
        if (result.error) throw failedQuery(refId, panel, result.error, result.status ?? 200);
        return (result.frames ?? []).flatMap(seriesOf);
      });
    },

    panelUrl(request) {
      const { uid, panelId, from, to } = request;
      const query = new URLSearchParams({ viewPanel: String(panelId), from: String(from), to: String(to), ...varsOf(request) });
      return `${root}/d/${encodeURIComponent(uid)}?${query}`;
    },
  };
}

function varsOf({ variables }: PanelQuery): Record<string, string> {
  return Object.fromEntries(Object.entries(variables ?? {}).map(([name, value]) => [`var-${name}`, value]));
}

function queryOf(t: z.output<typeof target>, panel: FoundPanel, values: Record<string, Filling>, range: TimeRange): Record<string, unknown> {
  const own = t.datasource ?? panel.datasource ?? undefined;
  const source = typeof own === 'string' ? { uid: own } : own;
  const filled = interpolate(t, values, range, source?.type ?? null);
  // Which data source it is may be a variable too, and a name is no part of the query.
  return { ...filled, datasource: interpolate(source, values, range, null), maxDataPoints: MOST_POINTS, intervalMs: range.intervalMs };
}

/** One refId may fail inside an answer of 200. Its words are a data source's own, so they are cut to one short line. */
function failedQuery(refId: string, panel: FoundPanel, error: string, status: number): UpstreamError {
  const words = error
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 200);
  const message = `Grafana's data source could not answer query ${refId} of panel ${panel.id} (${panel.title}): ${words}`;
  return new UpstreamError(message, { upstream: 'Grafana', status, code: 'QUERY_FAILED', transient: false });
}

function refusedQuery(panel: FoundPanel, words: string): UpstreamError {
  const message = `Grafana refused to query panel ${panel.id} (${panel.title}): ${oneLine(words)}`;
  return new UpstreamError(message, { upstream: 'Grafana', status: 400, transient: false });
}

function oneLine(words: string): string {
  return words
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, 200);
}

/** Each number field beside a time field is a series; a frame without time has none. */
function seriesOf(frame: z.output<typeof frameSchema>): Series[] {
  const { fields, name: frameName } = frame.schema;
  const columns = frame.data?.values ?? [];
  const times = columns[fields.findIndex((f) => f.type === 'time')];
  if (!times) return [];
  return fields.flatMap((field, i) => {
    if (field.type !== 'number') return [];
    const points = times.map((time, row) => ({ time: Number(time), value: numberOf(columns[i]?.[row]) }));
    return [{ name: nameOf(field, frameName), points }];
  });
}

function nameOf(field: z.output<typeof fieldSchema>, frameName: string | undefined): string {
  const labels = Object.entries(field.labels ?? {})
    .filter(([key]) => key !== '__name__')
    .map(([key, value]) => `${key}=${value}`);
  if (field.config?.displayNameFromDS) return field.config.displayNameFromDS;
  // Data sources call the only number of a frame "Value"; then the frame's name or its labels say more.
  if (!/^value$/i.test(field.name)) return labels.length ? `${field.name} {${labels.join(', ')}}` : field.name;
  return frameName || labels.join(', ') || field.name;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function isPng(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 8)).toString('latin1') === '\x89PNG\r\n\x1a\n';
}
