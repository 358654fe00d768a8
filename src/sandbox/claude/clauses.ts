import type { Action, Baseline, RunPlan, Threshold } from './plan.ts';
import type { PromptText } from './prompt-text.ts';

/** One reader for each kind of clause. Each takes what it understands out of the text and leaves the rest standing. */

const METRIC = '[A-Za-z][\\w@]*(?:[/.-]\\w+)*';
const QUOTED = '"([^"]+)"|\'([^\']+)\'';
const NUMBER = '\\d+(?:\\.\\d+)?|\\.\\d+';

/** `feature_set=v2`, `learning_rate = 1e-3`, `set dropout to 0.2`. The same name twice is left standing. */
export function takeParameters(text: PromptText): Record<string, string> {
  const found: Record<string, string> = {};
  const pair = /(?<![\w=.])([A-Za-z_][\w.-]{0,99})\s*:?=\s*(?:"([^"]*)"|'([^']*)'|([^\s,;"'=]+))/;
  const worded = /\b(?:set|setting|change|changing)\s+(?:the\s+)?([A-Za-z_][\w.-]*)\s+to\s+(?:"([^"]*)"|'([^']*)'|([^\s,;"'=]+))/i;
  const said = /\b(?:a|the)\s+([a-z]+(?:_[a-z]+)+)\s+of\s+()()([\w.+-]+)/i;
  for (const pattern of [pair, worded, said]) {
    for (let at = 0, match = text.find(pattern); match; match = text.find(pattern, at)) {
      const [, name = '', double, single, bare = ''] = match;
      // A full stop at the end of a value ends the sentence, unless digits follow it.
      const end = double || single || bare.replace(/[.)!?]+$/, '');
      at = match.index + match[0].length;
      if (Object.hasOwn(found, name) || end === '') continue;
      text.take(pattern, match.index, at);
      found[name] = end;
    }
  }
  return found;
}

