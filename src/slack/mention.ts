import { z } from 'zod';
import { isDirect } from '../policy/direct.ts';
import { plainLine } from '../policy/model-words.ts';
import { plain } from '../policy/outside-text.ts';
import type { Command } from '../runtime/commands.ts';
import { isReview } from '../session/door.ts';
import { openCalls, type Session } from '../session/state.ts';
import { help } from './answers.ts';
import { notHere, readTyped } from './command.ts';
import { type Answer, type Desk, mayOpen, roleIn, standingOf, whoMaySteer } from './desk.ts';
import { idFrom } from './given.ts';
import type { Loops } from './loop-guard.ts';
import { dropMention, unescapeSlack } from './parse-command.ts';
import { saidCommand } from './said-command.ts';
import { store, whyNot } from './store.ts';
import { mayDecide, noted, underCard, WORDS_APPROVE_NOTHING } from './under-card.ts';
import { isServed } from './which-session.ts';

/** What we use of a `message` or `app_mention` event. One post can arrive as both, and either may come first. */
export const messageSchema = z.object({
  type: z.string(),
  subtype: z.string().optional(),
  bot_id: z.string().nullish(),
  bot_profile: z.unknown().optional(),
  user: z.string().optional(),
  user_team: z.string().optional(),
  text: z.string().catch(''),
  ts: z.string(),
  thread_ts: z.string().optional(),
  parent_user_id: z.string().optional(),
  channel: z.string(),
  channel_type: z.string().optional(),
});
type Heard = z.infer<typeof messageSchema> & { user: string };

/** Posts of people; a file with words and a reply that is also sent to the channel are posts too. */
const SUBTYPES = new Set([undefined, 'file_share', 'thread_broadcast']);

/** Thrown where an event could not be stored: it stays unacknowledged, and Slack sends it again. */
export class NotStored extends Error {}

/** Whether this is the first time: for what somebody is told once, and not at every message. */
export type Once = (key: string) => boolean;
type First = () => boolean;

/** Takes a post: opens a session, continues the one that lives in its thread, or leaves it alone. */
export async function onMessage(desk: Desk, event: z.infer<typeof messageSchema>, once: Once, loops: Loops): Promise<void> {
  if (!isOfAPerson(desk, event)) return;
  const { channel, user } = event;
  const direct = isDirect(channel);
  // Whatever is said in a direct message is said to us.
  const mentioned = direct || event.text.includes(`<@${desk.self.user}>`) || event.text.includes(`<@${desk.self.user}|`);
  if (!mentioned && event.thread_ts === undefined) return;
  const living = event.thread_ts === undefined ? null : await latestIn(desk, event.thread_ts, event);
  if (living?.opened.door === 'mcp') return underClient(desk, event, living, mentioned, once);
  // A card may stand where no experiments live: where its approvers are asked.
  if (!isServed(desk, channel) && (!living || living.opened.channel === channel)) {
    if (mentioned && once(`${channel}:${user}`)) whisper(desk, event, notHere(desk));
    return;
  }
  // A post may arrive as two events, and is answered once.
  const first = () => once(`answered:${channel}:${event.ts}`);
  if (living && living.opened.channel !== channel) return passOn(desk, event, living, mentioned, first);
  if (living?.ended && loops(`${channel}:${event.thread_ts}`, event.ts)) {
    if (once(`loop:${channel}:${event.thread_ts}:${user}`))
      whisper(desk, event, { text: 'This thread opens experiments faster than people write, so I leave its replies alone for a minute.' });
    return;
  }
  if (living) return continueSession(desk, event, living, mentioned, first);
  if (mayBecomeKnown(desk, event)) throw new NotStored('a reply came before it was known whose thread this is');
  if (mentioned) await open(desk, event, direct ? 'direct' : 'mention', first);
}

function isOfAPerson(desk: Desk, event: z.infer<typeof messageSchema>): event is Heard {
  if (!SUBTYPES.has(event.subtype) || event.bot_id || event.bot_profile) return false;
  return event.user !== undefined && event.user !== desk.self.user && (event.user_team ?? desk.self.team) === desk.self.team;
}

/** How long after its root a thread of ours may still be unknown: Slack has shown the root, and where it stands is not written down yet. */
const YOUNG_S = 60;

