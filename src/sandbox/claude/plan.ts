/** What the planner understood of a prompt. Everything in it was said, or is a default that the plan names. */
export type Plan = {
  run: RunPlan;
  /** The comparison, where one is asked for. */
  compare: ComparePlan | null;
  /** Done whatever the comparison says. */
  always: Action[];
  improved: Action[];
  otherwise: Action[];
};

export type RunPlan = { job: { id: string } | { name: string } | null; config: string | null; parameters: Record<string, string> };
export type ComparePlan = { metric: string | null; direction: 'min' | null; baseline: Baseline; threshold: Threshold | null };
export type Baseline = { is: 'best'; experiment: string | null } | { is: 'run'; runId: string };
/** Without `kind` the team's reading of a percentage holds. */
export type Threshold = { value: number; kind?: 'relative' | 'points' | 'absolute' };

export type Action =
  | { do: 'pull-request'; title: string | null; repository: string | null; base: string | null; draft: boolean }
  | { do: 'post'; channel: string | null }
  | { do: 'track'; path: string | null }
  /** In the feature registry, a mounted MCP server. */
  | { do: 'validate' }
  | { do: 'report' };

/** A training with a condition on how it goes. */
export type Watch = {
  metric: string | null;
  kind: 'below' | 'above' | 'nan';
  value?: number;
  after_step?: number;
  react: { do: 'stop' } | { do: 'check' /** Null: a person says with what. */; retrain: Record<string, string> | null };
};
export type WatchedPlan = { run: RunPlan; watch: Watch };
/** One training for each value of a parameter. */
export type FanOutPlan = { run: RunPlan; parameter: string; values: string[]; metric: string | null };

export type Understood =
  | { is: 'experiment'; plan: Plan }
  | { is: 'watched'; plan: WatchedPlan }
  | { is: 'fan-out'; plan: FanOutPlan }
  | { is: 'again'; parameters: Record<string, string> }
  | { is: 'status'; runId: string }
  | { is: 'compare'; compare: ComparePlan & { baseline: { is: 'run'; runId: string } }; candidate: string }
  | { is: 'best'; experiment: string | null; metric: string }
  | { is: 'jobs' }
  | { is: 'panel'; dashboard: string; id: string; from: string }
  | { is: 'schedule' }
  | { is: 'production' }
  | { is: 'thanks' }
  | { is: 'greeting' }
  /** `left`: what no rule took; `why`: where a rule itself says no. */
  | { is: 'unclear'; left: string[]; why: string | null };

/** The same request with these parameters instead; null where it starts no run. */
export function withParameters(before: Understood | null, parameters: Record<string, string>): Understood | null {
  const changed = <P extends { run: RunPlan }>(plan: P): P => ({ ...plan, run: { ...plan.run, parameters: { ...plan.run.parameters, ...parameters } } });
  switch (before?.is) {
    case 'experiment':
      return { ...before, plan: changed(before.plan) };
    case 'watched':
      return { ...before, plan: changed(before.plan) };
    case 'fan-out':
      return { ...before, plan: changed(before.plan) };
    default:
      return null;
  }
}

/** The plan as numbered steps, in words, before anything is done. */
export function planInWords(plan: Plan, defaults: { job?: string; experiment?: string } = {}): string {
  const steps = [
    runInWords(plan.run, defaults.job),
    'Wait until it has ended; if it fails, say why and stop.',
    ...(plan.compare ? [compareInWords(plan.compare, plan, defaults.experiment)] : []),
    ...plan.always.map((action) => `${capital(actionInWords(action))}.`),
  ];
  if (plan.improved.length > 0 || plan.otherwise.length > 0) {
    const then = plan.improved.map(actionInWords).join(' and ') || 'report it here';
    const otherwise = plan.otherwise.map(actionInWords).join(' and ') || 'report it here';
    steps.push(`If the verdict is improved: ${then}. Otherwise: ${otherwise}.`);
  }
  return steps.map((step, i) => `${i + 1}. ${step}`).join('\n');
}

/** The run, with everything it is started with. */
export function runInWords(run: RunPlan, usual: string | undefined): string {
  return `Run ${jobInWords(run, usual)}${withInWords(run)}.`;
}

function jobInWords({ job }: RunPlan, usual: string | undefined): string {
  if (!job) return usual ? `job ${usual} (the default)` : 'a training job';
  return 'id' in job ? `job ${job.id}` : `the job named ${job.name}`;
}

function withInWords({ config, parameters }: RunPlan): string {
  const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  const all = [...(config ? [`config ${config}`] : []), ...(pairs.length > 0 ? [pairs.join(', ')] : [])];
  return all.length > 0 ? ` with ${all.join(' and ')}` : '';
}

function compareInWords({ metric, baseline, threshold, direction }: ComparePlan, plan: Plan, usual: string | undefined): string {
  const to =
    baseline.is === 'run' ? `run ${baseline.runId}` : `the best run in ${baseline.experiment ?? (usual ? `${usual} (the default)` : 'the experiment')}`;
  const branches = plan.improved.length > 0 || plan.otherwise.length > 0;
  const by = threshold
    ? `: improved means ${thresholdInWords(threshold)}${direction === 'min' ? ' lower' : ''}`
    : branches
      ? ': improved means better at all'
      : '';
  return `Compare its ${metric ?? 'main metric'} to ${to}${by}.`;
}

export function thresholdInWords({ value, kind }: Threshold): string {
  if (value === 0) return 'better at all';
  if (kind === 'points') return `more than ${value} percentage points`;
  if (kind === 'absolute') return `more than ${value} in its own unit`;
  return `more than ${value} %${kind === 'relative' ? ' relative' : ''}`;
}

function actionInWords(action: Action): string {
  switch (action.do) {
    case 'pull-request':
      return `open a ${action.draft ? 'draft ' : ''}pull request${action.title ? ` titled "${action.title}"` : ''}${action.repository ? ` in ${action.repository}` : ''}${action.base ? ` against ${action.base}` : ''} with the metric comparison`;
    case 'post':
      return `post the diff to ${action.channel ?? 'this thread'}`;
    case 'track':
      return `note it in ${action.path ?? 'the tracking document'}`;
    case 'validate':
      return 'mark the feature set as validated in the feature registry';
    case 'report':
      return 'report it here';
    default:
      return action satisfies never;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
