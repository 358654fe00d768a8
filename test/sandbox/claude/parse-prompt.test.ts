import { describe, expect, test } from 'vitest';
import { parsePrompt } from '../../../src/sandbox/claude/parse-prompt.ts';
import { type Action, type ComparePlan, type Plan, planInWords, type RunPlan } from '../../../src/sandbox/claude/plan.ts';

const seed = `Run a training job using config base_config.json but with feature_set=v2.
Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3".
If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature-set-v2 ablation"
with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.`;

const pr = (over: Partial<Extract<Action, { do: 'pull-request' }>> = {}): Action => ({
  do: 'pull-request',
  title: null,
  repository: null,
  base: null,
  draft: false,
  ...over,
});
const post = (channel: string | null): Action => ({ do: 'post', channel });

function plan(prompt: string): Plan {
  const understood = parsePrompt(prompt);
  if (understood.is !== 'experiment') throw new Error(`${JSON.stringify(understood)}: ${prompt}`);
  return understood.plan;
}

test("the seed's sentence is understood whole, and its plan is told in steps", () => {
  expect(plan(seed)).toEqual({
    run: { job: null, config: 'base_config.json', parameters: { feature_set: 'v2' } },
    compare: { metric: 'val_f1', direction: null, baseline: { is: 'best', experiment: 'ads-rank-v3' }, threshold: { value: 1 } },
    always: [],
    improved: [pr({ title: 'feat: feature-set-v2 ablation' })],
    otherwise: [post('#ml-experiments')],
  });
  expect(planInWords(plan(seed), { job: '101' })).toBe(
    [
      '1. Run job 101 (the default) with config base_config.json and feature_set=v2.',
      '2. Wait until it has ended; if it fails, say why and stop.',
      '3. Compare its val_f1 to the best run in ads-rank-v3: improved means more than 1 %.',
      '4. If the verdict is improved: open a pull request titled "feat: feature-set-v2 ablation" with the metric comparison. Otherwise: post the diff to #ml-experiments.',
    ].join('\n'),
  );
});

describe('what is run', () => {
  const runs: [string, Partial<RunPlan>][] = [
    ['Run a training job with learning_rate=0.01.', { parameters: { learning_rate: '0.01' } }],
    [
      'Run the training job with learning_rate=1e-3, dropout=0.2 and feature_set=v2',
      { parameters: { learning_rate: '1e-3', dropout: '0.2', feature_set: 'v2' } },
    ],
    ['Please start a training run using config configs/base.yaml', { config: 'configs/base.yaml' }],
    ['Train with base_config.json and set learning_rate to 0.003', { config: 'base_config.json', parameters: { learning_rate: '0.003' } }],
    ['Run job 101 with feature_set=v2', { job: { id: '101' }, parameters: { feature_set: 'v2' } }],
    ['Run job 9007199254740993123 with seed=7.', { job: { id: '9007199254740993123' }, parameters: { seed: '7' } }],
    ['Launch the databricks job with id 102', { job: { id: '102' } }],
    ['run job #102 with feature_set=v2', { job: { id: '102' }, parameters: { feature_set: 'v2' } }],
    ['Start the job named "ads train" with feature_set=tiny', { job: { name: 'ads train' }, parameters: { feature_set: 'tiny' } }],
    ['Run the ads-eval-nightly job with feature_set=v2', { job: { name: 'ads-eval-nightly' }, parameters: { feature_set: 'v2' } }],
    ['Run the ads-train job with feature_set=v2', { job: { name: 'ads-train' }, parameters: { feature_set: 'v2' } }],
    [
      'Run a training job using config base_config.json but with `feature_set=v2`. Wait for it to complete.',
      { config: 'base_config.json', parameters: { feature_set: 'v2' } },
    ],
    ['Run a training job with data="s3://bucket/a b" and wait until it is done', { parameters: { data: 's3://bucket/a b' } }],
    ['Run a training job with a learning_rate of 0.05 and wait for completion', { parameters: { learning_rate: '0.05' } }],
    ['Could somebody run an experiment with feature_set=v3?', { parameters: { feature_set: 'v3' } }],
    ['Hey labmate, could you run an experiment with feature_set = v3?', { parameters: { feature_set: 'v3' } }],
    ['Run base_config.json with feature_set=v2', { config: 'base_config.json', parameters: { feature_set: 'v2' } }],
    ['Run a training job with feature_set=v2. Wait for it, then report its val_f1. Thanks a lot!', { parameters: { feature_set: 'v2' } }],
    ['Kick off training with epochs=30 and wait for the run to finish', { parameters: { epochs: '30' } }],
    ['Run a training job with path=/data/v2.1/x.', { parameters: { path: '/data/v2.1/x' } }],
    ['Run a training job with negative=-0.5', { parameters: { negative: '-0.5' } }],
  ];
  test.each(runs)('%s', (prompt, run) => {
    expect(plan(prompt).run).toEqual({ job: null, config: null, parameters: {}, ...run });
  });
});

