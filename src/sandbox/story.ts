import { z } from 'zod';
import type { Act, SandboxMessage } from './control-types.ts';
import { wordsOf } from './print-thread.ts';
import type { Acted } from './slack/act.ts';
import { findMessage, interactiveElements, isJson } from './slack/messages.ts';
import { findModal } from './slack/modals.ts';
import type { SlackStandIn } from './slack/slack-stand-in.ts';

const as = z.string().min(1);
const on = z.string();
/** What labmate had said last in the thread; null where it had said nothing. */
const after = z.string().nullable();

/** What people did, without anything that is another one next time: buttons are named by the words around them. */
const storyActSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('command'), as, text: z.string() }),
  z.strictObject({ do: z.literal('say'), as, text: z.string(), after }),
  z.strictObject({ do: z.literal('click'), as, action: z.string(), label: z.string(), on }),
  z.strictObject({ do: z.literal('submit'), as, form: z.string(), values: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  z.strictObject({ do: z.literal('shortcut'), as, shortcut: z.string(), on }),
  /** `of`: whose message it is. */
  z.strictObject({ do: z.literal('edit'), as, of: as, on, text: z.string(), after }),
  z.strictObject({ do: z.literal('delete'), as, of: as, on, after }),
  /** Slack's own stop button. */
  z.strictObject({ do: z.literal('stop'), as, after }),
]);
export const storySchema = z.strictObject({
  labmate: z.literal('story'),
  v: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  channel: z.string(),
  acts: z.array(storyActSchema).min(1),
  /** The thread at its end, message by message. */
  thread: z.array(z.strictObject({ user: z.string(), words: z.string() })).min(1),
});
export type Story = z.infer<typeof storySchema>;
export type StoryAct = z.infer<typeof storyActSchema>;

/** `session`: whose message it was about, where that stands in no thread of the session's own. */
type Seen = { what: StoryAct; as: string; thread: string | null; session: string | null; ts: string | null; newest: string };

export type StoryRecorder = {
  /** Lets a person act, and remembers what it was about. */
  act(what: Act): Promise<Acted>;
  /** A thread as a story; an Error with a sentence where its beginning was not seen. */
  tell(channel: string, thread: string, name?: string | undefined): Story;
  forget(): void;
};

/** Looks over people's shoulders, so that any thread can be kept as a test afterwards. */
export function recordStories(slack: SlackStandIn): StoryRecorder {
  const { world } = slack;
  let seen: Seen[] = [];
  const threadOf = (message: SandboxMessage) => message.threadTs ?? message.ts;
  const lastWords = (channel: string, thread: string) => {
    const last = world.data.messages.findLast((m) => m.channel === channel && m.bot && m.onlyFor === null && m.threadTs === thread);
    return last ? firstWords(last) : null;
  };

  /** What an act was, as a story says it: looked at before it happens, because a click may take its own button away. */
  function look(what: Act): (Omit<Seen, 'ts' | 'newest' | 'session'> & { about?: SandboxMessage }) | null {
    const by = { as: what.as };
    switch (what.do) {
      case 'command':
        return { ...by, what: { do: 'command', ...by, text: what.text }, thread: null };
      case 'say':
        return {
          ...by,
          what: { do: 'say', ...by, text: what.text, after: what.thread ? lastWords(what.channel, what.thread) : null },
          thread: what.thread ?? null,
        };
      case 'click': {
        const message = findMessage(world, what.channel, what.ts);
        if (!message || what.view) return null;
        const { actionId, value } = what;
        const buttons = interactiveElements(message.blocks).filter(({ element }) => element['action_id'] === actionId);
        const button = buttons.find(({ element }) => value === undefined || element['value'] === value) ?? buttons[0];
        const click = { do: 'click' as const, ...by, action: actionId, label: labelOf(button?.element), on: firstWords(message) };
        return { ...by, what: click, thread: threadOf(message), about: message };
      }
      case 'submit': {
        const modal = findModal(world, what.modal);
        const form = String(modal?.view['callback_id'] ?? '');
        return { ...by, what: { do: 'submit', ...by, form, values: what.values }, thread: seen.findLast((s) => s.as === what.as)?.thread ?? null };
      }
      case 'shortcut': {
        const message = what.channel && what.ts ? findMessage(world, what.channel, what.ts) : null;
        return message ? { ...by, what: { do: 'shortcut', ...by, shortcut: what.callbackId, on: firstWords(message) }, thread: threadOf(message) } : null;
      }
      case 'edit':
      case 'delete': {
        const message = findMessage(world, what.channel, what.ts);
        if (!message) return null;
        const thread = threadOf(message);
        const about = { ...by, of: message.user, on: firstWords(message), after: lastWords(what.channel, thread) };
        return { ...by, what: what.do === 'edit' ? { do: 'edit', ...about, text: what.text } : { do: 'delete', ...about }, thread, about: message };
      }
      case 'stop':
        return { ...by, what: { do: 'stop', ...by, after: lastWords(what.channel, what.thread) }, thread: what.thread };
      // Looking is nothing that changes a thread.
      case 'close':
      case 'home':
        return null;
      default:
        return what satisfies never;
    }
  }

  return {
    async act(what) {
      const looked = look(what);
      const newest = world.data.messages.at(-1)?.ts ?? '';
      const session = looked?.about ? sessionOf(looked.about) : null;
      const acted = await slack.act(what);
      if (looked && acted.ok) seen.push({ what: looked.what, as: looked.as, thread: looked.thread, session, ts: acted.ts ?? null, newest });
      return acted;
    },
    tell(channel, thread, name) {
      const messages = world.data.messages.filter((m) => m.channel === channel && m.onlyFor === null && (m.ts === thread || m.threadTs === thread));
      const root = messages.find((m) => m.ts === thread);
      if (!root) throw new Error('There is no such thread in this channel.');
      const begun = root.bot ? opening(seen, root) : seen.filter((s) => s.what.do === 'say' && s.ts === thread);
      if (begun.length === 0) throw new Error('This thread began before this sandbox was started, so nobody saw how. Start one anew and save that.');
      // A card may stand where its approvers are, and not in the thread it is about.
      const sessions = new Set(messages.map(sessionOf).filter((id) => id !== null));
      const within = seen.filter((s) => (s.thread === thread || (s.session !== null && sessions.has(s.session))) && !begun.includes(s));
      return {
        labmate: 'story',
        v: 1,
        name: slug(name ?? begun[0]?.what ?? ''),
        channel,
        acts: [...begun, ...within].map((s) => s.what),
        thread: messages.map((m) => ({ user: m.user, words: steady(wordsOf(m)) })),
      };
    },
    forget() {
      seen = [];
    },
  };
}

