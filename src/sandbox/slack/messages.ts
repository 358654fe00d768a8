import { app, team } from './seed.ts';
import type { Json, Message, World } from './world.ts';

export type NewMessage = {
  channel: string;
  user: string;
  text: string;
  threadTs?: string | null | undefined;
  blocks?: Json[] | undefined;
  onlyFor?: string | null | undefined;
  metadata?: unknown;
  files?: Message['files'] | undefined;
  subtype?: string | undefined;
  streaming?: boolean | undefined;
};

/** Puts a message into its channel or thread. A reply to a reply lands in the thread of that reply, as in Slack. */
export function postMessage(world: World, message: NewMessage): Message {
  const posted: Message = {
    channel: message.channel,
    ts: world.nextTs(),
    threadTs: message.threadTs ? (findMessage(world, message.channel, message.threadTs)?.threadTs ?? message.threadTs) : null,
    user: message.user,
    bot: isBot(world, message.user),
    text: message.text,
    blocks: named(world, message.blocks ?? []),
    onlyFor: message.onlyFor ?? null,
    edited: false,
    files: message.files ?? [],
    metadata: message.metadata ?? null,
    subtype: message.subtype ?? null,
    reactions: [],
    streaming: message.streaming ?? false,
  };
  world.data.messages.push(posted);
  world.changed();
  return posted;
}

/** Edits in place. New text without blocks takes the old blocks away; blocks or metadata left out stay as they were. */
export function editMessage(world: World, message: Message, change: { text?: string | undefined; blocks?: Json[] | undefined; metadata?: unknown }): void {
  if (change.blocks !== undefined) message.blocks = named(world, change.blocks);
  else if (change.text !== undefined) message.blocks = [];
  if (change.text !== undefined) message.text = change.text;
  if (change.metadata !== undefined) message.metadata = change.metadata;
  message.edited = true;
  world.changed();
}

export function findMessage(world: World, channel: string, ts: string): Message | null {
  return world.data.messages.find((m) => m.channel === channel && m.ts === ts) ?? null;
}

/** The root and its replies, oldest first, without what only one person sees. */
export function threadOf(world: World, channel: string, root: string): Message[] {
  return world.data.messages.filter((m) => m.channel === channel && m.onlyFor === null && (m.ts === root || m.threadTs === root));
}

/** A message the way the Web API and the events show it. */
export function asSlackMessage(world: World, message: Message, options: { metadata: boolean } = { metadata: false }): Json {
  const replies = message.threadTs === null ? threadOf(world, message.channel, message.ts).length - 1 : 0;
  const threadTs = message.threadTs ?? (replies > 0 ? message.ts : null);
  return {
    type: 'message',
    ...(message.subtype ? { subtype: message.subtype } : {}),
    ...(message.subtype === 'tombstone' ? { hidden: true } : {}),
    user: message.user,
    ...(message.user === app.bot ? { bot_id: app.botId, app_id: app.id } : {}),
    team: team.id,
    text: message.text,
    ts: message.ts,
    ...(message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(threadTs ? { thread_ts: threadTs } : {}),
    ...(replies > 0 ? { reply_count: replies } : {}),
    ...(message.edited ? { edited: { user: message.user, ts: message.ts } } : {}),
    ...(message.files.length > 0
      ? { files: message.files.map((f) => ({ name: f.name, title: f.title, mimetype: f.mimetype, url_private: f.url, alt_txt: f.alt })) }
      : {}),
    ...(message.reactions.length > 0 ? { reactions: message.reactions.map((r) => ({ ...r, count: r.users.length })) } : {}),
    ...(options.metadata && message.metadata ? { metadata: message.metadata } : {}),
  };
}

/** Slack names every block and every interactive element that came without an id. */
export function named(world: World, blocks: Json[]): Json[] {
  const withAction = (element: unknown): unknown => {
    if (!isJson(element) || !isInteractive(element)) return element;
    return { ...element, action_id: element['action_id'] ?? world.nextId('a') };
  };
  return blocks.map((block) => ({
    ...block,
    block_id: block['block_id'] ?? world.nextId('b'),
    ...(Array.isArray(block['elements']) && block['type'] !== 'rich_text' ? { elements: block['elements'].map(withAction) } : {}),
    ...(block['accessory'] ? { accessory: withAction(block['accessory']) } : {}),
    ...(block['element'] ? { element: withAction(block['element']) } : {}),
    ...(Array.isArray(block['child_blocks']) ? { child_blocks: named(world, block['child_blocks'] as Json[]) } : {}),
    ...(Array.isArray(block['actions']) ? { actions: block['actions'].map(withAction) } : {}),
  }));
}

/** Every element a person can press, choose or fill in, with the block it stands in. */
export function interactiveElements(blocks: readonly unknown[]): { block: Json; element: Json }[] {
  return blocks.filter(isJson).flatMap((block) => {
    const own = [block['elements'], block['actions'], block['accessory'], block['element']].flat().filter(isJson);
    const nested = [block['child_blocks'], block['type'] === 'carousel' ? block['elements'] : []].flat();
    return [...own.filter(isInteractive).map((element) => ({ block, element })), ...interactiveElements(nested)];
  });
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isInteractive(element: Json): boolean {
  return /button|select|overflow|checkboxes|picker|input$/.test(String(element['type']));
}

function isBot(world: World, user: string): boolean {
  return world.data.users.find((u) => u.id === user)?.role === 'bot';
}