describe('what it is compared with, and when it counts as improved', () => {
  const best = (experiment: string | null) => ({ is: 'best' as const, experiment });
  const hex = '0123456789abcdef0123456789abcdef';
  const table: [string, Partial<ComparePlan>][] = [
    ['Compare its val_f1 to the best run in experiment "ads-rank-v3".', { metric: 'val_f1', baseline: best('ads-rank-v3') }],
    ['Compare val_auc with the best run of ads-rank-v3.', { metric: 'val_auc', baseline: best('ads-rank-v3') }],
    ['Then compare its val_f1 against the current best.', { metric: 'val_f1', baseline: best(null) }],
    ["Compare the new run's val_f1 to the best run so far in the experiment 'ads rank'.", { metric: 'val_f1', baseline: best('ads rank') }],
    [
      'If val_f1 improved by more than 1% over the best run in "ads-rank-v3", open a PR.',
      { metric: 'val_f1', baseline: best('ads-rank-v3'), threshold: { value: 1 } },
    ],
    [
      'If val_f1 is more than 2 points better than the best run of ads-rank-v2, open a PR. Thanks!',
      { metric: 'val_f1', baseline: best('ads-rank-v2'), threshold: { value: 2, kind: 'points' } },
    ],
    [`Compare to run ${hex}.`, { baseline: { is: 'run', runId: hex } }],
    [`Compare its val_f1 to run "${hex}".`, { metric: 'val_f1', baseline: { is: 'run', runId: hex } }],
    [`Compare it with ${hex.toUpperCase()}`, { baseline: { is: 'run', runId: hex } }],
    ['If val_f1 improved by more than 1%, open a PR.', { metric: 'val_f1', threshold: { value: 1 } }],
    ['If val_f1 improves by over 1.5 percent open a PR.', { metric: 'val_f1', threshold: { value: 1.5 } }],
    ['If val_f1 is at least 0.5pp higher, open a PR.', { metric: 'val_f1', threshold: { value: 0.5, kind: 'points' } }],
    ['If val_f1 is up by 2 points, open a PR.', { metric: 'val_f1', threshold: { value: 2, kind: 'points' } }],
    ['If it improved by 2 percentage points, open a PR.', { threshold: { value: 2, kind: 'points' } }],
    ['If val_f1 improved by more than 1% relative, open a PR.', { metric: 'val_f1', threshold: { value: 1, kind: 'relative' } }],
    ['If it beats the baseline by more than .25 points, open a PR.', { threshold: { value: 0.25, kind: 'points' } }],
    ['If val_f1 increased by > 1 %, open a PR.', { metric: 'val_f1', threshold: { value: 1 } }],
    ['If val_f1 improved by 0.01 absolute, open a PR.', { metric: 'val_f1', threshold: { value: 0.01, kind: 'absolute' } }],
    ['If val_f1 improved by more than 0.01, open a PR.', { metric: 'val_f1', threshold: { value: 0.01, kind: 'absolute' } }],
    ['If val_f1 improved, open a PR.', { metric: 'val_f1', threshold: { value: 0, kind: 'absolute' } }],
    ['If it is better, open a PR.', { threshold: { value: 0, kind: 'absolute' } }],
    ['If val_loss drops by more than 2%, open a PR.', { metric: 'val_loss', direction: 'min', threshold: { value: 2 } }],
    ['If val_f1 is more than 1% better, open a PR.', { metric: 'val_f1', threshold: { value: 1 } }],
    ['When val_f1 gains more than 1 %-points open a PR.', { metric: 'val_f1', threshold: { value: 1, kind: 'points' } }],
  ];
  test.each(table)('%s', (words, compare) => {
    expect(plan(`Run a training job with feature_set=v2. ${words}`).compare).toEqual({
      metric: null,
      direction: null,
      baseline: best(null),
      threshold: null,
      ...compare,
    });
  });
});

