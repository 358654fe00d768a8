import type { Act } from '../control-types.ts';
import { compose } from './compose.ts';
import { changedEvent, type Emit, sessionStoppedEvent } from './events.ts';
import { asSlackMessage, editMessage, findMessage } from './messages.ts';
import { removeMessage, TOMBSTONE } from './remove.ts';
import type { Message, World } from './world.ts';

type Parts = { world: World; emit: Emit };
type Altered = { ok: boolean; error?: string; ts?: string };
type Altering = Extract<Act, { do: 'edit' | 'delete' }>;

/** Edits or takes back a message: one's own, or, as admins may, the app's. */
export function alter({ world, emit }: Parts, what: Altering): Altered {
  const message = findMessage(world, what.channel, what.ts);
  if (!message || !sees(message, what.as)) return no(`${what.as} sees no message ${what.ts} in ${what.channel}`);
  if (what.do === 'delete') {
    if ((message.user !== what.as && !message.bot) || message.subtype === TOMBSTONE) return no('cant_delete_message');
    removeMessage(world, message, emit);
    return { ok: true };
  }
  if (message.user !== what.as) return no('cant_update_message');
  if (what.text.trim() === '') return no('an empty message cannot be sent');
  const before = asSlackMessage(world, message);
  editMessage(world, message, { text: compose(world, what.text) });
  emit(changedEvent(world, message, before));
  return { ok: true, ts: message.ts };
}

/** Presses Slack's own stop button: what streams in that thread is stopped by Slack, the rest is the app's to do. */
export function stopAgent({ world, emit }: Parts, { as, channel, thread }: Extract<Act, { do: 'stop' }>): Altered {
  const status = world.data.statuses.find((s) => s.channel === channel && s.threadTs === thread);
  if (status?.status !== 'processing') return no('the app does not say that it is at work there, so there is no button');
  const streams = world.data.messages.filter((m) => m.streaming && m.channel === channel && m.threadTs === thread);
  for (const message of streams) message.streaming = false;
  world.changed();
  emit(sessionStoppedEvent(world, { user: as, channel, thread, streams: streams.map((m) => m.ts) }));
  return { ok: true };
}

function sees(message: Message, user: string): boolean {
  return message.onlyFor === null || message.onlyFor === user;
}

function no(error: string): Altered {
  return { ok: false, error };
}