/** What opened a thread that labmate began: the last command before it whose words stand in it, or a form and what brought it up. */
function opening(seen: Seen[], root: SandboxMessage): Seen[] {
  const before = seen.filter((s) => s.newest < root.ts && s.thread === null && s.what.do !== 'say');
  const words = wordsOf(root);
  const named = before.findLast((s) => s.what.do === 'command' && s.what.text !== '' && words.includes(s.what.text.slice(0, 24)));
  const form = before.findLast((s) => s.what.do === 'submit');
  if (form && (!named || named.newest < form.newest)) return before.filter((s) => s.as === form.as).slice(-2);
  return named ? [named] : [];
}

/** The session a message of ours is marked with. */
function sessionOf({ metadata }: Pick<SandboxMessage, 'metadata'>): string | null {
  const payload = isJson(metadata) ? metadata['event_payload'] : null;
  return isJson(payload) && typeof payload['session'] === 'string' ? payload['session'] : null;
}

function labelOf(element: unknown): string {
  const text = isJson(element) ? element['text'] : null;
  return isJson(text) ? String(text['text']) : '';
}

/** A message by its beginning: enough to find it again. */
export function firstWords(message: SandboxMessage): string {
  return (
    steady(wordsOf(message))
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.slice(0, 120) ?? ''
  );
}

/** Words without what is another one each time: ids, hashes, addresses, times, durations, counts of lines. */
export function steady(text: string): string {
  return text
    .replace(/\bhttps?:\/\/[^\s)>|]+/g, '(link)')
    .replace(/\be-[0-9a-z]{4,}\b/g, 'e-…')
    .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b…?/g, '…')
    .replace(/(?<=[a-z…]-)[0-9a-f]{6}\b/g, '…')
    .replace(/\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?(?: UTC|Z)?/g, '(time)')
    .replace(/\b\d{1,2}:\d\d(?::\d\d)?(?: UTC)?\b/g, '(time)')
    .replace(/\b\d+(?:\.\d+)?(?: ?(?:ms|s|min|h|d)\b| (?:seconds?|minutes?|hours?|days?)\b)/g, '(duration)')
    .replace(/\b\d+ (lines?|tokens?)\b/g, '… $1')
    .replace(/#\d+\b/g, '#…');
}

function slug(from: string | StoryAct): string {
  const words = typeof from === 'string' ? from : 'text' in from ? from.text : from.do;
  return (
    words
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 40)
      .replace(/-$/, '') || 'story'
  );
}
