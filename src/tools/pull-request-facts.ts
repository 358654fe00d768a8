import { z } from 'zod';
import { noiseInWords } from '../analysis/noise.ts';
import { code, fenced, link, prose } from '../session/quote.ts';
import type { Approval, Call, Session } from '../session/state.ts';
import { type Names, who } from './slack-names.ts';

/**
 * The part of a pull request's description that the host writes from the record, below the model's text: verdict, figures, curve, what differs, and the prompt and
 * approvals folded away. Every word from outside is quoted; nothing here is taken from the model.
 */

const figure = z.union([z.number(), z.string()]).nullable();
const side = z.object({ run_id: z.string(), name: z.string().catch(''), url: z.string().catch('') });
const pairs = z.array(z.object({ key: z.string(), baseline: z.string().optional(), candidate: z.string().optional(), value: z.string().optional() }));
const comparisonSchema = z.object({
  baseline: side,
  candidate: side,
  primary: z.object({ metric: z.string(), verdict: z.string(), verdict_reason: z.string() }).nullable(),
  metrics: z
    .array(z.object({ key: z.string(), baseline: figure, candidate: figure, delta: z.number().nullable(), delta_pct: z.number().nullable() }))
    .catch([]),
  params: z.object({ changed: pairs.catch([]), added: pairs.catch([]), removed: pairs.catch([]) }).catch({ changed: [], added: [], removed: [] }),
  noise: z.object({ note: z.string(), figures: z.string().optional() }).optional().catch(undefined),
  warnings: z.array(z.string()).catch([]),
});
type Comparison = z.infer<typeof comparisonSchema>;

/** Where the curve stands in the commit, or why there is no picture of it. */
export type Picture = { url: string; alt: string } | { missing: string };

const ROWS = 15;
const PROMPT = 4_000;
const SIGNS: Record<string, string> = { improved: '📈', regressed: '📉', within_threshold: '⚖️', inconclusive: '❔' };

/** Sections in the order of their weight, as many as fit into `room` characters; what did not fit is said. */
export function hostFacts(session: Session, picture: Picture | null, room: number, names: Names = new Map()): string {
  const comparison = latestComparison(session);
  const sections = [
    ...(comparison ? [verdictLine(comparison), figures(comparison)] : ranked(session)),
    ...(picture
      ? ['url' in picture ? `![${prose(picture.alt, 200)}](${picture.url})` : `The picture of the curve is left out: ${prose(picture.missing, 300)}`]
      : []),
    ...(comparison ? [differences(comparison), objections(comparison)] : []),
    runs(session, comparison),
    folded('Approvals', approvals([...session.approvals.values()], names)),
    folded('The prompt, word for word', fenced(session.opened.prompt, 'text', PROMPT)),
  ].filter((section) => section !== '');
  const kept: string[] = [];
  let left = room - 200;
  for (const section of sections) {
    if (section.length + 2 > left) continue;
    left -= section.length + 2;
    kept.push(section);
  }
  const out = sections.length - kept.length;
  if (out > 0) kept.push(`${out} ${out === 1 ? 'part is' : 'parts are'} left out for length; the record's README.md has the whole.`);
  return ['### From the record', ...kept].join('\n\n');
}

const ranking = z.object({
  metric: z.string(),
  best: z.object({ name: z.string(), value: z.number() }).nullable(),
  considered: z.number(),
  of: z.number(),
  noise: z.object({ note: z.string(), figures: z.string().optional() }).optional(),
  curves: z.array(z.object({ run_id: z.string(), name: z.string(), points: z.array(z.tuple([z.number(), z.union([z.number(), z.string()])])) })),
});

/** Without a comparison: the last runs that were waited for together, each with its last value. */
function ranked(session: Session): string[] {
  const found = outcomes(session, 'wait_for_job').flatMap((data) => ranking.safeParse(data['ranking']).data ?? []);
  const last = found.at(-1);
  if (!last?.best) return fetched(session);
  const { metric, best, considered, of, noise, curves } = last;
  const rows = curves.slice(0, ROWS).map((c) => [code(c.name, 60), code(c.run_id), show(c.points.at(-1)?.[1] ?? null)]);
  return [
    `🏁 **best of ${of}**: ${prose(best.name, 80)}, ${prose(metric, 60)} ${show(best.value)}${considered < of ? ` (${considered} finished)` : ''}`,
    table(['Run', 'Databricks run', `${prose(metric, 60)}, last`], rows),
    ...(noise ? [`Noise: ${prose(noiseInWords(noise), 800)}`] : []),
  ];
}

const fetchedSchema = z.object({ run_id: z.string(), run_name: z.string().catch(''), metrics: z.record(z.string(), z.union([z.number(), z.string()])) });