export function takeRun(text: PromptText, to: number): Omit<RunPlan, 'parameters'> & { asked: boolean } {
  const config =
    text.take(/\b(?:(?:using|with|from|on)\s+)?(?:the\s+)?config(?:uration)?(?:\s+file)?\s+["']?([\w./-]*\w\.(?:json|ya?ml|toml))["']?/i, 0, to) ??
    text.take(/\b(?:using|with|from|on|run|train)\s+(?:the\s+)?["']?([\w./-]*\w\.(?:json|ya?ml|toml))["']?(?:\s+config(?:uration)?)?/i, 0, to) ??
    text.take(/\b(?:using|with)\s+(?:the\s+)?config(?:uration)?(?:\s+file)?\s+["']?([\w./-]+[\w-])["']?/i, 0, to);
  const verb = /\b(?:(?:re-?)?run|try|start|launch|trigger|kick off|submit|train|do|execute)\b/i;
  const byId = text.take(/\b(?:training\s+|databricks\s+)?job\s+(?:with\s+)?(?:the\s+)?(?:id\s+|number\s+|no\.?\s+|#)?(\d{1,19})(?!\w|\.\w)/i, 0, to);
  const byName = byId
    ? null
    : (text.take(/\bjob\s+(?:named\s+|called\s+)?["']([\w .-]+)["']/i, 0, to) ??
      text.take(/\bjob\s+(?:named|called)\s+([\w-]+)/i, 0, to) ??
      text.take(/\bthe\s+([a-z]+(?:[-_]\w+)+)\s+job\b/i, 0, to) ??
      text.take(/\b(?:run|train|start|launch)\s+([a-z]+(?:-[a-z]\w*)+)(?=\s+(?:with|and|using|but)\b|[.,]|$)/i, 0, to));
  const asked = text.take(verb, 0, to) !== null;
  text.take(
    /\b(?:a|an|the|one|another|my|our)?\s*(?:new |short |quick )?(?:databricks |model )?(?:training|train|job|experiment|ablation|trial)(?:\s+(?:job|run|experiment))?\b/i,
    0,
    to,
  );
  const job = byId?.[1] ? { id: byId[1] } : byName?.[1] ? { name: byName[1] } : null;
  return { job, config: config?.[1] ?? null, asked: asked || job !== null || config !== null };
}

export function takeWait(text: PromptText): void {
  const what = '(?:it|this|that|the (?:job|run|training)(?: job| run)?|training)';
  const done = '(?:to )?(?:be |is |has |have |gets |are )?(?:complet\\w*|finish\\w*|done|end(?:s|ed)?|through|over|ready)';
  text.take(new RegExp(`\\bwait(?:ing)?(?: (?:for|until|till)(?: ${what})?)?(?: ${done}| completion)?(?= *[.,;]| and\\b| then\\b|$|█| )`, 'i'));
  text.take(new RegExp(`\\b(?:when|once|after|as soon as) ${what} ${done}`, 'i'));
}

/** `Compare its val_f1 to the best run in experiment "ads-rank-v3"`, and the baseline of `beats run 3f2a...`. */
export function takeCompare(text: PromptText): { metric: string | null; baseline: Baseline } | null {
  const subject = `(?:its |the |their )?(?:(?:new run's |run's |final |resulting )?(${METRIC})\\s+)??(?:of (?:it|the (?:new )?run) )?`;
  const head = `\\b(?:compare|check|evaluate|diff)\\s+(?:it(?=\\s+(?:to|with|against))|${subject})\\s*(?:to|with|against|versus|vs\\.?)\\s+`;
  const match =
    text.take(new RegExp(`${head}(?:the )?(?:mlflow )?run\\s+["']?([0-9a-f]{32})\\b["']?`, 'i')) ??
    text.take(new RegExp(`${head}["']?([0-9a-f]{32})\\b["']?`, 'i'));
  if (match) return { metric: metricName(match[1]), baseline: { is: 'run', runId: (match[2] ?? '').toLowerCase() } };
  const best = text.take(
    new RegExp(
      `${head}(?:the |our )?(?:current |previous |existing )?best(?: (?:run|one|result))?(?: so far)?(?: (?:in|of|from) ${EXPERIMENT})?(?: by \\1)?`,
      'i',
    ),
  );
  return best && { metric: metricName(best[1]), baseline: { is: 'best', experiment: best[2] ?? best[3] ?? best[4] ?? null } };
}

/** `over the best run in "ads-rank-v3"`, in the middle of a condition. Taken first, so that the condition around it stays one clause. */
export function takeBaseline(text: PromptText): Baseline | null {
  const match = text.take(
    new RegExp(
      `\\b(?:over|than|against|compared (?:to|with)|versus|vs\\.?)\\s+(?:the |our )?(?:current )?best(?: run| one)? (?:in|of|from) ${EXPERIMENT}`,
      'i',
    ),
  );
  return match && { is: 'best', experiment: match[1] ?? match[2] ?? match[3] ?? null };
}

export const EXPERIMENT = `(?:the )?(?:(?:mlflow )?experiment )?(?:${QUOTED}|([\\w/-]*[\\w-]*[-_/\\d][\\w/-]*\\w))(?: experiment)?`;

function metricName(word: string | undefined): string | null {
  return word && !/^(it|its|the|that|this|run|result|results|metrics?|new|one|score)$/i.test(word) ? word : null;
}

export type Condition = { metric: string | null; down: boolean; threshold: Threshold; from: number; to: number };

/** `If val_f1 improved by more than 1%,` in its many wordings. Only improvement is understood; "drops below" is left standing. */
export function takeCondition(text: PromptText): Condition | null {
  const what = `(?:the |its )?(?:new )?(?:(?!improve|beats?\\b|gains?\\b|is\\b)(${METRIC})\\s+)??(?:of (?:it|the (?:new )?run) )?`;
  const up = 'improve[sd]?|has improved|increase[sd]?|gain(?:s|ed)?|rises|rose|goes up|went up|is up|beats?|is better|is higher';
  const down = 'drop(?:s|ped)?|falls|fell|decrease[sd]?|goes down|went down|is down|is lower|is reduced|shrinks';
  const by = `(?:by )?(?:at all|(more than|over|greater than|at least|no less than|>=?)?\\s*(${NUMBER})\\s*${UNIT})`;
  const than =
    '(?: (?:better|higher|up|lower))?(?: (?:than|over|on|against|compared to)?\\s*(?:it|that|the (?:baseline|best(?: run| one)?|current best)| ?█+))?';
  const bare = new RegExp(`\\b(?:if|when|in case|should)\\s+${what}(?:(${up})|(${down}))${than}(?:\\s+${by})?${than}(?=\\W|$)`, 'i');
  const fronted = new RegExp(`\\b(?:if|when|in case)\\s+${what}(?:is|was|are)\\s+${by}\\s*(?:(better|higher|up)|(lower|down|less))${than}(?=\\W|$)`, 'i');
  const first = text.take(fronted);
  if (first) return condition(first, first[1], first[6] !== undefined, first[3], first[4]);
  const second = text.take(bare);
  return second && condition(second, second[1], second[3] !== undefined, second[5], second[6]);
}

/** "more than 1% counts as improved", where nothing but the verdict hangs on it. */
export function takeThreshold(text: PromptText): Threshold | null {
  const found = text.take(new RegExp(`[;,]?\\s*(?:more than|over)\\s*(${NUMBER})\\s*${UNIT} counts as (?:improved|an improvement)\\b`, 'i'));
  return found && { value: Number(found[1]), ...kindOf(found[2]) };
}

const UNIT =
  '(%-points?|percentage[- ]points?|pp\\b|p\\.p\\.|points?\\b|pts?\\b|% (?:relative|rel\\b)\\.?|percent relative|relative %|% absolute|(?:%|percent\\b)|absolute\\b)?';

function condition(match: RegExpExecArray, metric: string | undefined, down: boolean, value: string | undefined, unit: string | undefined): Condition {
  const threshold: Threshold = value === undefined ? { value: 0, kind: 'absolute' } : { value: Number(value), ...kindOf(unit) };
  return { metric: metricName(metric), down, threshold, from: match.index, to: match.index + match[0].length };
}

/** "1%" alone may mean two things, so it has no kind here; the team's reading holds. */
function kindOf(unit: string | undefined): { kind?: 'relative' | 'points' | 'absolute' } {
  const u = unit?.toLowerCase() ?? '';
  if (u === '' || u === 'absolute') return { kind: 'absolute' };
  if (/rel/.test(u)) return { kind: 'relative' };
  return /point|pp|p\.p|pt|absolute/.test(u) ? { kind: 'points' } : {};
}

/** Every action between two places, in the order they stand there. */
export function takeActions(text: PromptText, from: number, to: number): Action[] {
  const found: { at: number; action: Action }[] = [];
  const opener = /\b(?:open|create|make|raise|file|submit)\s+(?:a |an |the )?(?:(draft) )?(?:git ?hub )?(?:pr|pull[- ]request)\b/i;
  for (let match = text.take(opener, from, to); match; match = text.take(opener, from, to)) {
    const title = text.take(new RegExp(`\\b(?:titled|entitled|called|named|with (?:the )?title)\\s*:?\\s*(?:${QUOTED})`, 'i'), from, to);
    const repository = text.take(/\b(?:in|on|to|for|against)\s+(?:the )?(?:repo(?:sitory)? )?([\w.-]+\/[\w.-]*\w)(?: repo(?:sitory)?)?/i, from, to);
    const base = text.take(/\b(?:against|into|onto|based on)\s+(?:the )?(?:branch )?["']?([\w/-]+)["']?(?: branch)?/i, from, to);
    text.take(
      /\b(?:with|including|containing|and put)\s+(?:the |a |its )?(?:metrics? |full |val_\w+ )?(?:comparison|results?|metrics|diff|numbers|table)(?: table)?(?:\s+(?:in|into|as) (?:the |its )?(?:pr )?(?:description|body|text))?/i,
      from,
      to,
    );
    found.push({
      at: match.index,
      action: {
        do: 'pull-request',
        title: title?.[1] ?? title?.[2] ?? null,
        repository: repository?.[1] ?? null,
        base: base?.[1] ?? null,
        draft: match[1] !== undefined,
      },
    });
  }
  const what = '(?:the |a |its |that )?(?:metrics? )?(?:diff(?:erence)?s?|comparison|results?|metrics|numbers|summary|verdict|table|it|them)?';
  const post = new RegExp(
    `\\b(?:post|send|share|report|write|drop|put)\\s+${what}\\s*(?:to|in|into|on)?\\s*(?:the )?(?:slack )?(?:(?:channel )?["']?#([\\w-]+)["']?|channel ["']([\\w-]+)["']|(this channel|the channel|slack\\b))`,
    'i',
  );
  for (let match = text.take(post, from, to); match; match = text.take(post, from, to)) {
    const name = match[1] ?? match[2];
    found.push({ at: match.index, action: { do: 'post', channel: name ? `#${name}` : null } });
  }
  const track =
    /\b(?:update|extend|add (?:it|this|the result|a row) to|note (?:it|this|the result) in)\s+(?:the |our )?(?:(?:experiment )?tracking doc(?:ument)?|experiment log)?\s*["']?([\w./-]*\w\.md)?["']?/i;
  for (let match = text.find(track, from, to); match; match = text.find(track, from, to)) {
    if (!/doc|log|\.md/i.test(match[0])) break;
    text.take(track, from, to);
    found.push({ at: match.index, action: { do: 'track', path: match[1] ?? null } });
  }
  const validate = /\bmark\s+(?:it|this|that|the (?:feature )?set)\s+as\s+validated(?:\s+(?:in|on)\s+(?:the |our )?(?:feature[- ])?registry)?/i;
  for (let match = text.take(validate, from, to); match; match = text.take(validate, from, to)) found.push({ at: match.index, action: { do: 'validate' } });
  const report = new RegExp(
    `\\b(?:(?:just |only )?(?:report|tell|show|post|give|let|summari[sz]e|say|stop|leave it|do nothing)\\b(?: back| so)?(?: (?:me|us))?(?: know)?(?: (?:its|the) [a-z]+_\\w+| ${what})?(?: (?:here|in (?:this|the) thread|there))?)(?= *[.,;]| and\\b|$| ?█)`,
    'i',
  );
  for (let match = text.take(report, from, to); match; match = text.take(report, from, to)) found.push({ at: match.index, action: { do: 'report' } });
  return found.sort((a, b) => a.at - b.at).map((f) => f.action);
}
