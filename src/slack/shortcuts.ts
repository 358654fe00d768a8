import { z } from 'zod';
import { plain } from '../policy/outside-text.ts';
import { notHere } from './command.ts';
import { type Answer, type Desk, mayChange } from './desk.ts';
import { idFrom } from './given.ts';
import { soFar } from './mention.ts';
import { dropMention, unescapeSlack } from './parse-command.ts';
import { type Settled, store, whyNot } from './store.ts';
import { isServed, threadUrl } from './which-session.ts';

/** What we use of the message shortcut. */
export const shortcutSchema = z.object({
  team: z.object({ id: z.string() }),
  channel: z.object({ id: z.string() }),
  user: z.object({ id: z.string() }),
  message: z.object({ ts: z.string(), thread_ts: z.string().optional(), text: z.string().catch('') }),
  trigger_id: z.string(),
  response_url: z.string().catch(''),
});

/** Runs a message as an experiment, in that message's thread. Answers privately. */
export async function onShortcut(
  desk: Desk,
  { team, channel, user, message, trigger_id }: z.infer<typeof shortcutSchema>,
): Promise<Answer & { settled?: Settled }> {
  if (team.id !== desk.self.team) return { text: 'This app belongs to another workspace.' };
  if (!isServed(desk, channel.id)) return notHere(desk);
  const prompt = unescapeSlack(dropMention(message.text, desk.self.user));
  if (prompt.trim() === '') return { text: 'This message has no words that could be an experiment.' };
  const thread = message.thread_ts ?? message.ts;
  const [may, busy, quoted] = await Promise.all([
    mayChange(desk, user.id),
    atWorkIn(desk, channel.id, thread),
    thread === message.ts ? undefined : soFar(desk, { channel: channel.id, thread_ts: thread, ts: message.ts }),
  ]);
  if (!may.ok) return { text: may.why };
  if (busy) return { text: busy };
  const stored = await store(desk, `cut:${trigger_id}`, {
    do: 'open',
    session: idFrom(team.id, channel.id, trigger_id),
    team: team.id,
    channel: channel.id,
    thread,
    by: user.id,
    prompt,
    door: 'shortcut',
    ...(quoted ? { quoted } : {}),
  });
  return { text: whyNot(stored) ?? 'Opened, in the thread of that message.', ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}

/** Two experiments in one thread would both answer every reply there. */
async function atWorkIn(desk: Desk, channel: string, thread: string): Promise<string | null> {
  const id = await desk.reading.ofThread(desk.self.team, channel, thread);
  const living = id ? await desk.reading.session(id) : null;
  if (!living || living.ended) return null;
  const url = await threadUrl(desk, living.id);
  return `Nothing was opened: ${plain(living.opened.alias)} is at work in that thread. Reply there to go on with it.${url ? ` Open it: ${url}` : ''}`;
}
