import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type Called, type Conversation, type Got, readConversation } from './conversation.ts';
import { walkOf } from './errands.ts';
import { quoted } from './findings.ts';
import type { Answer, Reply } from './messages-types.ts';
import { parseChanges, parsePrompt } from './parse-prompt.ts';
import { type Understood, withParameters } from './plan.ts';
import type { Ask } from './walk.ts';

const WHO = "I'm the sandbox's rule-based stand-in, not Claude.";

/** Answers like a model that plans by fixed rules: it looks at nothing but the request, branches on real results, and says what it is. */
export const planner: Answer = (request): Reply => {
  const talk = readConversation(request);
  const { understood, calls, heard } = whatIsWanted(talk);
  const walk = walkOf(understood, talk.defaults);
  const left = [...calls];
  let step = walk.next([]);
  while (!step.done) {
    const results = step.value.calls.map((ask) => takeResult(ask, left));
    if (results.every((got) => got !== null)) {
      step = walk.next(results);
      continue;
    }
    const missing = step.value.calls.find(({ tool }) => !talk.tools.has(tool));
    if (missing) return say(talk, heard, `${step.value.say}\nThere is no ${missing.tool} here, so I stop.`, []);
    return say(talk, heard, step.value.say, step.value.calls);
  }
  return say(talk, heard, step.value, []);
};

/** What stands to be done after all that was said: the request, as later messages replaced or changed it. `heard`: what was said on the way and changes nothing. */
function whatIsWanted(talk: Conversation): { understood: Understood; calls: Called[]; heard: string[] } {
  let plan = earlierPlan(talk.earlier);
  // A change is one of the last plan, whatever was said since.
  const read = (message: string) => {
    const next = plan ? revised(plan, message) : parsePrompt(message);
    if (startsRuns(next)) plan = next;
    return { message, next };
  };
  const changesNothing = (all: readonly Read[]) => all.filter(({ next }) => !startsRuns(next)).map(({ message }) => message);
  let { next: understood } = read(talk.prompt);
  let calls: Called[] = [];
  const early = talk.early.map(read);
  understood = early.findLast(({ next }) => startsRuns(next))?.next ?? understood;
  let heard = changesNothing(early);
  for (const turn of talk.turns) {
    calls.push(...turn.calls);
    heard = turn.messages;
    const ended = turn.calls.length === 0;
    if (turn.messages.length === 0 || (!ended && !turn.calls.some(isWithdrawn))) continue;
    // Calls that stand are not made again when a card was withdrawn for a change; after an end everything is new.
    calls = ended ? [] : calls.filter((call) => !isWithdrawn(call));
    const all = turn.messages.filter((message) => !isPlanAnew(message)).map(read);
    // Thanks beside a change are no other wish.
    understood = (all.findLast(({ next }) => next.is !== 'thanks') ?? (ended ? all.at(-1) : undefined))?.next ?? understood;
    heard = startsRuns(understood) ? changesNothing(all) : [];
  }
  return { understood, calls, heard };
}

type Read = { message: string; next: Understood };

/** A message that says what to run, and not one in between. */
function startsRuns({ is }: Understood): boolean {
  return is === 'experiment' || is === 'watched' || is === 'fan-out';
}

function isWithdrawn({ got }: Called): boolean {
  return got.data['status'] === 'withdrawn' || /^withdrawn\b/i.test(got.text);
}

/** What "Plan again" says by itself where nothing was added: what was said before it stands. */
function isPlanAnew(message: string): boolean {
  return /^\s*plan (?:again|anew,) with what i wrote\.?\s*$/i.test(message);
}

function revised(before: Understood, message: string): Understood {
  const parameters = parseChanges(message);
  return following(parameters ? { is: 'again', parameters } : parsePrompt(message), before);
}

/** "Run it again with ..." means the plan before it, with these changes. */
function following(understood: Understood, before: Understood | null): Understood {
  if (understood.is !== 'again') return understood;
  // What could not be understood is not there to be repeated, and says so itself.
  return withParameters(before, understood.parameters) ?? (before?.is === 'unclear' ? before : understood);
}

/** Earlier requests of the thread stand to the letter in what is told of them, each in a fence under its own heading: the first, as those after it changed it. */
function earlierPlan(told: string | null): Understood | null {
  const asked = [...(told ?? '').matchAll(/^## What was asked\n+(`{3,})\w*\n([\s\S]*?)\n\1$/gm)].map((found) => found[2] ?? '');
  return asked.reduce<Understood | null>((before, prompt) => {
    if (!before) return parsePrompt(prompt);
    const next = revised(before, prompt);
    return startsRuns(next) ? next : before;
  }, null);
}

/** Each result answers one question; asking the same again (waiting on, after an interruption) takes the next one. */
function takeResult(ask: Ask, left: Called[]): Got | null {
  const at = left.findIndex((called) => called.tool === ask.tool && isDeepStrictEqual(called.input, ask.input));
  return at < 0 ? null : (left.splice(at, 1)[0]?.got ?? null);
}

function say(talk: Conversation, heard: readonly string[], text: string, calls: Ask[]): Reply {
  const before = talk.turns.length === 0 ? [WHO] : [];
  const words = [...before, ...answersTo(heard), text].filter((part) => part.trim() !== '').join('\n');
  return {
    content: [
      { type: 'text', text: words || 'Done.' },
      ...calls.map(({ tool, input }) => ({ type: 'tool_use' as const, id: `toolu_${randomBytes(12).toString('hex')}`, name: tool, input })),
    ],
  };
}

/** What was said on the way is answered; what it asks for has to wait. */
function answersTo(heard: readonly string[]): string[] {
  const thanks = heard.filter((message) => parsePrompt(message).is === 'thanks');
  const others = heard.filter((message) => !thanks.includes(message));
  const read = others.map((message) => quoted(message)).join(' and ');
  return [
    ...(thanks.length > 0 ? ["You're welcome."] : []),
    ...(read ? [`I read ${read}, which changes nothing now: I follow fixed rules. Say it again once this has ended, or stop it first.`] : []),
  ];
}
