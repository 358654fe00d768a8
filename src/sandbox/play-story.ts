import { existsSync, readFileSync } from 'node:fs';
import type { SandboxMessage } from './control-types.ts';
import { wordsOf } from './print-thread.ts';
import type { Scenario } from './scenario.ts';
import { interactiveElements, isJson } from './slack/messages.ts';
import type { Stage } from './stage.ts';
import { firstWords, type Story, type StoryAct, steady, storySchema } from './story.ts';

/** A saved story as a scenario: the same people do the same, and the thread must come out the same. */
export function storyScenario(file: string): Scenario {
  if (!existsSync(file)) throw new Error(`There is no story ${file}. The sandbox page saves one: open a thread, "Save as a test".`);
  const read = storySchema.safeParse(parsed(readFileSync(file, 'utf8')));
  if (!read.success) throw new Error(`${file} is no story of the sandbox: ${read.error.issues[0]?.path.join('.')}: ${read.error.issues[0]?.message}.`);
  const story = read.data;
  return { name: story.name, about: `The story kept in ${file}.`, play: (stage) => play(stage, story) };
}

async function play(stage: Stage, story: Story): Promise<void> {
  const [first, ...acts] = story.acts;
  if (first) await begin(stage, story, first);
  for (const act of acts) await follow(stage, story, act);
  let difference = 'nothing';
  await stage
    .until('the thread of the story', async () => {
      difference = differs(story, await stage.thread()) ?? '';
      return difference === '';
    })
    .catch(() => {
      throw new Error(`The thread is not the one of the story. ${difference}`);
    });
}

async function begin(stage: Stage, { channel }: Story, act: StoryAct): Promise<void> {
  if (act.do === 'command' && act.text !== '') return stage.begin({ as: act.as, do: 'command', command: '/experiment', text: act.text, channel });
  if (act.do === 'say') return stage.begin({ as: act.as, do: 'say', text: act.text, channel });
  if (act.do === 'command') return void (await stage.act({ as: act.as, do: 'command', command: '/experiment', text: '', channel }));
  throw new Error(`A story begins with a command or a post, not with ${act.do}.`);
}

async function follow(stage: Stage, { channel }: Story, act: StoryAct): Promise<void> {
  const { as } = act;
  const { after } = 'after' in act ? act : { after: null };
  if (after !== null) await stage.untilThread(`"${after}"`, (thread) => thread.some((m) => m.bot && firstWords(m) === after));
  switch (act.do) {
    case 'command':
      return void (await stage.act({ as, do: 'command', command: '/experiment', text: act.text, channel }));
    case 'say':
      return void (await stage.act({ as, do: 'say', text: act.text, channel, thread: stage.root() }));
    case 'click': {
      const what = `a button ${act.label} at "${act.on}"`;
      const { message, value } = await stage.until(what, async () => button(await stage.thread(), act) ?? button(await stage.everywhere(), act));
      return void (await stage.act({ as, do: 'click', channel: message.channel, ts: message.ts, actionId: act.action, value }));
    }
    case 'edit':
    case 'delete': {
      const { ts } = await stage.untilThread(`"${act.on}"`, (thread) => thread.findLast((m) => m.user === act.of && firstWords(m) === act.on));
      return void (await stage.act(act.do === 'edit' ? { as, do: 'edit', channel, ts, text: act.text } : { as, do: 'delete', channel, ts }));
    }
    case 'stop': {
      const press = () => stage.act({ as, do: 'stop', channel, thread: stage.root() });
      return void (await stage.until("Slack's own stop button", () => press().catch(() => null)));
    }
    case 'submit': {
      const modal = await stage.until(`the form ${act.form}`, async () =>
        (await stage.forms(as)).find((m) => isJson(m.view) && m.view['callback_id'] === act.form),
      );
      const submitted = { as, do: 'submit', modal: modal.id, values: act.values } as const;
      return stage.root() === '' ? stage.begin(submitted) : void (await stage.act(submitted));
    }
    case 'shortcut':
      return void (await stage.act({ as, do: 'shortcut', callbackId: act.shortcut, channel, ts: stage.root() }));
    default:
      return act satisfies never;
  }
}

function button(thread: SandboxMessage[], { action, label, on }: Extract<StoryAct, { do: 'click' }>) {
  for (const message of thread.toReversed()) {
    if (firstWords(message) !== on) continue;
    const found = interactiveElements(message.blocks).find(({ element }) => element['action_id'] === action && labelled(element, label));
    if (found) return { message, value: typeof found.element['value'] === 'string' ? found.element['value'] : undefined };
  }
  return null;
}

function labelled(element: Record<string, unknown>, label: string): boolean {
  return label === '' || (isJson(element['text']) && element['text']['text'] === label);
}

/** The first message that is another one than the story has, in words; null where there is none. */
function differs(story: Story, thread: SandboxMessage[]): string | null {
  for (const [i, { user, words }] of story.thread.entries()) {
    const message = thread[i];
    if (!message) return `Message ${i + 1} of ${story.thread.length} is missing: "${words.slice(0, 200)}"`;
    const now = steady(wordsOf(message));
    if (message.user !== user) return `Message ${i + 1} is ${message.user}'s, not ${user}'s.`;
    if (now !== words) return `Message ${i + 1}, ${firstDifference(words, now)}`;
  }
  return thread.length > story.thread.length ? `There are ${thread.length - story.thread.length} messages more than in the story.` : null;
}

function firstDifference(was: string, is: string): string {
  const before = was.split('\n');
  const now = is.split('\n');
  const at = before.findIndex((line, i) => line !== now[i]);
  const line = at < 0 ? before.length : at;
  return `line ${line + 1}: the story has "${before[line] ?? ''}", now it is "${now[line] ?? ''}".`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
