import type { Act } from '../control-types.ts';
import { alter, stopAgent } from './alter.ts';
import { compose, mentionsBot } from './compose.ts';
import type { Ack, Delivery } from './deliver.ts';
import { type Emit, homeOpenedEvent, mentionEvent, messageEvent } from './events.ts';
import { actionOf, formErrors, stateValues } from './inputs.ts';
import { closing, commandPayload, messageAction, type Occasion, shortcut, submission, viewAction } from './interactions.ts';
import { findMessage, interactiveElements, isJson, postMessage } from './messages.ts';
import { applySubmission, closeModal, findModal } from './modals.ts';
import { app, slackbot } from './seed.ts';
import type { ResponseContext, Tickets } from './tickets.ts';
import { refuseBlocks } from './validate-blocks.ts';
import type { Json, World } from './world.ts';

/** `response` is what the person was shown at once: the answer to a command. */
export type Acted = { ok: boolean; error?: string; ts?: string; response?: string };
type Parts = { world: World; tickets: Tickets; delivery: Delivery; emit: Emit; origin: () => string };
type Doing<D extends Act['do']> = Extract<Act, { do: D }>;

/** Lets a person do something in Slack, and waits for as long as that person would: until the app has acked, or Slack gives up. */
export async function act(parts: Parts, what: Act): Promise<Acted> {
  const { world } = parts;
  const person = world.data.users.find((u) => u.id === what.as);
  if (!person) return no(`there is no person ${what.as} in this workspace`);
  switch (what.do) {
    case 'say':
      return say(parts, what);
    case 'command':
      return await command(parts, what);
    case 'click':
      return await click(parts, what);
    case 'submit':
      return await submit(parts, what);
    case 'close':
      return await close(parts, what);
    case 'shortcut':
      return await pickShortcut(parts, what);
    case 'home':
      parts.emit(homeOpenedEvent(world, what.as, what.tab));
      return { ok: true };
    case 'edit':
    case 'delete':
      return alter(parts, what);
    case 'stop':
      return stopAgent(parts, what);
    default:
      return what satisfies never;
  }
}

function say({ world, emit }: Parts, { as, text, channel, thread }: Doing<'say'>): Acted {
  const place = world.data.channels.find((c) => c.id === channel);
  if (!place || (place.im && place.im !== as)) return no(`there is no channel ${channel} that ${as} can see`);
  if (thread && !findMessage(world, channel, thread)) return no(`there is no message ${thread} in ${channel}`);
  if (text.trim() === '') return no('an empty message cannot be sent');
  const message = postMessage(world, { channel, user: as, text: compose(world, text), threadTs: thread });
  emit(messageEvent(world, message));
  if (mentionsBot(message.text) && !place.im) emit(mentionEvent(world, message));
  return { ok: true, ts: message.ts };
}

async function command(parts: Parts, { as, command, text, channel }: Doing<'command'>): Promise<Acted> {
  const { world, delivery } = parts;
  if (!world.data.channels.some((c) => c.id === channel)) return no(`there is no channel ${channel}`);
  const tell = (words: string) => postMessage(world, { channel, user: slackbot, text: words, onlyFor: as });
  if (!app.commands.includes(command)) {
    tell(`${command} is not a valid command.`);
    return no('invalid_command');
  }
  const typed = compose(world, text, { namesInMentions: true });
  const ack = await delivery.once('slash_commands', commandPayload(world, occasion(parts, as, { channel }), { command, text: typed, channel }));
  if (!ack.ok) {
    tell(`${command} failed with the error "dispatch_failed"`);
    return no('dispatch_failed');
  }
  return answerCommand(parts, as, channel, ack.body);
}

/** The ack's text is shown to the person alone, unless it says in_channel. */
function answerCommand({ world, emit }: Parts, as: string, channel: string, body: unknown): Acted {
  const answer = typeof body === 'string' ? { text: body } : isJson(body) ? body : {};
  const text = typeof answer['text'] === 'string' ? answer['text'] : '';
  const blocks = answer['blocks'];
  if (text === '' && blocks === undefined) return { ok: true };
  if (blocks !== undefined && refuseBlocks(blocks)) return no('invalid_command_response');
  const open = answer['response_type'] === 'in_channel';
  const message = postMessage(world, { channel, user: app.bot, text, blocks: blocks as Json[] | undefined, onlyFor: open ? null : as });
  if (open) emit(messageEvent(world, message));
  return { ok: true, response: text, ts: message.ts };
}

