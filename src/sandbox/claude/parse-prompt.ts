import { EXPERIMENT, takeActions, takeBaseline, takeCompare, takeCondition, takeParameters, takeRun, takeThreshold, takeWait } from './clauses.ts';
import { parseFanOut } from './fan-out.ts';
import { parseWatched } from './parse-watched.ts';
import { type Action, type Understood, withParameters } from './plan.ts';
import { normalised, type PromptText, promptText } from './prompt-text.ts';

/**
 * Reads a prompt by rules. Whatever is understood is taken out of the text, and a plan is made only if nothing with a meaning is left:
 * a rule that skips what it does not know would run another experiment than the one that was asked for.
 */
export function parsePrompt(prompt: string): Understood {
  const repeated = parseRepeated(prompt);
  if (repeated) return repeated;
  const said = normalised(prompt);
  if (isThanks(said)) return { is: 'thanks' };
  if (greeting.test(said)) return { is: 'greeting' };
  if (schedule.test(said)) return { is: 'schedule' };
  if (production.test(said)) return { is: 'production' };
  return parseQuestion(said) ?? parseAgain(said) ?? parseWatched(said) ?? parseFanOut(said) ?? parseExperiment(said);
}

const schedule =
  /\b(every|each)\s+(other\s+)?(night|day|morning|evening|hour|week|weekend|month|\d+\s*(h|hours?|days?|minutes?|min)\b|(mon|tues|wednes|thurs|fri|satur|sun)day)|(?<![\w-])(nightly|hourly|daily|weekly|monthly|cron|on a schedule|recurring|regularly|schedule)(?![\w-])/i;

/** A step that production depends on. A job that merely belongs to production is the gate's to refuse, not ours to guess at. */
const production =
  /\b(?:deploy|promote|ship|roll(?:ing)? ?out|release|push|publish|serve)\b[^.!?]*\b(?:prod(?:uction)?|live|customers?|users|traffic)\b|\b(?:prod(?:uction)?)[ -](?:critical|pipeline|path|deployment|release)\b/i;

/** What a repetition is asked: one line of changes, and under it what was asked first. */
function parseRepeated(prompt: string): Understood | null {
  const [, line = '', first = ''] = /^(Run it again with [^\n]+)\. What was asked first:\n\n([\s\S]+)$/.exec(prompt) ?? [];
  const changes = line ? parseAgain(normalised(line)) : null;
  const before = changes ? parsePrompt(first) : null;
  if (changes?.is !== 'again') return null;
  if (before?.is === 'again') return { is: 'again', parameters: { ...before.parameters, ...changes.parameters } };
  return withParameters(before, changes.parameters) ?? before;
}

export function isThanks(said: string): boolean {
  return /^(?:(?:ok(?:ay)?|great|cool|nice|perfect|awesome|super|wonderful|good job|well done|amazing)[,.! ]*)*(?:(?:many |so much )?(?:thanks|thank you|thx|ty|cheers)(?: (?:a lot|so much|very much|labmate|all|everyone|team))*)?(?:[,.! ]+(?:(?:it |that |this )?looks (?:good|great|nice)|great|nice|well done|good job|perfect))*[.! :)🙏🎉👍]*$/iu.test(
    said,
  );
}

/** Said before anything is asked, or to hear what can be asked. */
const greeting =
  /^(?:(?:hi|hey|hello|good (?:morning|afternoon|evening))(?: (?:there|labmate|all|everyone))?|help(?: me)?|(?:and )?what (?:can|do) (?:you|i) (?:do|ask|understand|say)(?: here)?)[.!? ]*$/i;

const RUN_ID = '([0-9a-f]{32})';

