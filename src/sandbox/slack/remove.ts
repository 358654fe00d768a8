import { changedEvent, deletedEvent, type Emit } from './events.ts';
import { asSlackMessage, threadOf } from './messages.ts';
import { slackbot } from './seed.ts';
import type { Message, World } from './world.ts';

export const TOMBSTONE = 'tombstone';

/** Takes a message away. One with replies leaves a tombstone, so that its thread stands, and the app is told of a change. */
export function removeMessage(world: World, message: Message, emit: Emit): void {
  const seen = message.onlyFor === null;
  if (seen && message.threadTs === null && threadOf(world, message.channel, message.ts).length > 1) {
    const before = asSlackMessage(world, message);
    const emptied = { blocks: [], files: [], reactions: [], metadata: null, edited: false, streaming: false };
    Object.assign(message, { ...emptied, user: slackbot, bot: true, subtype: TOMBSTONE, text: 'This message was deleted.' });
    world.changed();
    emit(changedEvent(world, message, before));
    return;
  }
  world.data.messages = world.data.messages.filter((m) => m !== message);
  world.changed();
  if (seen) emit(deletedEvent(world, message));
}