/** A reply to a young root of ours is left to Slack to send again; who posted it may have died before it could write down where. */
function mayBecomeKnown(desk: Desk, { thread_ts, parent_user_id, ts }: Heard): boolean {
  return thread_ts !== undefined && parent_user_id === desk.self.user && Number(ts) - Number(thread_ts) < YOUNG_S && Date.now() / 1000 - Number(ts) < YOUNG_S;
}

async function latestIn(desk: Desk, thread: string, { channel }: Heard): Promise<Session | null> {
  const id = await desk.reading.ofThread(desk.self.team, channel, thread);
  return id ? desk.reading.session(id) : null;
}

async function continueSession(desk: Desk, event: Heard, session: Session, mentioned: boolean, first: First): Promise<void> {
  // Slack sends an event again when it thinks we missed it; by then the session it opened or told may even have ended.
  if (session.id === sessionId(desk, event) || session.told.some((t) => t.ts === event.ts)) return;
  const { user, channel, ts } = event;
  const { standing, isHeard } = await roleIn(desk, session, user);
  // While it is only asked what becomes of its runs, a stopped session reads nothing more.
  if (session.ended || session.offer) {
    if (isHeard || mentioned) await open(desk, event, mentioned && !isDirect(channel) ? 'mention' : 'reply', first, session.id);
    return;
  }
  const text = words(desk, event);
  if (text === '') return;
  const kind = isHeard && standing !== 'asked' && isStop(session, text) ? 'stop' : 'message';
  const command: Command = { do: 'tell', session: session.id, by: user, text, ts, kind, standing: isHeard ? standing : 'other' };
  const stored = await store(desk, `msg:${desk.self.team}:${channel}:${ts}`, command);
  if (stored.is === 'closed') return open(desk, event, mentioned && !isDirect(channel) ? 'mention' : 'reply', first, session.id);
  if (stored.is === 'late' || stored.is === 'unsure') throw new NotStored('a message could not be stored in time');
  // The same post told by the other event has its answer; a stop shows by itself.
  if (stored.is !== 'stored' || kind === 'stop') return;
  desk.later(async () => {
    const is = (await mayDecide(desk, session, user)) ? 'approver' : isHeard ? 'steering' : 'other';
    const why = underCard(session, user, is) ?? (mentioned && !isHeard ? noted(session.opened.alias, session.opened.by) : null);
    if (why) whisper(desk, event, { text: why });
  });
}

/** Whoever says nothing but "stop" means the button; unless it is an answer that the model offered to choose. */
function isStop(session: Session, text: string): boolean {
  if (!/^\s*(?:please[,\s]+)?stop(?:\s+(?:it|this|now|please))?\s*[.!]*\s*$/i.test(text)) return false;
  const options = openCalls(session).flatMap((c) => (c.status.is === 'parked' && c.status.waiting.for === 'answer' ? c.status.waiting.options : []));
  // As its button has it.
  return !options.some((option) => plainLine(option).trim().toLowerCase() === text.trim().toLowerCase());
}

/** Something said under a card whose session lives elsewhere, in direct messages: what an approver says there is passed on; what is said in that session is not told here. */
async function passOn(desk: Desk, event: Heard, session: Session, mentioned: boolean, first: First): Promise<void> {
  const { user, channel, ts } = event;
  const text = words(desk, event);
  if (text === '' || session.told.some((t) => t.ts === ts)) return;
  const alias = plain(session.opened.alias);
  const { standing, may, isHeard } = await roleIn(desk, session, user);
  if (!isHeard) {
    if (mentioned && first()) whisper(desk, event, { text: may.ok ? whoMaySteer(desk, session, `say something to ${alias} here`) : may.why });
    return;
  }
  if (session.ended || session.stop) {
    if (first()) whisper(desk, event, { text: `${alias} is over, so nobody reads this. To begin another: /experiment` });
    return;
  }
  const stored = await store(desk, `msg:${desk.self.team}:${channel}:${ts}`, {
    do: 'tell',
    session: session.id,
    by: user,
    text,
    ts,
    kind: 'message',
    standing,
  });
  if (stored.is === 'late' || stored.is === 'unsure') throw new NotStored('a message could not be stored in time');
  if (stored.is === 'duplicate') return;
  desk.later(async () => {
    const passed = `Passed on to ${alias}, which <@${session.opened.by}> talks to in direct messages. It is read once the question here is decided.`;
    const hint = (await mayDecide(desk, session, user)) ? ` ${WORDS_APPROVE_NOTHING}` : '';
    whisper(desk, event, { text: whyNot(stored) ?? `${passed}${hint}` });
  });
}

