import type { Outcome } from './events.ts';
import { type Call, isSpoken, type Reply, type Session, type Told } from './state.ts';

/** The provider's message shape, as far as we write it ourselves; an assistant's content is kept as it came. */
export type Message = { role: 'user'; content: Block[] } | { role: 'assistant'; content: unknown[] };
export type Block =
  | { type: 'text'; text: string }
  | {
      type: 'tool_result';
      tool_use_id: string;
      is_error?: true;
      content: ({ type: 'text'; text: string } | { type: 'image'; source: { type: 'base64'; media_type: string; data: string } })[];
    };

/** Shorter results stay when room is made: what would stand in their place is hardly shorter. */
export const WORTH_LEAVING_OUT = 1_000;

/** What the model reads of one call's result, at the most, in characters. */
const RESULT_LIMIT = 24_000;

/** Where a message of the transcript begins: before which reply, and how many words of people were said before it. */
type Place = { reply: number; heard: number };
/** A transcript as JSON without brackets: `closed`, the messages that nothing can change any more, and `open`, the rest; `from` is where the open ones begin. */
export type Written = { closed: Buffer; open: Buffer; from: Place /** What was left out when this was written. */; omits: string };

/**
 * The transcript that the model is asked with: a pure function of the log, only ever appended to, so that request k+1 begins with the bytes of
 * request k, on whatever worker and after whatever wait. `image` gives a stored picture as base64, or null where it is gone.
 */
export function transcript(s: Session, image: (sha256: string) => string | null): Message[] {
  return messagesFrom(s, { reply: 0, heard: 0 }, image).map((m) => m.message);
}

/** The same as bytes. What an earlier writing of the same session has closed is not written again, unless something is left out of it since. */
export function writeTranscript(s: Session, image: (sha256: string) => string | null, earlier?: Written): Written {
  const omits = JSON.stringify([s.omitsTo, s.omitsPictures]);
  const before = earlier?.omits === omits ? earlier : undefined;
  const placed = messagesFrom(s, before?.from ?? { reply: 0, heard: 0 }, image);
  // The last message of ours may still get more; what stands before it is answered.
  const last = placed.findLastIndex((m) => m.message.role === 'user');
  const written = placed.map((m) => JSON.stringify(m.message));
  const closing = written.slice(0, last).map((text) => `${text},`);
  return {
    closed: Buffer.concat([before?.closed ?? Buffer.alloc(0), Buffer.from(closing.join(''))]),
    open: Buffer.from(written.slice(last).join(',')),
    from: placed[last]?.at ?? { reply: 0, heard: 0 },
    omits,
  };
}

type Placed = { message: Message; at: Place };

function messagesFrom(s: Session, from: Place, image: (sha256: string) => string | null): Placed[] {
  const messages: Placed[] = [];
  let { heard } = from;
  // What the host did after a stop is no part of a conversation.
  const replies = s.replies.filter((r) => !r.host);
  for (let i = from.reply; i <= replies.length; i++) {
    const reply = replies[i];
    const at = { reply: i, heard };
    const before = s.told.slice(heard).filter((t) => reply === undefined || t.seq <= reply.saw);
    heard += before.length;
    const first = i === 0 ? [{ type: 'text', text: opening(s) }] : results(s, replies[i - 1], image);
    say(messages, at, 'user', [...first, ...heardIn(s, before)]);
    if (reply) say(messages, at, 'assistant', reply.content);
  }
  return messages;
}

/** Neighbours of one role become one message: the API wants the roles to alternate, and an empty reply leaves none. */
function say(messages: Placed[], at: Place, role: Message['role'], content: unknown[]): void {
  if (content.length === 0) return;
  const last = messages.at(-1)?.message;
  if (last?.role === role) (last.content as unknown[]).push(...content);
  else messages.push({ message: { role, content: [...content] } as Message, at });
}

function opening(s: Session): string {
  const { after, quoted, by, prompt } = s.opened;
  const parts: string[] = [];
  if (after) parts.push(`<earlier_experiment session="${after.session}">\n${quote(after.report)}\n</earlier_experiment>`);
  if (quoted?.length) parts.push(`<thread_so_far>\n${quoted.map((q) => `${q.by}: ${quote(q.text)}`).join('\n')}\n</thread_so_far>`);
  parts.push(`<request from="${by}">\n${quote(prompt)}\n</request>`);
  return parts.join('\n\n');
}

