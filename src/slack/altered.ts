import { z } from 'zod';
import { plain } from '../policy/outside-text.ts';
import type { Command } from '../runtime/commands.ts';
import type { Session } from '../session/state.ts';
import { type Desk, roleIn } from './desk.ts';
import { idFrom } from './given.ts';
import { NotStored } from './mention.ts';
import { dropMention, unescapeSlack } from './parse-command.ts';
import { store } from './store.ts';
import { isServed } from './which-session.ts';

const post = z.object({
  subtype: z.string().optional(),
  user: z.string().optional(),
  bot_id: z.string().nullish(),
  text: z.string().catch(''),
  ts: z.string(),
  thread_ts: z.string().optional(),
  edited: z.object({ ts: z.string() }).optional(),
});
const changed = z.object({ subtype: z.literal('message_changed'), channel: z.string(), ts: z.string(), message: post, previous_message: post.optional() });
const deleted = z.object({
  subtype: z.literal('message_deleted'),
  channel: z.string(),
  ts: z.string(),
  deleted_ts: z.string().optional(),
  previous_message: post.optional(),
});
type Altered = z.infer<typeof changed> | { subtype: 'message_deleted'; channel: string; ts: string; previous_message: z.infer<typeof post> };
/** What we use of `message_changed` and `message_deleted`. */
export const alteredSchema = z.discriminatedUnion('subtype', [changed, deleted]).transform(asDeletion);

/** A post with replies is not taken away: Slack puts a tombstone in its place, and calls it a change. What stood there is not always told: then nobody is named. */
function asDeletion(event: z.infer<typeof changed> | z.infer<typeof deleted>): Altered {
  const { channel, ts, previous_message: before } = event;
  if (event.subtype === 'message_deleted') return { subtype: 'message_deleted', channel, ts, previous_message: before ?? bare(event.deleted_ts ?? '') };
  if (event.message.subtype !== 'tombstone') return event;
  return { subtype: 'message_deleted', channel, ts, previous_message: before ?? { ...bare(event.message.ts), thread_ts: event.message.thread_ts } };
}

/** No thread is told either: then only a post that a thread begins with is found, as what is inside threads is not looked up by its own time. */
function bare(ts: string): z.infer<typeof post> {
  return { ts, text: '' };
}

/**
 * Somebody edited a post or took it back. Where it spoke to a session that goes on, the model is told: what it has not read yet it reads as it stands now. The record
 * keeps the words as they were. A message of ours that is gone is posted again where something can still be decided on it.
 */
export async function onAltered(desk: Desk, event: Altered): Promise<void> {
  const { channel } = event;
  const about = event.subtype === 'message_changed' ? event.message : event.previous_message;
  // Each of our own edits comes back as such an event.
  const ours = about.user === desk.self.user || Boolean(about.bot_id);
  if (ours && (event.subtype === 'message_changed' || about.user !== desk.self.user)) return;
  const id = await desk.reading.ofThread(desk.self.team, channel, about.thread_ts ?? about.ts);
  if (!id) return;
  if (ours) return desk.gone?.(desk.self.team, id, about.ts);
  const session = await desk.reading.session(id);
  const user = about.user ?? (session ? authorOf(session, channel, about.ts, desk.self.team) : null);
  // Nobody who is known to the session wrote it: where it is none of ours either, nothing comes of this.
  if (!user) return event.subtype === 'message_deleted' ? desk.gone?.(desk.self.team, id, about.ts) : undefined;
  // Under a card words may stand where no experiments live.
  if (session?.opened.channel === channel && !isServed(desk, channel)) return;
  const before = session ? wordsSaid(session, channel, about.ts, desk.self.team) : null;
  if (!session || before === null) return;
  const text = event.subtype === 'message_changed' ? unescapeSlack(dropMention(about.text, desk.self.user)) : '';
  // Slack also calls it a change when a link unfolds.
  if (event.subtype === 'message_changed' && (text === before || text.trim() === '')) return;
  await tell(desk, session, user, event, about, text);
}

async function tell(desk: Desk, session: Session, user: string, event: Altered, about: z.infer<typeof post>, text: string): Promise<void> {
  const { standing, isHeard } = await roleIn(desk, session, user);
  const kind = event.subtype === 'message_changed' ? 'edit' : 'delete';
  const whisper = (words: string) =>
    desk.later(() =>
      desk.slack.whisper({ channel: event.channel, user, thread: about.thread_ts ?? about.ts, text: `${words} ${plain(session.opened.alias)}` }),
    );
  const over = () => (isHeard ? whisper('Nobody reads what you changed any more; write a reply to go on after') : undefined);
  if (session.ended || session.offer || session.stop) return over();
  const command: Command = { do: 'tell', session: session.id, by: user, text, ts: event.ts, kind, of: about.ts, standing: isHeard ? standing : 'other' };
  const key =
    kind === 'edit'
      ? `edit:${desk.self.team}:${event.channel}:${about.ts}:${about.edited?.ts ?? event.ts}`
      : `gone:${desk.self.team}:${event.channel}:${about.ts}`;
  const stored = await store(desk, key, command);
  if (stored.is === 'late' || stored.is === 'unsure') throw new NotStored('a changed message could not be stored in time');
  if (stored.is === 'closed') return over();
  if (stored.is === 'stored' && kind === 'delete' && about.ts === opening(session, event.channel, desk.self.team))
    whisper('The message that asked for it is gone, but the experiment goes on. To stop it: /experiment stop');
}

/** What this post has said to the session so far, as the model would read it; null where it said nothing to it. */
function wordsSaid(session: Session, channel: string, ts: string, team: string): string | null {
  const said = session.told.findLast((t) => t.ts === ts || t.of === ts);
  if (said) return said.kind === 'delete' ? null : said.text;
  return ts === opening(session, channel, team) ? session.opened.prompt : null;
}

/** Who said this to the session, by its own record. */
function authorOf(session: Session, channel: string, ts: string, team: string): string | null {
  return session.told.find((t) => t.ts === ts)?.by ?? (ts === opening(session, channel, team) ? session.opened.by : null);
}

/** The post that opened the session, where one did. */
function opening({ id, opened }: Session, channel: string, team: string): string | null {
  if (opened.thread !== null && opened.door === 'shortcut') return opened.thread;
  const prefix = `${idFrom(team, channel)}-`;
  return opened.door === 'mention' || opened.door === 'direct' || opened.door === 'reply' ? id.slice(prefix.length) : null;
}
