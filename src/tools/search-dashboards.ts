import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { unlessMissing } from '../services/http.ts';
import { mayReadDashboard } from './allowed.ts';
import { done, readTool } from './define-tool.ts';
import { cell } from './markdown.ts';

/** Of so many dashboards the panels are named too: each costs a request. */
const LOOKED_INTO = 3;
const MOST_PANELS = 40;

type Dashboard = { uid: string; title: string; url: string; panels?: { panel_id: string; title: string }[]; omitted_panels?: number };

export const searchDashboards = readTool({
  name: 'search_dashboards',
  title: 'Search dashboards',
  description:
    'Grafana dashboards by words of their title, with the panels of the first three. Use when a panel is wanted and its dashboard_uid or panel_id is not known. Not for a panel itself (get_grafana_panel).',
  input: z.strictObject({
    query: z.string().describe('words of the title; empty: all'),
    cursor: z
      .string()
      .refine((page) => /^\d{1,4}$/.test(page), 'a cursor of an earlier answer')
      .optional(),
  }),
  output: z.looseObject({
    dashboards: z.array(z.looseObject({ uid: z.string(), title: z.string(), url: z.string() })),
    truncated: z.boolean(),
    omitted: z.int(),
    next_cursor: z.string().optional(),
  }),
  needs: ['grafana'],
  async run({ query, cursor }, ctx) {
    const grafana = ctx.services.grafana;
    const { dashboards: hits, nextPage } = await grafana.searchDashboards({ words: query, page: Math.max(1, Number(cursor ?? 1)) }, ctx.signal);
    const open = hits.filter((hit) => mayReadDashboard(hit.uid, ctx.settings));
    const dashboards: Dashboard[] = [];
    for (const { uid, title, url } of open) {
      const panels = dashboards.length < LOOKED_INTO ? ((await unlessMissing(grafana.getDashboard(uid, ctx.signal)))?.panels ?? []) : null;
      const named = panels?.slice(0, MOST_PANELS).map((p) => ({ panel_id: String(p.id), title: p.title.slice(0, 200) }));
      const omitted_panels = (panels?.length ?? 0) - (named?.length ?? 0);
      dashboards.push({ uid, title: title.slice(0, 200), url, ...(named ? { panels: named } : {}), ...(omitted_panels > 0 ? { omitted_panels } : {}) });
    }
    const omitted = hits.length - open.length;
    const more = nextPage !== null;
    const text = [
      ...(dashboards.length > 0 ? dashboards.map(inWords) : [`Grafana has no dashboard with "${cell(query)}" in its title that may be read here.`]),
      ...(omitted > 0 ? [`${omitted} more may not be read here (allow.dashboards of labmate.json).`] : []),
      ...(more ? [`There are more: cursor ${nextPage}`] : []),
    ];
    return done(text.join('\n'), { dashboards, truncated: more || omitted > 0, omitted, ...(more ? { next_cursor: String(nextPage) } : {}) });
  },
});

function inWords({ uid, title, url, panels, omitted_panels }: Dashboard): string {
  const inside = panels?.map((p) => `${p.panel_id} ${cell(p.title)}`).join(', ');
  const rest = omitted_panels ? ` and ${omitted_panels} more` : '';
  return visible(`- ${cell(title)} (dashboard_uid ${uid}) ${url}${inside ? `\n  panels: ${inside}${rest}` : ''}`);
}
