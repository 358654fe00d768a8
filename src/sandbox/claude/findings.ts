import { figure, percent, signed } from '../../analysis/numbers.ts';
import { saidOf } from '../../session/said.ts';
import type { Got } from './conversation.ts';

/** The parts of a comparison that the planner words; the verdict in it was computed by the tool. */
export type Compared = {
  primary: {
    metric: string;
    baseline: unknown;
    candidate: unknown;
    delta: number | null;
    delta_pct: number | null;
    verdict: string;
    verdict_reason: string;
    readings_disagree?: boolean;
  } | null;
  metrics: { key: string; baseline: unknown; candidate: unknown; delta: number | null; delta_pct: number | null }[];
  params?: { changed: { key: string; baseline: string; candidate: string }[] };
  warnings?: string[];
  links?: { baseline?: string; candidate?: string };
};

/** Why a call did not do its work, as last words; null where it did. */
export function stoppedBy(got: Got | undefined, what: string): string | null {
  if (!got) return `I could not ${what}.`;
  // What a tool says to the model beside the fact is no news for people.
  const fact = saidOf({ status: 'failed', text: got.text });
  if (got.failed) return `I could not ${what}: ${fact}`;
  const { status, reason } = got.data;
  switch (status) {
    case 'declined':
    case 'denied':
      return `I did not ${what}: it was declined${reason ? `, because ${quoted(String(reason).replace(/[.\s]+$/, ''), 1000)}` : ''}. I stop here.`;
    case 'expired':
      return `I did not ${what}: nobody decided in time. I stop here.`;
    case 'withdrawn':
      return `I did not ${what}: it was withdrawn. I stop here.`;
    case 'requires_confirmation':
      return `I did not ${what}: a person must confirm it first, and nobody can be asked here.`;
    default:
      return /^withdrawn\b/i.test(got.text) ? `I did not ${what}: ${fact}` : null;
  }
}

/** Why no best run was found, and the names that may have been meant. */
export function notFound({ data }: Got, experiment: string, metric: string): { why: string; of: 'metric' | 'experiment'; near: string[] } {
  const experiments = namesIn(data['near_experiments']).slice(0, 5);
  if (Array.isArray(data['near_experiments'])) return { why: `There is no experiment called ${experiment}.`, of: 'experiment', near: experiments };
  if (!Array.isArray(data['near_metrics'])) return { why: `${experiment} holds no run to compare ${metric} with.`, of: 'metric', near: [] };
  const near = namesIn(data['near_metrics']).slice(0, 5);
  const known = namesIn(data['metrics']);
  return {
    why: `No run of ${experiment} has a metric called ${metric}.${near.length === 0 && known.length > 0 ? ` It has ${known.join(', ')}.` : ''}`,
    of: 'metric',
    near,
  };
}

/** The texts of a list, whatever it is. */
export function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? list.filter((name): name is string => typeof name === 'string') : [];
}

const VERDICTS: Record<string, string> = { within_threshold: 'not enough of a difference', inconclusive: 'no verdict' };

/** The verdict as one says it; at the beginning of a sentence with `First`. */
export function verdictInWords({ verdict }: NonNullable<Compared['primary']>, at: 'First' | 'within'): string {
  const words = VERDICTS[verdict] ?? verdict;
  return at === 'First' ? `${words.charAt(0).toUpperCase()}${words.slice(1)}` : words;
}

/** What a pull request says above the host's own figures: the verdict, and what it is about. */
export function proposal({ primary }: Compared, changes: string): string {
  const what = changes ? `This proposes ${cell(changes)}.` : 'This proposes the new run.';
  return primary ? `${what} ${primary.verdict_reason}` : what;
}

/** The comparison in a few lines, for a post. */
export function diffLines(compared: Compared, changes: string): string {
  const { primary, links } = compared;
  const rows = compared.metrics
    .slice(0, 5)
    .map(
      (m) =>
        `- ${m.key}: ${num(m.candidate)} against ${num(m.baseline)} (${m.delta === null ? 'n/a' : signed(m.delta)}${m.delta_pct === null ? '' : `, ${percent(m.delta_pct)}`})`,
    );
  return [
    `Experiment${changes ? ` ${changes}` : ''}: ${primary ? `${verdictInWords(primary, 'within')}. ${primary.verdict_reason}` : 'compared.'}`,
    ...rows,
    '',
    ...(compared.warnings ?? []).slice(0, 3).map((w) => `Note: ${w}`),
    ...(links?.candidate ? [`New run: ${links.candidate}`] : []),
    ...(links?.baseline ? [`Baseline: ${links.baseline}`] : []),
  ]
    .join('\n')
    .slice(0, 3400);
}

/** Of several runs that were waited for: the best, the gap to the next, and what the tool says of chance; null where it ranked none. */
export function rankingInWords({ data }: Got): string | null {
  type Ranked = { name: string; value: number };
  const ranking = data['ranking'] as { metric: string; of: number; best: Ranked | null; runner_up?: Ranked; noise?: { note: string } } | undefined;
  if (!ranking?.best) return null;
  const { metric, of, best, runner_up: next, noise } = ranking;
  return [`Best of ${of}: ${best.name}, ${metric} ${num(best.value)}.`, next ? `Next: ${next.name}, ${num(next.value)}.` : '', noise?.note ?? '']
    .filter(Boolean)
    .join(' ');
}

/** How the runs of a wait ended, a line each, with what tells them apart where the tool said so. */
export function runsInWords({ data }: Got): string[] {
  const runs = (data['runs'] as { run_id: string; status: string; run_url?: string }[] | undefined) ?? [];
  const { curves = [] } = (data['ranking'] ?? {}) as { curves?: { run_id: string; name: string }[] };
  const named = (id: string) =>
    curves
      .filter(({ run_id: of, name }) => of === id && name.includes('='))
      .map(({ name }) => ` (${name})`)
      .join('');
  return runs.map((run) => `Run ${run.run_id}${named(run.run_id)}: ${run.status}${run.run_url ? ` ${run.run_url}` : ''}`);
}

/** Somebody's words to the letter, in a reply that is read as Markdown: names with underscores need nothing for that, and a card shows replies as they are. */
export function quoted(words: string, most = 120): string {
  return `"${words
    .trim()
    .slice(0, most)
    .replace(/[\\`*[]|~(?=~)/g, '\\$&')}"`;
}

/** A figure as a tool gave it, without the digits nobody reads. */
export function num(value: unknown): string {
  return typeof value === 'number' ? figure(value) : String(value ?? 'none');
}

function cell(text: string): string {
  return text.replace(/[|\n\r]/g, ' ');
}