/** Something said under a card of an MCP client: no model reads along there. Whoever expects to be heard is told, once a card. */
async function underClient(desk: Desk, event: Heard, session: Session, mentioned: boolean, once: Once): Promise<void> {
  if (!mentioned && (await standingOf(desk, session, event.user)) === 'other') return;
  if (!once(`client:${event.channel}:${event.thread_ts}:${event.user}`)) return;
  const alias = plain(session.opened.alias);
  const whose = isReview(session) ? 'labmate itself asks this' : 'an MCP client asks this, and it does not read Slack';
  whisper(desk, event, {
    text: `Nobody reads replies here: ${whose} (${alias}). Decide on the card; what you write as the reason of a denial is passed on. To stop all of it: /experiment stop ${alias}`,
  });
}

async function open(desk: Desk, event: Heard, door: 'mention' | 'direct' | 'reply', first: First, after?: string): Promise<void> {
  const { channel, user, ts } = event;
  const may = await mayOpen(desk, user);
  if (!may.ok) return first() ? whisper(desk, event, { text: may.why }) : undefined;
  const prompt = words(desk, event);
  if (prompt === '' || /^help$/i.test(prompt)) return first() ? whisper(desk, event, help()) : undefined;
  // What is said in a thread goes on with it; a post of its own may say what stands after /experiment elsewhere.
  const typed = door !== 'reply' && event.thread_ts === undefined ? await readTyped(desk, event.text) : null;
  // Behind a mention "find a better learning rate" is an experiment; nobody puts one into quotation marks.
  if (typed && typed.is !== 'prompt' && !(door === 'mention' && typed.is === 'find' && !typed.phrase))
    return first() ? whisper(desk, event, await saidCommand(desk, event, typed)) : undefined;
  const quoted = door !== 'reply' && event.thread_ts !== undefined && after === undefined ? await soFar(desk, event) : undefined;
  const command: Command = {
    do: 'open',
    session: sessionId(desk, event),
    team: desk.self.team,
    channel,
    thread: event.thread_ts ?? ts,
    by: user,
    prompt,
    door,
    ...(quoted ? { quoted } : {}),
    ...(after ? { after } : {}),
  };
  const stored = await store(desk, `msg:${desk.self.team}:${channel}:${ts}`, command);
  if (stored.is === 'late' || stored.is === 'unsure') throw new NotStored('a mention could not be stored in time');
  const why = whyNot(stored);
  if (why && first()) whisper(desk, event, { text: why });
}

/** Named by the post that opens it: the same post, however often it arrives, opens one session. */
function sessionId(desk: Desk, { channel, ts }: Heard): string {
  return idFrom(desk.self.team, channel, ts);
}

function words(desk: Desk, { text }: Heard): string {
  const own = dropMention(text, desk.self.user);
  return unescapeSlack(own).trim() === '' ? '' : unescapeSlack(own);
}

/** The thread before the mention, quoted for the model; a mention is not lost because Slack could not show it. */
export async function soFar(
  desk: Desk,
  { channel, thread_ts, ts }: { channel: string; thread_ts?: string | undefined; ts: string },
): Promise<{ by: string; text: string; ts: string }[] | undefined> {
  try {
    const all = await desk.slack.replies({ channel, thread: thread_ts ?? ts }, AbortSignal.timeout(900));
    const before = all.filter((m) => Number(m.ts) < Number(ts)).slice(-30);
    return before.map((m) => ({ by: m.user ?? 'an app', text: unescapeSlack(m.text).slice(0, 2_000), ts: m.ts }));
  } catch (error) {
    desk.log.warn({ channel, why: String(error) }, 'the thread before a mention could not be read');
    return undefined;
  }
}

function whisper(desk: Desk, { channel, user, thread_ts }: Heard, answer: Answer): void {
  if (answer.text === '') return;
  desk.later(() => desk.slack.whisper({ channel, user, ...(thread_ts ? { thread: thread_ts } : {}), ...answer }));
}
