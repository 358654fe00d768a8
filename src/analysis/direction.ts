export type Direction = 'max' | 'min';
export type DirectionSource = 'prompt' | 'config' | 'name-guess';
export type Directed = { direction: Direction; source: DirectionSource };

const PERCENT = setOf('pct percent percentage');
const LOSSES = setOf('loss logloss error err rmse mae mse nll ppl perplexity latency fid brier kl divergence regret ms seconds duration');
/** Shares of one, or of a hundred. */
const WRONG_SHARES = setOf('wer cer ece mape smape');
const RIGHT_SHARES = setOf('f1 fbeta acc accuracy auc auroc auprc precision recall sensitivity specificity map ap ndcg bleu rouge iou miou dice');
const SCORES = setOf('roc pr mrr r2 kappa mcc spearman pearson reward throughput');

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

/** What a metric's values are, by its name: a loss is no share of anything, though it may lie between 0 and 1. Null: the name does not say. */
export function scaleFromName(metric: string): 'percent' | 'share' | 'loss' | null {
  const words = wordsOf(metric);
  const has = (names: ReadonlySet<string>) => words.some((w) => names.has(w));
  if (has(PERCENT)) return 'percent';
  // An error's rate is a share again.
  if (has(LOSSES) && !words.includes('rate')) return 'loss';
  return has(RIGHT_SHARES) || has(WRONG_SHARES) ? 'share' : null;
}

function guessFromName(metric: string): Direction | null {
  const words = wordsOf(metric);
  const lower = words.some((w) => LOSSES.has(w) || WRONG_SHARES.has(w));
  // "precision_loss" may be either: better to ask.
  if (lower === words.some((w) => RIGHT_SHARES.has(w) || SCORES.has(w))) return null;
  // neg_mean_squared_error and its like are losses turned around so that more is better.
  const negated = words.some((w) => w === 'neg' || w === 'negative');
  return lower !== negated ? 'min' : 'max';
}

function wordsOf(metric: string): string[] {
  return metric
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

function setOf(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
