import type { Defaults, Got } from './conversation.ts';
import { experiment } from './experiment.ts';
import { fanOut } from './fan-out.ts';
import { notFound, num, quoted, stoppedBy } from './findings.ts';
import type { Understood } from './plan.ts';
import type { Walk } from './walk.ts';
import { watched } from './watched.ts';

const CAN = `What I understand:
- an experiment: Run a training job using config base_config.json but with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "..." with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.
- a condition on the training: Train with feature_set=tiny. If validation F1 drops below 0.6, check the feature distribution before re-training with feature_set=v1. / Train with learning_rate=1 and stop it if it diverges.
- several at once: Try feature_set v1, v2 and v3 side by side and tell me which is best by val_f1
- a row in a document: ... and update the tracking doc docs/experiments.md
- a repetition: Run it again with feature_set=tiny
- a question: What is the best run in experiment "ads-rank-v3" by val_f1? / Compare run <id> with <id> by val_f1 / What is the status of run <id>? / Which jobs are there? / Show panel 1 of dashboard ads-features for the last 6 hours`;

/** Somebody whose own words were not understood is not to think that this is all there is. */
const FREELY = 'I follow fixed rules. For your own words, start the sandbox with ANTHROPIC_API_KEY set: npm run sandbox -- --with claude=real';

/** The walk that does what was understood. */
export function walkOf(understood: Understood, defaults: Defaults): Walk {
  switch (understood.is) {
    case 'experiment':
      return experiment(understood.plan, defaults);
    case 'watched':
      return watched(understood.plan, defaults);
    case 'fan-out':
      return fanOut(understood.plan, defaults);
    case 'again':
      return only(`I find no earlier experiment here that I could repeat. Please write it out.\n${CAN}`);
    case 'status':
      return status(understood.runId);
    case 'compare':
      return compare(understood);
    case 'best':
      return best(understood, defaults);
    case 'jobs':
      return jobs();
    case 'panel':
      return panel(understood);
    case 'schedule':
      return only(
        'I run one experiment when somebody asks; I am not a scheduler, so I start nothing. What has to run every night or every week belongs in an orchestrator such as Airflow, Prefect or Dagster. Ask me for a single run if you want one now.',
      );
    case 'production':
      return only(
        'I run experiments; what production depends on is not one, so I start nothing. Deploying, promoting and serving belong in a pipeline with tests and a way back, run by an orchestrator such as Airflow, Prefect or Dagster. Ask me to train or compare something beside it.',
      );
    case 'thanks':
      return only("You're welcome.");
    case 'greeting':
      return only(`Hello. ${CAN}`);
    case 'unclear':
      return only(unclear(understood));
    default:
      return understood satisfies never;
  }
}

function unclear({ left, why }: Extract<Understood, { is: 'unclear' }>): string {
  const words =
    left.length > 0
      ? `I don't know what to do with: ${left
          .slice(0, 12)
          .map((word) => quoted(word, 80))
          .join(', ')}${left.length > 12 ? ` and ${left.length - 12} more` : ''}.`
      : '';
  const hint = left.some((word) => /\bprod(?:uction)?\b/i.test(word))
    ? 'Which job belongs to production stands in labmate.json, and is not for a sentence to say. Name the job, such as "Run job 900 with feature_set=v2": one that labmate may not run is refused.'
    : '';
  return [`I did nothing, because I don't understand this whole request.`, why, words, hint, FREELY, CAN].filter(Boolean).join('\n');
}

// biome-ignore lint/correctness/useYield: a walk without a step is a walk.
function* only(text: string): Walk {
  return text;
}

function* status(runId: string): Walk {
  const [got] = yield { say: `Looking at run ${runId}.`, calls: [{ tool: 'get_job_status', input: { run_id: runId } }] };
  const stopped = stoppedBy(got, 'look the run up');
  if (stopped || !got) return stopped ?? '';
  const { status, message, run_url: url } = got.data;
  return [`Run ${runId} is ${status}.`, message, url].filter(Boolean).join(' ');
}

function* compare({ compare: { baseline, metric }, candidate }: Extract<Understood, { is: 'compare' }>): Walk {
  const input = { baseline_run_id: baseline.runId, candidate_run_id: candidate, ...(metric ? { primary_metric: metric } : {}) };
  const [got] = yield { say: 'Comparing the two runs.', calls: [{ tool: 'compare_runs', input }] };
  return stoppedBy(got, 'compare the runs') ?? comparedInWords(got);
}

function comparedInWords(got: Got | undefined): string {
  const primary = got?.data['primary'] as { verdict_reason?: string } | null | undefined;
  return primary?.verdict_reason ?? 'The runs are compared; no metric was named and none stands out.';
}

function* best({ experiment: named, metric }: Extract<Understood, { is: 'best' }>, defaults: Defaults): Walk {
  const experiment = named ?? defaults.experiment;
  if (!experiment) return 'In which experiment? Please name it.';
  const [got] = yield { say: `Looking for the best run in ${experiment}.`, calls: [{ tool: 'find_best_run', input: { experiment, metric } }] };
  const stopped = stoppedBy(got, 'find the best run');
  if (stopped || !got) return stopped ?? '';
  const { run_id: id, value, considered } = got.data;
  return id
    ? `The best run in ${experiment} by ${metric} is ${id} with ${num(value)}${considered ? `, of ${considered} runs` : ''}.`
    : notFound(got, experiment, metric).why;
}

function* jobs(): Walk {
  const [got] = yield { say: 'Listing the jobs.', calls: [{ tool: 'list_databricks_jobs', input: {} }] };
  const stopped = stoppedBy(got, 'list the jobs');
  if (stopped || !got) return stopped ?? '';
  const found = (got.data['jobs'] ?? []) as { job_id: string; name: string; environment?: string }[];
  return found.length > 0
    ? found.map((job) => `- ${job.job_id}: ${job.name}${job.environment ? ` (${job.environment})` : ''}`).join('\n')
    : 'There are no jobs I may see.';
}

function* panel({ dashboard, id, from }: Extract<Understood, { is: 'panel' }>): Walk {
  const [got] = yield {
    say: `Looking at panel ${id} of ${dashboard}.`,
    calls: [{ tool: 'get_grafana_panel', input: { dashboard_uid: dashboard, panel_id: id, from, to: 'now' } }],
  };
  const stopped = stoppedBy(got, 'read the panel');
  if (stopped || !got) return stopped ?? '';
  const series = (got.data['series'] ?? []) as { name: string; last: unknown; min: unknown; max: unknown }[];
  const lines = series.slice(0, 8).map((s) => `- ${s.name}: last ${num(s.last)}, between ${num(s.min)} and ${num(s.max)}`);
  return [`${got.data['title']}, from ${from} until now:`, '', ...lines, '', String(got.data['panel_url'] ?? '')].join('\n');
}