/** What was said since the model's last look. What was edited or taken back before it was read is read once, as it stands now. */
function heardIn(s: Session, batch: readonly Told[]): Block[] {
  const spoken = batch.filter(isSpoken);
  return spoken
    .filter((t) => !spoken.some((later) => later.seq > t.seq && later.of !== undefined && (later.of === t.ts || later.of === t.of)))
    .map((t) => told(t, t.of === undefined ? null : earlier(s, t.of, spoken)));
}

/** What the model has read of a message before this look, and what that was; null where it has read nothing of it. */
function earlier(s: Session, ts: string, unread: readonly Told[]): { what: string; text: string } | null {
  if (unread.some((t) => t.ts === ts)) return null;
  const said = s.told.find((t) => t.ts === ts);
  return said ? { what: 'an earlier message', text: said.text } : { what: 'the request', text: s.opened.prompt };
}

/** A colleague who was not asked is overheard: context, not an order. */
function told(t: Told, before: { what: string; text: string } | null): Block {
  const tag = t.standing === 'other' ? 'overheard' : 'message';
  const altered = before ? ` ${t.kind === 'delete' ? 'withdraws' : 'edits'}="${before.what}"` : '';
  const text = t.kind !== 'delete' ? t.text : (before?.text ?? '(taken back before you could read it)');
  return { type: 'text', text: `<${tag} from="${t.by}" standing="${t.standing}"${altered}>\n${quote(text)}\n</${tag}>` };
}

function results(s: Session, reply: Reply | undefined, image: (sha256: string) => string | null): Block[] {
  const omits = (reply?.seq ?? 0) <= (s.omitsTo ?? 0);
  return (reply?.calls ?? []).map((c) => result(s.calls.get(c.id), c.id, s.omitsPictures?.includes(c.id) ? null : image, omits));
}

function result(call: Call | undefined, id: string, image: ((sha256: string) => string | null) | null, omits: boolean): Block {
  if (call?.status.is !== 'finished') throw new Error(`call ${id} is not finished, so the model can't be asked`);
  const { outcome } = call.status;
  const whole = resultText(outcome);
  const isLeftOut = omits && (whole.length >= WORTH_LEAVING_OUT || (outcome.images?.length ?? 0) > 0);
  const content: Extract<Block, { type: 'tool_result' }>['content'] = [{ type: 'text', text: isLeftOut ? leftOut(call, whole) : whole }];
  const pictures = isLeftOut ? [] : (outcome.images ?? []);
  if (!image && pictures.length > 0) content.push({ type: 'text', text: UNREADABLE });
  for (const picture of image ? pictures : []) {
    const data = image?.(picture.sha256) ?? null;
    if (data !== null) content.push({ type: 'image', source: { type: 'base64', media_type: picture.media_type, data } });
  }
  const failed = outcome.status === 'failed' || outcome.status === 'refused' || outcome.status === 'unknown';
  return { type: 'tool_result', tool_use_id: id, ...(failed ? { is_error: true as const } : {}), content };
}

const UNREADABLE = '[A picture is left out here, as it could not be read: it is broken, or of a kind that is not taken. You have not seen it.]';

/** The same words each time: they are part of a prefix that must not change. */
function leftOut({ tool }: Call, text: string): string {
  return `[${text.length} characters that ${tool} answered are left out here to make room. Call it again if they are needed.]`;
}

/** The exact values as JSON where there are any: text from outside stays inside a JSON string. */
export function resultText(outcome: Outcome): string {
  const text = outcome.data ? JSON.stringify(outcome.data) : outcome.text;
  return text.length <= RESULT_LIMIT ? text : `${text.slice(0, RESULT_LIMIT)}\n[${text.length - RESULT_LIMIT} more characters left out]`;
}

/** What people wrote can't close or open the frames that tell the model who speaks. */
function quote(text: string): string {
  return text.replace(/<(\/?)(earlier_experiment|thread_so_far|request|message|overheard)\b/gi, '‹$1$2');
}
