import { takeParameters, takeRun, takeWait } from './clauses.ts';
import type { Defaults } from './conversation.ts';
import { rankingInWords, runsInWords, stoppedBy } from './findings.ts';
import type { FanOutPlan, Understood } from './plan.ts';
import { promptText } from './prompt-text.ts';
import type { Walk } from './walk.ts';

/** The same training with several values of one parameter, side by side: "Try feature_set v1, v2 and v3 and tell me which is best by val_f1". */

const NAME = '([A-Za-z]\\w*)';
const VALUE = '[\\w.+-]*\\w';
const LISTED = new RegExp(
  `\\b(?:try|run|train|test|compare|with|for)\\s+(?:the\\s+)?${NAME}\\s*[:=]?\\s*(?:of\\s+)?(${VALUE}(?:\\s*,\\s*(?!and\\b)${VALUE})*)\\s*,?\\s+and\\s+(${VALUE})(?=\\W|$)`,
  'i',
);
const REPEATED = new RegExp(`(?<![\\w=])${NAME}\\s*=\\s*(${VALUE})((?:\\s*,?\\s*(?:and\\s+)?\\1\\s*=\\s*${VALUE})+)`, 'i');
const BEST =
  /\b(?:(?:and )?(?:tell|show|report|say)(?: me| us)?\s+)?which(?: one| of them)?\s+(?:is|was|does|works|performs|did)\s+(?:the\s+)?best(?:\s+(?:by|on|in)\s+(?:its\s+)?([A-Za-z]\w*))?/i;
const TOGETHER = /\b(?:side by side|in parallel|at once|at the same time|together|simultaneously)\b/i;
/** What the card and a reader can still tell apart. */
const MOST = 10;

/** Null where the prompt names no list of values. */
export function parseFanOut(said: string): Understood | null {
  const text = promptText(said);
  const best = text.take(BEST);
  const together = text.take(TOGETHER);
  // One name with two values may be a slip; said to be side by side, or with the question which is best, it is meant.
  const repeated = best || together ? text.take(REPEATED) : null;
  const listed = repeated ? null : best ? text.take(LISTED) : null;
  const found = repeated ?? listed;
  if (!found) return null;
  const [, parameter = '', first = '', rest = ''] = found;
  const values = repeated
    ? [first, ...[...rest.matchAll(new RegExp(`${parameter}\\s*=\\s*(${VALUE})`, 'gi'))].map((match) => match[1] ?? '')]
    : [...first.split(/\s*,\s*/), rest];
  const parameters = takeParameters(text);
  takeWait(text);
  const { job, config } = takeRun(text, text.length);
  const left = text.leftovers();
  if (left.length > 0) return { is: 'unclear', left, why: null };
  if (new Set(values).size < values.length) return { is: 'unclear', left: [], why: `It names one value of ${parameter} twice.` };
  if (values.length > MOST) return { is: 'unclear', left: [], why: `That would be ${values.length} trainings at once; I start at most ${MOST}.` };
  return { is: 'fan-out', plan: { run: { job, config, parameters }, parameter, values, metric: best?.[1] ?? null } };
}

export function* fanOut({ run, parameter, values, metric }: FanOutPlan, defaults: Defaults): Walk {
  const job = run.job && 'id' in run.job ? run.job.id : run.job ? null : (defaults.job ?? null);
  if (!job) return 'Which job should I run? For several at once I need its id.';
  const plan = `My plan:\n1. Run job ${job} side by side, ${values.length} times: ${values.map((value) => `${parameter}=${value}`).join(', ')}.\n2. Wait for all of them, and name the best${metric ? ` by ${metric}` : ''}, with what is known of noise.`;
  const started = yield {
    say: plan,
    calls: values.map((value) => ({
      tool: 'run_databricks_job',
      input: { job_id: job, ...(run.config ? { config: run.config } : {}), parameters: { ...run.parameters, [parameter]: value } },
    })),
  };
  const troubles = started.flatMap((got, i) => {
    const why = stoppedBy(got, `start ${parameter}=${values[i]}`) ?? (got.data['run_id'] === undefined ? String(got.data['ask'] ?? got.text) : null);
    return why === null ? [] : [why];
  });
  const ids = started.flatMap((got) => (got.failed || got.data['run_id'] === undefined ? [] : [String(got.data['run_id'])]));
  if (ids.length === 0) return troubles.join('\n') || 'No run was started.';
  for (let say = `${ids.length} runs have started; waiting for all of them.`; ; say = 'Still waiting.') {
    const input = { run_ids: ids, until: 'all', ...(metric ? { metric } : {}) };
    const [got] = yield { say, calls: [{ tool: 'wait_for_job', input }] };
    const stopped = stoppedBy(got, 'wait for the runs');
    if (stopped || !got) return stopped ?? '';
    if (got.data['still_running'] === true) continue;
    return [rankingInWords(got) ?? 'They logged nothing in common that could be ranked.', ...troubles, ...runsInWords(got)].join('\n');
  }
}
