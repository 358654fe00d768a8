import { takeParameters, takeRun, takeWait } from './clauses.ts';
import type { Understood, Watch } from './plan.ts';
import { type PromptText, promptText } from './prompt-text.ts';

/** Reads trainings with a condition on how they go: "if validation F1 drops below 0.6, check the feature distribution before re-training", "stop it if it diverges". */

const METRIC = '(?:the |its )?(validation (?:f1|loss|auc|accuracy)|[A-Za-z]\\w*)';
const LIMIT = new RegExp(
  `\\b(?:if|when|in case)\\s+${METRIC}\\s+(?:drops?|falls?|sinks|goes|gets|is|stays?|rises?|climbs?)\\s+(below|under|above|over)\\s+(\\d+(?:\\.\\d+)?)(?:\\s+after\\s+(?:step|epoch)\\s+(\\d+))?`,
  'i',
);
const DIVERGES = new RegExp(
  `\\b(?:if|when|in case)\\s+(?:it|the (?:run|training|job|loss)|${METRIC})\\s+(?:diverges|(?:is|becomes|turns|goes)\\s+(?:nan|not a number))`,
  'i',
);
const STOP = /\b(?:stop|cancel|kill|abort)\s+(?:it|the (?:run|training|job))\b/i;
const CHECK =
  /\b(?:check|look at|show(?: me)?)\s+(?:the\s+)?(?:feature\s+distributions?|distributions? of (?:the|its) features?)(?:\s+first)?\s*,?\s*(?:before|and then|then)\s+(?:(?:re-?train(?:ing)?|(?:you )?(?:re-?train|train(?:ing)? (?:it )?again)))\b/i;

/** Null where the prompt has no such condition. */
export function parseWatched(said: string): Understood | null {
  const check = CHECK.exec(said);
  // What stands behind "before re-training" is about that second training.
  const [first, second] = check
    ? [promptText(said.slice(0, check.index + check[0].length)), promptText(said.slice(check.index + check[0].length))]
    : [promptText(said), null];
  const condition = takeLimit(first) ?? takeDivergence(first);
  if (!condition) return null;
  const stops = first.take(STOP) !== null;
  const checks = first.take(CHECK) !== null;
  if (stops === checks)
    return {
      is: 'unclear',
      left: [],
      why: 'What should happen when that comes true? I can stop the run, or check the feature distribution before training again.',
    };
  const parameters = takeParameters(first);
  takeWait(first);
  const { asked, job, config } = takeRun(first, first.length);
  const change = second ? takeParameters(second) : {};
  const left = [...first.leftovers(), ...(second?.leftovers() ?? [])];
  if (left.length > 0 || !asked) return { is: 'unclear', left, why: left.length > 0 ? null : 'I found no job to run in it.' };
  const retrain = Object.keys(change).length > 0 ? change : null;
  return { is: 'watched', plan: { run: { job, config, parameters }, watch: { ...condition, react: stops ? { do: 'stop' } : { do: 'check', retrain } } } };
}

type Condition = Omit<Watch, 'react'>;

function takeLimit(text: PromptText): Condition | null {
  const found = text.take(LIMIT);
  if (!found) return null;
  const kind = /below|under/i.test(found[2] ?? '') ? 'below' : 'above';
  return { metric: nameOf(found[1]), kind, value: Number(found[3]), ...(found[4] ? { after_step: Number(found[4]) } : {}) };
}

function takeDivergence(text: PromptText): Condition | null {
  const found = text.take(DIVERGES);
  return found && { metric: nameOf(found[1]), kind: 'nan' };
}

/** `validation F1` is logged as val_f1. */
function nameOf(said: string | undefined): string | null {
  return said ? said.replace(/^validation (\w+)$/i, (_, name: string) => `val_${name.toLowerCase()}`) : null;
}
