import { z } from 'zod';
import { code, link, prose } from './quote.ts';
import type { Call } from './state.ts';

/** The part of a stored comparison that a report shows; anything else in it is left alone. */
const number = z.union([z.number(), z.string()]).nullable();
const run = z.object({ run_id: z.string(), name: z.string().default(''), url: z.string().default('') });
const comparison = z.object({
  baseline: run,
  candidate: run,
  primary: z.object({ metric: z.string(), verdict: z.string(), verdict_reason: z.string() }).nullable().default(null),
  metrics: z
    .array(z.object({ key: z.string(), baseline: number, candidate: number, delta: z.number().nullable(), delta_pct: z.number().nullable() }))
    .default([]),
  params: z.object({ changed: z.array(z.object({ key: z.string(), baseline: z.string(), candidate: z.string() })).default([]) }).default({ changed: [] }),
  noise: z.object({ note: z.string(), figures: z.string().optional() }).optional(),
  warnings: z.array(z.string()).default([]),
});

/** What a comparison found, from the values its tool stored and never from the model's words; nothing for any other call. */
export function comparisonOf({ tool, status }: Call): string[] {
  if (tool !== 'compare_runs' || status.is !== 'finished') return [];
  if (status.outcome.status !== 'ok') return [`The comparison failed: ${prose(status.outcome.text, 400)}`];
  const read = comparison.safeParse(status.outcome.data);
  if (!read.success) return [prose(status.outcome.text, 2000)];
  const { baseline, candidate, primary, metrics, params, noise, warnings } = read.data;
  const rows = metrics
    .slice(0, 20)
    .map((m) => `| ${code(m.key)} | ${figure(m.baseline)} | ${figure(m.candidate)} | ${signed(m.delta)} | ${signed(m.delta_pct, ' %')} |`);
  return [
    primary ? `**${prose(primary.verdict.replace('_', ' '), 40)}**: ${prose(primary.verdict_reason, 800)}` : 'No verdict: no metric was named for it.',
    `Candidate ${named(candidate)}, baseline ${named(baseline)}`,
    ...(rows.length > 0 ? [['| metric | baseline | candidate | change | change, relative |', '| --- | ---: | ---: | ---: | ---: |', ...rows].join('\n')] : []),
    ...(params.changed.length > 0
      ? [`Parameters that differ: ${params.changed.map((p) => `${code(p.key, 60)} ${code(p.baseline, 80)} → ${code(p.candidate, 80)}`).join(', ')}`]
      : []),
    ...(noise ? [chanceIn(noise, warnings)].filter(Boolean) : []),
    ...(warnings.length > 0 ? [warnings.map((warning) => `- ${prose(warning, 600)}`).join('\n')] : []),
  ];
}

/** What a warning says already is not said twice. */
function chanceIn({ note, figures }: { note: string; figures?: string | undefined }, warnings: readonly string[]): string {
  const said = [warnings.includes(note) ? '' : note, figures].filter(Boolean).join(' ');
  return said && `Noise: ${prose(said)}`;
}

function named({ run_id, name, url }: z.infer<typeof run>): string {
  return `${code(run_id)}${name ? ` (${prose(name, 80)})` : ''}${url ? ` ${link(url)}` : ''}`;
}

/** Six significant digits. */
function figure(value: number | string | null): string {
  if (value === null) return '';
  return typeof value === 'number' ? String(Number(value.toPrecision(6))) : prose(value, 20);
}

function signed(value: number | null, unit = ''): string {
  return value === null ? '' : `${value > 0 ? '+' : ''}${figure(value)}${unit}`;
}
