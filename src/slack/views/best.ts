import { z } from 'zod';
import { figure } from '../../analysis/numbers.ts';
import type { Block } from '../../services/slack.ts';
import { fallback, fitted } from './limits.ts';
import { type Bit, bold, bullets, link, mono, para, rich, t } from './rich.ts';

const foundSchema = z.object({
  found: z.literal(true),
  experiment: z.string(),
  metric: z.string(),
  run_id: z.string(),
  run_name: z.string().catch(''),
  run_url: z.string().catch(''),
  value: z.number(),
  runner_up: z.object({ run_id: z.string(), value: z.number() }).optional(),
  considered: z.number(),
  considered_is_at_least: z.boolean().optional(),
  ties: z.array(z.string()).catch([]),
  mode: z.enum(['max', 'min']),
  mode_source: z.enum(['prompt', 'config', 'name-guess']),
  rule: z.string(),
});

const nobodySchema = z.object({
  found: z.literal(false),
  near_metrics: z.array(z.string()).optional(),
  metrics: z.array(z.string()).optional(),
  left_out: z.record(z.string(), z.number()).optional(),
});

const SOURCES = { prompt: 'as asked', config: 'by labmate.json', 'name-guess': 'a guess from its name' } as const;

/** What find_best_run found, for people: the value first, then why this run and no other. Null where it answered otherwise. */
export function bestMessage(data: Record<string, unknown>, asked: { experiment: string; metric: string }): { text: string; blocks?: Block[] } | null {
  const nobody = nobodySchema.safeParse(data);
  if (nobody.success) return { text: fallback(whyNobody(nobody.data, asked)) };
  const read = foundSchema.safeParse(data);
  if (!read.success) return null;
  const b = read.data;
  const title = `Best ${b.metric} in ${b.experiment}: ${figure(b.value)}`;
  const of = `best of ${b.considered_is_at_least ? 'at least ' : ''}${b.considered}`;
  const name = b.run_name ? `${b.run_name} (${b.run_id.slice(0, 8)})` : b.run_id.slice(0, 12);
  const ties = b.ties.filter((id) => id !== b.runner_up?.run_id);
  const facts: Bit[][] = [
    [t(`${b.mode === 'max' ? 'Higher' : 'Lower'} is better: ${SOURCES[b.mode_source]}.`)],
    [t(`Chosen so: ${b.rule}.`)],
    [t(b.runner_up ? `Runner-up: ${figure(b.runner_up.value)}, run ${b.runner_up.run_id}.` : 'No other run competed.')],
    ...(ties.length > 0 ? [[t(`${ties.length} more with the same value: ${ties.slice(0, 5).join(', ')}.`)]] : []),
  ];
  const blocks = fitted([rich(para(bold(title)), para(t('Run '), link(b.run_url, name), t(`, ${of}. Its id: `), mono(b.run_id)), bullets(facts))]);
  return { text: fallback(title, `Run ${name}, ${of}. ${b.run_url}`), blocks };
}

function whyNobody(
  { near_metrics: near = [], metrics, left_out: leftOut }: z.infer<typeof nobodySchema>,
  { experiment, metric }: { experiment: string; metric: string },
): string {
  if (metrics) {
    const hint = near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `It has: ${metrics.join(', ') || 'no metric at all'}.`;
    return `No run of ${experiment} has a metric called ${metric}. ${hint}`;
  }
  const reasons = Object.entries(leftOut ?? {}).flatMap(([why, n]) => (n > 0 ? [`${n} ${why.replaceAll('_', ' ')}`] : []));
  return `No run of ${experiment} competes for the best ${metric}${reasons.length > 0 ? `: ${reasons.join(', ')}` : ''}.`;
}
