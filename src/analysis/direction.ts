export type Direction = 'max' | 'min';
export type DirectionSource = 'prompt' | 'config' | 'name-guess';
export type Directed = { direction: Direction; source: DirectionSource };

const LOWER = new Set(
  'loss logloss error err rmse mae mse mape smape nll ppl perplexity latency wer cer fid brier ece kl divergence regret ms seconds duration'.split(' '),
);
const HIGHER = new Set(
  'f1 fbeta acc accuracy auc auroc auprc roc pr precision recall sensitivity specificity map ap ndcg mrr r2 bleu rouge iou miou dice kappa mcc spearman pearson reward throughput'.split(
    ' ',
  ),
);

/**
 * Says which way a metric gets better and from where that is known: what the person said, then labmate.json, then a guess from its name. Null: unknown, so ask;
 * tracking servers store no direction, and a wrong one turns every verdict around.
 */
export function direction(
  metric: string,
  known: { prompt?: Direction | undefined; config?: Readonly<Record<string, Direction>> | undefined },
): Directed | null {
  if (known.prompt) return { direction: known.prompt, source: 'prompt' };
  const configured = known.config && Object.hasOwn(known.config, metric) ? known.config[metric] : undefined;
  if (configured) return { direction: configured, source: 'config' };
  const guess = guessFromName(metric);
  return guess && { direction: guess, source: 'name-guess' };
}

/** True where what was said contradicts the configuration: worth a sentence. */
export function contradictsConfig(metric: string, said: Direction | undefined, config: Readonly<Record<string, Direction>>): boolean {
  return said !== undefined && Object.hasOwn(config, metric) && config[metric] !== said;
}

function guessFromName(metric: string): Direction | null {
  const words = metric
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const lower = words.some((w) => LOWER.has(w));
  // "precision_loss" may be either: better to ask.
  if (lower === words.some((w) => HIGHER.has(w))) return null;
  // neg_mean_squared_error and its like are losses turned around so that more is better.
  const negated = words.some((w) => w === 'neg' || w === 'negative');
  return lower !== negated ? 'min' : 'max';
}
