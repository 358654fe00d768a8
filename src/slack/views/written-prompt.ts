import { listed } from '../../policy/listed.ts';

/** The fields of a usual ablation, as somebody filled them in. */
export type Ablation = {
  job: string;
  config: string;
  changes: readonly { name: string; value: string }[];
  metric: string;
  baseline: string;
  threshold: string;
  next: Then;
  /** The channel's name for a post; null where it is a direct message. */
  channel: string | null;
};

export const THEN = {
  'pull-request-or-post': 'Pull request if improved, else a post',
  'pull-request': 'Pull request if improved, else tell me',
  post: 'Post the difference',
  tell: 'Just tell me',
} as const;
export type Then = keyof typeof THEN;

/** Writes the sentence that somebody who knows how would have typed: it is what is run, and what the record keeps. */
export function writtenPrompt(a: Ablation): string {
  const change = a.changes.map(({ name, value }) => `${name}=${/\s/.test(value) ? `"${value}"` : value}`);
  const withChange = change.length > 0 ? `${a.config ? ' but' : ''} with ${listed(change)}` : '';
  return [
    `Run ${jobInWords(a.job)}${a.config ? ` using config ${a.config}` : ''}${withChange}. Wait for it to complete.`,
    ...(a.baseline ? [`Compare its ${a.metric} to ${baselineInWords(a.baseline)}.`] : []),
    ...thenInWords(a, change),
  ].join(' ');
}

/** "1%", "2 percentage points", "0.01": what may stand after "more than". Null where it is none of these. */
export function thresholdInWords(text: string): string | null {
  const [, value, unit = ''] = text.trim().match(/^(?:more than |>\s*)?(\d+(?:\.\d+)?|\.\d+)\s*(%|percent|pp|points?|percentage points?)?$/i) ?? [];
  if (value === undefined) return null;
  if (unit === '') return value;
  return /^(%|percent)$/i.test(unit) ? `${value}%` : `${value} percentage points`;
}

function jobInWords(job: string): string {
  if (job === '') return 'a training job';
  return /^\d+$/.test(job) ? `job ${job}` : `the job named "${job.replaceAll('"', "'")}"`;
}

/** A bare id is a run's. */
function baselineInWords(baseline: string): string {
  return /^(\d{2,19}|[0-9a-f]{32})$/i.test(baseline) ? `run ${baseline}` : baseline.replace(/[.\s]+$/, '');
}

function thenInWords({ next, job, config, metric, baseline, threshold, channel }: Ablation, change: readonly string[]): string[] {
  const post = channel === null ? 'tell me the difference' : `post the diff to Slack channel #${channel}`;
  if (!baseline) return [`Report its ${metric} here.`];
  const by = threshold ? ` by more than ${thresholdInWords(threshold) ?? threshold}` : '';
  const counts = by ? [`If ${metric} improved${by}, say so.`] : [];
  if (next === 'tell') return ['Report the comparison here.', ...counts];
  if (next === 'post') return [`${post.charAt(0).toUpperCase()}${post.slice(1)}.`, ...counts];
  const what = change.join(', ') || config || jobInWords(job);
  const title = `feat: ${what.replaceAll('"', "'").slice(0, 80)} ablation`;
  const otherwise = next === 'pull-request' ? 'report it here' : post;
  return [`If ${metric} improved${by}, open a GitHub PR titled "${title}" with the metric comparison in the description. Otherwise, ${otherwise}.`];
}