function parseQuestion(said: string): Understood | null {
  const status =
    /^(?:what(?:'s| is) the )?(?:status|state) of (?:the )?(?:job |databricks )?run (\d{1,19})\??$|^how is (?:the )?run (\d{1,19})(?: doing)?\??$/i.exec(said);
  if (status) return { is: 'status', runId: status[1] ?? status[2] ?? '' };
  const best = new RegExp(
    `^(?:what(?:'s| is)|which is|find|show(?: me)?|get) (?:the )?best run (?:in|of) ${EXPERIMENT} (?:by|for|on) (?:its )?([A-Za-z]\\w*)\\s*\\??\\.?$`,
    'i',
  ).exec(said);
  if (best) return { is: 'best', experiment: best[1] ?? best[2] ?? best[3] ?? null, metric: best[4] ?? '' };
  const panel =
    /^(?:show|get|look at|fetch)(?: me)?(?: the)?(?: grafana)? panel (\d{1,9}) (?:of|in|on|from) (?:the )?(?:grafana )?(?:dashboard )?["']?([\w-]{1,64})["']?(?: dashboard)?(?: (?:for|over|of) the (?:last|past) (?:(\d{1,4}) )?(minute|hour|day|week)s?)?\??\.?$/i.exec(
      said,
    );
  if (panel)
    return {
      is: 'panel',
      id: panel[1] ?? '',
      dashboard: panel[2] ?? '',
      from: panel[4] ? `now-${panel[3] ?? 1}${panel[4].charAt(0).toLowerCase()}` : 'now-6h',
    };
  const compare = new RegExp(
    `^compare (?:the )?(?:runs? )?["']?${RUN_ID}["']? (?:to|with|and|against|vs\\.?) (?:run )?["']?${RUN_ID}["']?(?: (?:by|on) ([A-Za-z]\\w*))?\\.?$`,
    'i',
  ).exec(said);
  if (compare) {
    const [, candidate = '', runId = '', metric] = compare.map((part) => part);
    const plan = { metric: metric ?? null, direction: null, baseline: { is: 'run' as const, runId: runId.toLowerCase() }, threshold: null };
    return { is: 'compare', compare: plan, candidate: candidate.toLowerCase() };
  }
  return /^(?:which|what|list|show)(?: me)?(?: the| all)? (?:training |databricks )?jobs(?: are there| exist| do we have| can you run)?\??\.?$/i.test(said)
    ? { is: 'jobs' }
    : null;
}

/** `Run it again with feature_set=tiny`: the earlier request with these changes. */
function parseAgain(said: string): Understood | null {
  const text = promptText(said);
  const again =
    text.take(/\b(?:now )?(?:run|try|do|repeat|start|launch) (?:it|that|this|the same(?: (?:thing|experiment|one))?)(?: (?:again|once more|over))?\b/i) ??
    text.take(/\b(?:re-?run|repeat|again|once more|same(?: (?:thing|again|experiment|one))?)\b/i);
  if (!again) return null;
  const parameters = takeParameters(text);
  takeTalk(text);
  return text.leftovers().length === 0 ? { is: 'again', parameters } : null;
}

function parseExperiment(said: string): Understood {
  const text = promptText(said);
  const refused = unsupported(said);
  if (refused) return { is: 'unclear', left: [], why: refused };
  // Titles and comparisons first: a title may hold words that would be a clause elsewhere.
  text.take(/[.!,;]?\s*\b(?:many thanks|thanks|thank you|thx|cheers)(?: a lot| in advance)?[.! ]*$/i);
  const compared = takeCompare(text);
  const over = compared ? null : takeBaseline(text);
  const threshold = takeThreshold(text);
  const condition = takeCondition(text);
  const otherwise = text.take(
    /\b(?:otherwise|or else|else|if not|if it (?:does not|doesn't|did not|didn't)(?: improve)?|in any other case)\b/i,
    condition?.to ?? 0,
  );
  const branch = condition ? { from: condition.to, to: otherwise?.index ?? text.length } : null;
  const improved = branch ? takeActions(text, branch.from, branch.to) : [];
  const elseActions = otherwise ? takeActions(text, otherwise.index, text.length) : [];
  const always = takeActions(text, 0, condition?.from ?? text.length);
  const parameters = takeParameters(text);
  takeWait(text);
  text.take(/\b(?:fetch|get|read|collect)\s+(?:its|the)\s+(?:final |resulting )?metrics\b/i, 0, condition?.from ?? text.length);
  const { asked, job, config } = takeRun(text, condition?.from ?? text.length);
  const left = text.leftovers();
  if (left.length > 0 || !asked) return { is: 'unclear', left, why: asked || left.length > 0 ? null : 'I found no job to run in it.' };
  if (otherwise && !condition) return { is: 'unclear', left: ['otherwise'], why: null };
  const wrongWay = condition && againstDirection(condition.metric ?? compared?.metric ?? null, condition.down);
  if (wrongWay) return { is: 'unclear', left: [], why: wrongWay };
  if (condition && compared?.metric && condition.metric && condition.metric !== compared.metric)
    return { is: 'unclear', left: [], why: `The comparison is about ${compared.metric} and the condition about ${condition.metric}.` };
  const compare =
    condition || compared
      ? {
          metric: condition?.metric ?? compared?.metric ?? null,
          direction: condition?.down ? ('min' as const) : null,
          baseline: compared?.baseline ?? over ?? { is: 'best' as const, experiment: null },
          threshold: condition?.threshold ?? threshold,
        }
      : null;
  const real = (actions: Action[]) => actions.filter((action) => action.do !== 'report');
  return {
    is: 'experiment',
    plan: { run: { job, config, parameters }, compare, always: real(always), improved: real(improved), otherwise: real(elseActions) },
  };
}

function againstDirection(metric: string | null, down: boolean): string | null {
  const small = metric !== null && /loss|error|err\b|rmse|mae|mse|perplexity|latency/i.test(metric);
  if (down && !small) return `I can branch on an improvement only, and a lower ${metric ?? 'metric'} does not look like one.`;
  return null;
}

/** Instructions that look like ones we know and are not. */
function unsupported(said: string): string | null {
  if (/\b(?:drops?|falls?|goes|is|stays?|gets?)\s+(?:below|under|above|over)\s+\d/i.test(said))
    return 'I can branch on a comparison of two runs only, not on a limit for one of them.';
  if (/\b(?:unless|don't|do not|never|without)\b/i.test(said)) return 'It says what not to do, and I only follow what to do.';
  return null;
}

/** Whether the text holds nothing but changes of parameters: an answer, or a correction. */
export function parseChanges(said: string): Record<string, string> | null {
  const text: PromptText = promptText(normalised(said));
  const parameters = takeParameters(text);
  takeTalk(text);
  return Object.keys(parameters).length > 0 && text.leftovers().length === 0 ? parameters : null;
}

/** What people say around a change and what changes nothing in it: "yes, use … as well, thanks". */
function takeTalk(text: PromptText): void {
  const talk =
    /\b(?:use|take|try|make|set|change|and|please|also|add|include|plus|additionally|in addition|as well|too|instead|rather|yes|no|sorry|ok(?:ay)?|actually|i mean(?:t)?|what about|how about|thanks|thank you)\b/i;
  while (text.take(talk));
}