describe('what is done then', () => {
  const table: [string, Partial<Pick<Plan, 'always' | 'improved' | 'otherwise'>>][] = [
    [
      'If val_f1 improved by more than 1%, open a draft PR titled "try: v2" in acme/ads against develop, otherwise do nothing.',
      { improved: [pr({ title: 'try: v2', repository: 'acme/ads', base: 'develop', draft: true })] },
    ],
    ['If val_f1 improved by 1%, post the results to <#C0ML|ml-experiments>. If not, just tell me.', { improved: [post('#ml-experiments')] }],
    [
      'If val_f1 improved by 1%, create a pull request called “lr=0.01 wins” and post the numbers to #wins, else post the diff to #losses.',
      { improved: [pr({ title: 'lr=0.01 wins' }), post('#wins')], otherwise: [post('#losses')] },
    ],
    ['Compare its val_f1 to the best run in ads-rank-v3 and post the diff to #ml-experiments.', { always: [post('#ml-experiments')] }],
    ['If it improved, open a GitHub PR with the comparison table in the description. Otherwise, report it here.', { improved: [pr()] }],
    [
      'If val_f1 improved by more than 1%, raise a PR with title "v2" including the results. Else post the summary to Slack.',
      { improved: [pr({ title: 'v2' })], otherwise: [post(null)] },
    ],
  ];
  test.each(table)('%s', (words, actions) => {
    const { always, improved, otherwise } = plan(`Run a training job with feature_set=v2. ${words}`);
    expect({ always, improved, otherwise }).toEqual({ always: [], improved: [], otherwise: [], ...actions });
  });
});

describe('what it will not guess at', () => {
  test.each([
    ['Run a training job with feature_set=v2 and feature_set=v3.', ['feature_set=v3']],
    ['Run a training job with feature_set=v2 on 8 GPUs.', ['8', 'GPUs']],
    ['Run a training job with feature_set=v2 and email bob@acme.com', ['email', 'bob@acme.com']],
    ['Run a training job with feature_set=v2. Tag it "golden".', ['Tag', 'golden']],
    ['Run a training job with feature_set=v2 for "two days"', ['two', 'days']],
    ['Run a training job with feature_set=v2 twice', ['twice']],
    ['Run job 101 with feature_set=v2 and job 102', ['102']],
    ['Run a training job with feature_set=v2 and then delete job 900', ['delete']],
    ['Run a training job with feature_set=v2. If val_f1 improved by 2x, open a PR.', ['2x']],
    ['Run a training job with feature_set=v2. If val_f1 improved by more than 1,5 %, open a PR.', ['5', '%']],
    ['Run a training job. Otherwise post the diff to #ml-experiments', ['otherwise']],
    ['What is the weather in Berlin?', ['What', 'weather', 'Berlin']],
  ])('%s', (prompt, left) => {
    expect(parsePrompt(prompt)).toEqual({ is: 'unclear', left, why: null });
  });
  test.each([
    'If val_f1 drops below 0.6, check the feature distribution before re-training',
    'Run a training job with feature_set=v2. If val_f1 drops by 2%, post the diff to #ml-experiments.',
    "Run a training job with feature_set=v2 but don't open a PR",
    'Run a training job with feature_set=v2. If val_f1 improved by 1%, open a PR unless it is Friday.',
    'Run a training job with feature_set=v2. Compare its val_f1 to the best run in "x". If val_auc improved by 1%, open a PR.',
    'Compare its val_f1 to the best run in experiment "ads-rank-v3".',
    'hello world',
    '👀',
  ])('%s', (prompt) => {
    expect(parsePrompt(prompt).is).toBe('unclear');
  });
});

test.each(['a-', 'a', 'compare its val_f1 ', 'if val_f1 improved by more than ', 'x=1 ', '"', 'config a.'])(
  '40,000 characters of "%s" are read in a moment',
  (piece) => {
    const began = performance.now();
    parsePrompt(piece.repeat(40_000 / piece.length));
    expect(performance.now() - began).toBeLessThan(1500);
  },
);

