/** What a newcomer may try, with one click. Each shows another side; the first is the job labmate was made for. */
export const EXAMPLES: { title: string; shows: string; text: string }[] = [
  {
    title: 'Run an ablation',
    shows: 'Train, wait, compare; better by more than 1% means a pull request.',
    text: '/experiment Run a training job using config base_config.json but with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature-set-v2 ablation" with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.',
  },
  {
    title: 'One that does not pay off',
    shows: 'The same with a smaller feature set: no pull request, the numbers go to the channel.',
    text: '/experiment Run a training job using config base_config.json but with feature_set=tiny. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "feat: tiny feature set" with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.',
  },
  {
    title: 'Reach for production',
    shows: 'A job outside what labmate may touch is refused before anyone is asked.',
    text: '/experiment Run job 900 using config base_config.json but with feature_set=v2.',
  },
  {
    title: 'See what it can do',
    shows: 'The help, privately, only to you.',
    text: '/experiment help',
  },
];
