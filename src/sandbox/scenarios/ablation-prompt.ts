/** The sentence labmate was made for; the scenarios vary one word of it. */
export function ablationPrompt({ config = 'base_config.json', change = 'feature_set=v2' } = {}): string {
  return [
    `Run a training job using config ${config} but with ${change}.`,
    'Wait for it to complete.',
    'Compare its val_f1 to the best run in experiment "ads-rank-v3".',
    'If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature-set-v2 ablation" with the metric comparison in the description.',
    'Otherwise, post the diff to Slack channel #ml-experiments.',
  ].join(' ');
}
