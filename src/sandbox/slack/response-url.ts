import type { Answered, Asked } from '../stand-in.ts';
import { changedEvent, type Emit, messageEvent } from './events.ts';
import { editMessage, findMessage, isJson, postMessage } from './messages.ts';
import { removeMessage } from './remove.ts';
import { app } from './seed.ts';
import type { Tickets } from './tickets.ts';
import { refuseBlocks } from './validate-blocks.ts';
import type { Json, World } from './world.ts';

/** A JSON POST to a response_url: a new message, private unless it says in_channel, or a change of the one that was clicked. */
export function respond(id: string, asked: Asked, { world, tickets, emit }: { world: World; tickets: Tickets; emit: Emit }): Answered {
  const body = isJson(asked.body) ? asked.body : null;
  if (!body) return { status: 400, body: 'invalid_payload' };
  const blocks = body['blocks'] as Json[] | undefined;
  const refusal = blocks === undefined ? null : refuseBlocks(blocks);
  if (refusal) return { status: 400, body: refusal.error };
  const context = tickets.spendResponse(id);
  if ('error' in context) return { status: 404, body: { ok: false, error: context.error } };
  const clicked = context.ts ? findMessage(world, context.channel, context.ts) : null;
  if (body['delete_original'] === true) {
    if (!clicked) return { status: 404, body: 'message_not_found' };
    removeMessage(world, clicked, emit);
    return { body: 'ok' };
  }
  const text = typeof body['text'] === 'string' ? body['text'] : '';
  if (text === '' && blocks === undefined) return { status: 400, body: 'no_text' };
  if (body['replace_original'] === true && clicked) {
    editMessage(world, clicked, { text, blocks: blocks ?? [] });
    if (clicked.onlyFor === null) emit(changedEvent(world, clicked));
    return { body: 'ok' };
  }
  const open = body['response_type'] === 'in_channel';
  const threadTs = typeof body['thread_ts'] === 'string' ? body['thread_ts'] : null;
  const message = postMessage(world, { channel: context.channel, user: app.bot, text, blocks, threadTs, onlyFor: open ? null : context.user });
  if (open) emit(messageEvent(world, message));
  return { body: 'ok' };
}