describe('what is not an experiment', () => {
  const hex = (c: string) => c.repeat(32);
  test.each([
    ['thanks!', { is: 'thanks' }],
    ['Thanks, looks good!', { is: 'thanks' }],
    ['Great, thank you so much 🎉', { is: 'thanks' }],
    ['Run a training job with feature_set=v2 every night', { is: 'schedule' }],
    ['Retrain nightly with base_config.json', { is: 'schedule' }],
    ['Each Monday compare the best runs', { is: 'schedule' }],
    ['What is the status of run 9007199254740993?', { is: 'status', runId: '9007199254740993' }],
    ['How is run 123 doing?', { is: 'status', runId: '123' }],
    ['What is the best run in experiment "ads-rank-v3" by val_f1?', { is: 'best', experiment: 'ads-rank-v3', metric: 'val_f1' }],
    ['Which jobs are there?', { is: 'jobs' }],
    ['Show me the Grafana panel 1 of dashboard ads-features for the last 12 hours', { is: 'panel', dashboard: 'ads-features', id: '1', from: 'now-12h' }],
    [
      `Compare run ${hex('a')} with ${hex('b')} by val_f1`,
      { is: 'compare', candidate: hex('a'), compare: { metric: 'val_f1', direction: null, threshold: null, baseline: { is: 'run', runId: hex('b') } } },
    ],
    ['Run it again with feature_set=tiny', { is: 'again', parameters: { feature_set: 'tiny' } }],
    ['Now the same with learning_rate=0.01, please', { is: 'again', parameters: { learning_rate: '0.01' } }],
    ['rerun', { is: 'again', parameters: {} }],
    [
      'Run it again with lr=0.1. What was asked first:\n\nRun it again with feature_set=tiny and lr=0.2',
      { is: 'again', parameters: { feature_set: 'tiny', lr: '0.1' } },
    ],
    ['Run it again with lr=0.1. What was asked first:\n\nRun a training job every night', { is: 'schedule' }],
    ['Deploy the best model to production', { is: 'production' }],
    ['Promote run 8 so that it serves live traffic', { is: 'production' }],
    ['Make this a part of our production-critical path', { is: 'production' }],
  ])('%s', (prompt, understood) => {
    expect(parsePrompt(prompt)).toEqual(understood);
  });
});

describe('a training with a condition, and several at once', () => {
  const run = (parameters: Record<string, string>, job: RunPlan['job'] = null): RunPlan => ({ job, config: null, parameters });
  const check = (retrain: Record<string, string> | null) => ({ do: 'check', retrain });
  test.each([
    [
      'Train ads-train with feature_set=tiny. If validation F1 drops below 0.6, check the feature distribution before re-training with feature_set=v1.',
      run({ feature_set: 'tiny' }, { name: 'ads-train' }),
      { metric: 'val_f1', kind: 'below', value: 0.6, react: check({ feature_set: 'v1' }) },
    ],
    [
      'Run a training job with feature_set=tiny; if val_f1 is below 0.6 after epoch 5, check the feature distribution before re-training',
      run({ feature_set: 'tiny' }),
      { metric: 'val_f1', kind: 'below', value: 0.6, after_step: 5, react: check(null) },
    ],
    ['Train with learning_rate=1 and stop it if it diverges.', run({ learning_rate: '1' }), { metric: null, kind: 'nan', react: { do: 'stop' } }],
    ['Run job 101 and cancel it if val_loss goes above 5.', run({}, { id: '101' }), { metric: 'val_loss', kind: 'above', value: 5, react: { do: 'stop' } }],
  ])('%s', (prompt, plan, watch) => {
    expect(parsePrompt(prompt)).toEqual({ is: 'watched', plan: { run: plan, watch } });
  });

  test.each([
    [
      'Try feature_set v1, v2 and v3 side by side and tell me which is best by val_f1.',
      { parameter: 'feature_set', values: ['v1', 'v2', 'v3'], metric: 'val_f1' },
    ],
    ['Train with seed=1, seed=2 and seed=3 in parallel and tell me which is best', { parameter: 'seed', values: ['1', '2', '3'], metric: null }],
  ])('%s', (prompt, plan) => {
    expect(parsePrompt(prompt)).toEqual({ is: 'fan-out', plan: { run: run({}), ...plan } });
  });

  test('a row of a document is an action; a repetition changes the run of any of them', () => {
    expect(plan('Run a training job with feature_set=v2, open a PR and update the tracking doc docs/experiments.md').always).toEqual([
      pr(),
      { do: 'track', path: 'docs/experiments.md' },
    ]);
    expect(parsePrompt('Run it again with seed=7. What was asked first:\n\nTrain with learning_rate=1 and stop it if it diverges.')).toMatchObject({
      is: 'watched',
      plan: { run: { parameters: { learning_rate: '1', seed: '7' } } },
    });
  });

  test.each([
    'Run job 101 with feature_set=v2 if val_f1 drops below 0.6',
    'Train with feature_set=v2, stop it if it diverges and deploy it to the moon',
    'Try seed 1, 1 and 2 and tell me which is best',
    'Try dropout 0.1, 0.2 and 0.3 and paint the best',
    'Train with learning_rate=1 and do not stop it if it diverges',
  ])('%s is not half understood', (prompt) => {
    expect(parsePrompt(prompt)).toMatchObject({ is: 'unclear' });
  });
});