async function click(parts: Parts, { as, channel, ts, actionId, value, view: viewId }: Doing<'click'>): Promise<Acted> {
  const { world, delivery } = parts;
  const view = viewId ? viewOf(world, as, viewId) : null;
  const message = view ? null : findMessage(world, channel, ts);
  if (!view && (!message || (message.onlyFor !== null && message.onlyFor !== as))) return no(`${as} sees no message ${ts} in ${channel}`);
  const found = interactiveElements(((view ? view['blocks'] : message?.blocks) ?? []) as unknown[]).filter(({ element }) => element['action_id'] === actionId);
  const picked = found.find(({ element }) => value === undefined || element['value'] === value) ?? found.find(({ element }) => element['type'] !== 'button');
  if (!picked) return no(`there is no ${actionId} to click there${found.length > 0 ? ` with the value ${value}` : ''}`);
  const action = actionOf(picked.block, picked.element, value, world.nextTs());
  if (message) {
    const where = { channel: message.channel, ts: message.ts, threadTs: message.threadTs };
    return acted(await delivery.once('interactive', messageAction(world, occasion(parts, as, where), message, action)));
  }
  return acted(await delivery.once('interactive', viewAction(world, occasion(parts, as), view ?? {}, action)));
}

async function submit(parts: Parts, { as, modal: id, values }: Doing<'submit'>): Promise<Acted> {
  const { world, delivery } = parts;
  const modal = findModal(world, id);
  if (!modal || modal.user !== as) return no(`${as} has no modal ${id} open`);
  const blocks = (modal.view['blocks'] ?? []) as unknown[];
  const state = stateValues(blocks, values);
  // What was filled in is there again when a view that was pushed over it is closed.
  modal.view = { ...modal.view, state: { values: state } };
  modal.errors = formErrors(blocks, state);
  if (Object.keys(modal.errors).length > 0) {
    world.changed();
    return no('the form has errors');
  }
  const ack = await delivery.once('interactive', submission(world, occasion(parts, as), modal, state));
  if (!ack.ok) return no('We had some trouble connecting. Try again?');
  const error = applySubmission(world, modal, ack.body);
  return error ? no(error) : { ok: true };
}

async function close(parts: Parts, { as, modal: id }: Doing<'close'>): Promise<Acted> {
  const { world, delivery } = parts;
  const modal = findModal(world, id);
  if (!modal || modal.user !== as) return no(`${as} has no modal ${id} open`);
  closeModal(world, modal, modal.view['clear_on_close'] === true);
  if (modal.view['notify_on_close'] !== true) return { ok: true };
  return acted(await delivery.once('interactive', closing(world, occasion(parts, as), modal)));
}

async function pickShortcut(parts: Parts, { as, callbackId, channel, ts }: Doing<'shortcut'>): Promise<Acted> {
  const { world, delivery } = parts;
  const message = channel && ts ? findMessage(world, channel, ts) : null;
  if (ts && !message) return no(`there is no message ${ts} in ${channel}`);
  const where = message ? { channel: message.channel, ts: message.ts, threadTs: message.threadTs } : {};
  return acted(await delivery.once('interactive', shortcut(world, occasion(parts, as, where), callbackId, message)));
}

function occasion({ tickets, origin }: Parts, user: string, where: Partial<ResponseContext> = {}): Occasion {
  const response = tickets.response({ user, channel: '', ts: null, threadTs: null, ...where });
  return { user, trigger: tickets.trigger(user), responseUrl: `${origin()}/response/${response}` };
}

function viewOf(world: World, user: string, id: string): Json | null {
  const home = world.data.homes[user];
  if (home?.['id'] === id) return home;
  const modal = findModal(world, id);
  return modal?.user === user ? modal.view : null;
}

function acted(ack: Ack): Acted {
  return ack.ok ? { ok: true } : no('dispatch_failed');
}

function no(error: string): Acted {
  return { ok: false, error };
}