/** With neither: the figures of the run that was read last. */
function fetched(session: Session): string[] {
  const last = outcomes(session, 'fetch_mlflow_run')
    .flatMap((data) => fetchedSchema.safeParse(data).data ?? [])
    .at(-1);
  const metrics = Object.entries(last?.metrics ?? {}).filter(([key]) => !key.startsWith('system/'));
  if (!last || metrics.length === 0) return [];
  const rest = metrics.length > ROWS ? `\n\n${metrics.length - ROWS} more metrics are in the record.` : '';
  return [
    `Figures of MLflow run ${code(last.run_id)}${last.run_name ? ` (${prose(last.run_name, 80)})` : ''}, not compared with another run:`,
    `${table(
      ['Metric', 'Last value'],
      metrics.slice(0, ROWS).map(([key, value]) => [code(key, 60), show(value)]),
      true,
    )}${rest}`,
  ];
}

/** The last comparison that went well. */
export function latestComparison(session: Session): Comparison | null {
  const data = outcomes(session, 'compare_runs').at(-1);
  return data ? (comparisonSchema.safeParse(data).data ?? null) : null;
}

export function outcomes(session: Session, tool: string): Record<string, unknown>[] {
  return [...session.calls.values()].flatMap((call: Call) =>
    call.tool === tool && call.status.is === 'finished' && call.status.outcome.status === 'ok' && call.status.outcome.data ? [call.status.outcome.data] : [],
  );
}

function verdictLine({ primary }: Comparison): string {
  if (!primary) return 'No verdict: no metric was named for it.';
  return `${SIGNS[primary.verdict] ?? ''} **${prose(primary.verdict.replaceAll('_', ' '), 40)}**: ${prose(primary.verdict_reason, 800)}`.trim();
}

function figures({ metrics }: Comparison): string {
  if (metrics.length === 0) return '';
  const rows = metrics
    .slice(0, ROWS)
    .map((m) => [code(m.key, 60), show(m.baseline), show(m.candidate), signed(m.delta), m.delta_pct === null ? '' : `${signed(m.delta_pct)} %`]);
  const rest = metrics.length > ROWS ? `\n\n${metrics.length - ROWS} more metrics are in the record.` : '';
  return `${table(['Metric', 'Baseline', 'Candidate', 'Δ', 'Δ %'], rows, true)}${rest}`;
}

function differences({ params }: Comparison): string {
  const rows = [
    ...params.changed.map((p) => [code(p.key, 60), code(p.baseline ?? '', 80), code(p.candidate ?? '', 80)]),
    ...params.added.map((p) => [code(p.key, 60), 'not set', code(p.candidate ?? p.value ?? '', 80)]),
    ...params.removed.map((p) => [code(p.key, 60), code(p.baseline ?? p.value ?? '', 80), 'not set']),
  ];
  if (rows.length === 0) return 'No parameter differs.';
  const rest = rows.length > ROWS ? `\n\n${rows.length - ROWS} more parameters differ; the record has them.` : '';
  return `${table(['Parameter that differs', 'Baseline', 'Candidate'], rows.slice(0, ROWS))}${rest}`;
}

function objections({ noise, warnings }: Comparison): string {
  const chance = noise ? noiseInWords(noise, warnings) : '';
  const lines = warnings.slice(0, 8).map((line) => `- ${prose(line, 600)}`);
  return [
    ...(chance ? [`Noise: ${prose(chance, 800)}`] : []),
    ...(lines.length > 0 ? [['What a careful reader would object:', '', ...lines].join('\n')] : []),
  ].join('\n\n');
}

function runs({ runs: started }: Session, comparison: Comparison | null): string {
  const of = (what: string, { run_id, name, url }: z.infer<typeof side>) =>
    `- ${what}: MLflow ${code(run_id)}${name ? ` (${prose(name, 80)})` : ''}${url ? ` ${link(url)}` : ''}`;
  const lines = [
    ...(comparison ? [of('Candidate', comparison.candidate), of('Baseline', comparison.baseline)] : []),
    ...started.slice(0, 20).map((run) => `- Databricks run ${code(run.runId)}${run.url ? ` ${link(run.url)}` : ''}`),
  ];
  return lines.length > 0 ? ['Runs:', '', ...lines].join('\n') : '';
}

function approvals(all: readonly Approval[], names: Names): string {
  const given = all.filter((a) => a.votes.length > 0).slice(0, ROWS);
  const rows = given.map((a) => [prose(a.preview.summary, 120), a.votes.map((v) => `${who(v.by, names)} ${v.at}`).join(', '), code(a.digest.slice(0, 12))]);
  return rows.length > 0 ? table(['What', 'Approved by', 'Digest of the arguments'], rows) : '';
}

function folded(title: string, content: string): string {
  return content === '' ? '' : `<details><summary>${title}</summary>\n\n${content}\n\n</details>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], numbers = false): string {
  const line = head.map((_, i) => (numbers && i > 0 ? '---:' : '---'));
  return [head, line, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function show(value: number | string | null): string {
  if (value === null) return '';
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : prose(value, 20);
}

function signed(value: number | null): string {
  return value === null ? '' : `${value > 0 ? '+' : ''}${Number(value.toPrecision(4))}`;
}
