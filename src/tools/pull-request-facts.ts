import { z } from 'zod';
import { noiseInWords } from '../analysis/noise.ts';
import { percent, signed } from '../analysis/numbers.ts';
import { verdictTitle } from '../analysis/verdict.ts';
import { type Compared, comparisons, foundBy, rankings } from '../session/findings.ts';
import { type Names, who } from '../session/people.ts';
import { code, fenced, inCell, link, prose } from '../session/quote.ts';
import type { Approval, Session } from '../session/state.ts';

/**
 * The part of a pull request's description that the host writes from the record, below the model's text: verdict, figures, curve, what differs, and the prompt and
 * approvals folded away. Every word from outside is quoted; nothing here is taken from the model.
 */

/** Where the curve stands in the commit, or why there is no picture of it. */
export type Picture = { url: string; alt: string } | { missing: string };

const ROWS = 15;
const PROMPT = 4_000;

/** Sections in the order of their weight, as many as fit into `room` characters; what did not fit is said. */
export function hostFacts(session: Session, picture: Picture | null, room: number, names: Names = new Map()): string {
  const comparison = comparisons(session).at(-1);
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

/** Without a comparison: the last runs that were waited for together, each with its last value. */
function ranked(session: Session): string[] {
  const last = rankings(session).at(-1);
  if (!last?.best) return fetched(session);
  const { metric, best, considered, of, noise, curves } = last;
  const rows = curves.slice(0, ROWS).map((c) => [code(c.name, 60), code(c.run_id), inCell(c.points.at(-1)?.[1] ?? null)]);
  return [
    `🏁 **best of ${of}**: ${prose(best.name, 80)}, ${prose(metric, 60)} ${inCell(best.value)}${considered < of ? ` (${considered} finished)` : ''}`,
    table(['Run', 'Databricks run', `${prose(metric, 60)}, last`], rows),
    ...(noise ? [`Noise: ${prose(noiseInWords(noise), 800)}`] : []),
  ];
}

const fetchedSchema = z.object({ run_id: z.string(), run_name: z.string().catch(''), metrics: z.record(z.string(), z.union([z.number(), z.string()])) });

/** With neither: the figures of the run that was read last. */
function fetched(session: Session): string[] {
  const last = [...session.calls.values()].flatMap((call) => fetchedSchema.safeParse(foundBy(call, 'fetch_mlflow_run')).data ?? []).at(-1);
  const metrics = Object.entries(last?.metrics ?? {}).filter(([key]) => !key.startsWith('system/'));
  if (!last || metrics.length === 0) return [];
  const rest = metrics.length > ROWS ? `\n\n${metrics.length - ROWS} more metrics are in the record.` : '';
  return [
    `Figures of MLflow run ${code(last.run_id)}${last.run_name ? ` (${prose(last.run_name, 80)})` : ''}, not compared with another run:`,
    `${table(
      ['Metric', 'Last value'],
      metrics.slice(0, ROWS).map(([key, value]) => [code(key, 60), inCell(value)]),
      true,
    )}${rest}`,
  ];
}

function verdictLine({ primary }: Compared): string {
  if (!primary) return 'No verdict: no metric was named for it.';
  const { sign, words } = verdictTitle(primary.verdict);
  return `${sign} **${words}**: ${prose(primary.verdict_reason, 800)}`;
}

function figures({ metrics }: Compared): string {
  if (metrics.length === 0) return '';
  const rows = metrics
    .slice(0, ROWS)
    .map((m) => [
      code(m.key, 60),
      inCell(m.baseline),
      inCell(m.candidate),
      m.delta === null ? '' : signed(m.delta),
      m.delta_pct === null ? '' : percent(m.delta_pct),
    ]);
  const rest = metrics.length > ROWS ? `\n\n${metrics.length - ROWS} more metrics are in the record.` : '';
  return `${table(['Metric', 'Baseline', 'Candidate', 'Δ', 'Δ %'], rows, true)}${rest}`;
}

function differences({ params }: Compared): string {
  if (!params) return '';
  const rows = [
    ...params.changed.map((p) => [code(p.key, 60), code(p.baseline, 80), code(p.candidate, 80)]),
    ...params.added.map((p) => [code(p.key, 60), 'not set', code(p.candidate, 80)]),
    ...params.removed.map((p) => [code(p.key, 60), code(p.baseline, 80), 'not set']),
  ];
  if (rows.length === 0) return 'No parameter differs.';
  const rest = rows.length > ROWS ? `\n\n${rows.length - ROWS} more parameters differ; the record has them.` : '';
  return `${table(['Parameter that differs', 'Baseline', 'Candidate'], rows.slice(0, ROWS))}${rest}`;
}

function objections({ noise, warnings }: Compared): string {
  const chance = noise ? noiseInWords(noise, warnings) : '';
  const lines = warnings.slice(0, 8).map((line) => `- ${prose(line, 600)}`);
  return [
    ...(chance ? [`Noise: ${prose(chance, 800)}`] : []),
    ...(lines.length > 0 ? [['What a careful reader would object to:', '', ...lines].join('\n')] : []),
  ].join('\n\n');
}

function runs({ runs: started }: Session, comparison: Compared | undefined): string {
  const of = (what: string, { run_id, name, url }: Compared['baseline']) =>
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
