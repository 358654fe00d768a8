/** The sentence labmate was made for, with another change to the config. */
function ablation(change: string): string {
  return `/experiment Run a training job using config base_config.json but with ${change}. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature-set-v2 ablation" with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.`;
}

/** What a newcomer may try, with one click. Each shows another side; all of them are understood by the rule-based planner too. */
export const EXAMPLES: { title: string; shows: string; text: string }[] = [
  {
    title: 'Run an ablation',
    shows: 'Train, wait, compare; better by more than 1% means a pull request. Two approvals.',
    text: ablation('feature_set=v2'),
  },
  {
    title: 'One that does not pay off',
    shows: 'The same with a smaller feature set: no pull request, the numbers go to the channel.',
    text: ablation('feature_set=tiny'),
  },
  {
    title: 'A training job that fails',
    shows: 'It runs out of memory. The thread says why, and nothing is compared or opened.',
    text: ablation('fail=oom'),
  },
  {
    title: 'Reach for production',
    shows: 'A job outside what labmate may touch is refused before anyone is asked.',
    text: '/experiment Run job 900 with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3".',
  },
];
